"""A browser without scripts, in front of a box office with one night and two ticket types."""

from collections.abc import AsyncIterator

import pytest
from httpx import AsyncClient

from boxoffice.box import BoxOffice
from boxoffice.settings import Settings
from tests.apps import furnished, transport
from tests.conftest import SECRET_KEY
from tests.nights import load
from tests.pgbouncer import POOLER
from tests.web.cast import LONG_NIGHT

BROWSER = {"Accept": "text/html,application/xhtml+xml", "Sec-Fetch-Site": "same-origin"}
NOBODY_ANSWERS = "http://127.0.0.1:1"
KEYS = {
    "STRIPE_SECRET_KEY": "sk_test_of_the_pages",
    "STRIPE_WEBHOOK_SECRET": "whsec_of_the_pages",
    "STRIPE_API_BASE": NOBODY_ANSWERS,
}


@pytest.fixture
def settings(database_url: str) -> Settings:
    """Of a development machine with test keys of Stripe."""
    return Settings.from_environment({"DATABASE_URL": database_url, "SECRET_KEY": SECRET_KEY} | KEYS | POOLER)


@pytest.fixture
async def box(settings: Settings) -> AsyncIterator[BoxOffice]:
    """The box office behind the pages."""
    with furnished(settings) as box:
        box.shared_pages.seconds = box.choices.seconds = 0  # tests change what pages show
        await load(box.db, LONG_NIGHT)
        yield box
        await box.close()


@pytest.fixture
async def browser(box: BoxOffice) -> AsyncIterator[AsyncClient]:
    """Sends what a browser's own forms and links send."""
    async with AsyncClient(transport=transport(box), base_url="http://localhost:3000", headers=BROWSER) as http:
        yield http
