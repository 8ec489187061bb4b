"""A browser without scripts, in front of a box office with one night and two ticket types."""

from collections.abc import AsyncIterator
from typing import Any, cast

import pytest
from httpx import ASGITransport, AsyncClient

from boxoffice.app import create_app
from boxoffice.box import BoxOffice
from boxoffice.settings import Settings
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
    made = BoxOffice.from_settings(settings)
    made.shared_pages.seconds = made.choices.seconds = 0  # tests change what pages show
    await load(made.db, LONG_NIGHT)
    yield made
    await made.close()


@pytest.fixture
async def browser(box: BoxOffice) -> AsyncIterator[AsyncClient]:
    """Sends what a browser's own forms and links send."""
    transport = ASGITransport(app=cast("Any", create_app(box)), raise_app_exceptions=False)
    async with AsyncClient(transport=transport, base_url="http://localhost:3000", headers=BROWSER) as http:
        yield http
