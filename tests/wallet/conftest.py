"""A box office with the keys of both wallets, and stand-ins for Apple and Google on loopback."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from typing import Any

import pytest
from httpx import AsyncClient

from boxoffice.box import BoxOffice
from boxoffice.orders.order import OrderView
from boxoffice.settings import Reading, Settings
from boxoffice.worker.tick import run_jobs
from tests.apps import transport
from tests.conftest import SECRET_KEY
from tests.nights import load
from tests.pgbouncer import POOLER
from tests.wallet.google_service import GoogleService
from tests.wallet.keys import apple_environment, google_environment
from tests.wallet.push_service import PushService
from tests.web.cast import LONG_NIGHT, key_of
from tests.web.conftest import BROWSER, KEYS

BASE = "https://localhost:3000"


@dataclass
class House:
    """`browser` is Mara's, `phone` her phone's wallet, which has no cookies."""

    box: BoxOffice
    browser: AsyncClient
    phone: AsyncClient
    push: PushService
    google: GoogleService

    def enter(self, view: OrderView) -> None:
        """Mara may see the order from now on."""
        self.browser.cookies.update(key_of(self.box, view))

    async def execute(self, sql: str, *values: object) -> None:
        async with self.box.db.transaction() as connection:
            await connection.execute(sql, *values)

    async def value(self, sql: str, *values: object) -> Any:
        async with self.box.db.transaction() as connection:
            return await connection.fetchval(sql, *values)

    async def work(self) -> None:
        """Every job that is due is tried once."""
        while await run_jobs(self.box):
            pass

    async def retry(self) -> None:
        """What failed is due now."""
        await self.execute("UPDATE job SET run_at = clock() WHERE done_at IS NULL")
        await self.work()


@pytest.fixture
async def house(database_url: str) -> AsyncIterator[House]:
    async with PushService().running() as push, GoogleService().running() as google:
        values = {"DATABASE_URL": database_url, "SECRET_KEY": SECRET_KEY, "BASE_URL": BASE} | KEYS | POOLER
        environment = values | apple_environment() | google_environment(google.token_uri)
        box = BoxOffice.from_settings(on_loopback(Settings.from_environment(environment), push, google))
        box.shared_pages.seconds = box.choices.seconds = 0
        await load(box.db, LONG_NIGHT)
        async with (
            AsyncClient(transport=transport(box), base_url=BASE, headers=BROWSER) as browser,
            AsyncClient(transport=transport(box), base_url=BASE) as phone,
        ):
            yield House(box, browser, phone, push, google)
        await box.close()


def on_loopback(settings: Settings, push: PushService, google: GoogleService) -> Settings:
    """The same settings with the stand-ins in place of Apple and Google."""
    assert settings.apple_wallet is not None
    assert settings.google_wallet is not None
    return replace(
        settings,
        apple_wallet=replace(settings.apple_wallet, push_base=push.base, push_authority=push.authority),
        google_wallet=replace(settings.google_wallet, api_base=google.base),
    )


def on_google(reading: Reading, google: GoogleService) -> Reading:
    """What doctor reads, with the stand-in in place of Google."""
    keys = reading.settings.google_wallet
    assert keys is not None
    return replace(reading, settings=replace(reading.settings, google_wallet=replace(keys, api_base=google.base)))
