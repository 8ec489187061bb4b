"""Every page in every state: nothing that axe or an HTML validator finds, nothing wider than the window.

`make audit-pages` looks through more windows, and asks Lighthouse too.
"""

import asyncio
from collections.abc import AsyncIterator

import pytest
from granian.constants import Interfaces
from granian.log import LogLevels
from granian.server.embed import Server
from playwright.async_api import Browser

from boxoffice.app import create_app
from boxoffice.settings import Settings
from tests.chromium import in_chromium
from tests.conftest import SECRET_KEY
from tests.stripe_simulator.seller import free_port
from tests.wallet.keys import apple_environment, google_environment
from tests.web.conftest import KEYS
from tests.web.every_page import SMALL_DARK, WIDE_LIGHT, Stage, Window, furnish
from tests.web.page_faults import html_faults, page_faults

pytestmark = [*in_chromium, pytest.mark.slow]


@pytest.fixture
async def stage(database_url: str) -> AsyncIterator[Stage]:
    port = free_port()
    values = {"DATABASE_URL": database_url, "SECRET_KEY": SECRET_KEY, "BASE_URL": f"http://localhost:{port}"} | KEYS
    keys = apple_environment() | google_environment()
    box, made = await furnish(Settings.from_environment(values | keys))
    server = Server(
        create_app(box), address="127.0.0.1", port=port, interface=Interfaces.ASGI, log_level=LogLevels.error
    )
    task = asyncio.create_task(server.serve())
    await asyncio.sleep(0.3)
    yield made
    server.stop()
    await task
    await box.close()


@pytest.mark.parametrize("window", [SMALL_DARK, WIDE_LIGHT], ids=["small-dark", "wide-light"])
async def test_nothing_is_wrong_with_any_page(chromium: Browser, stage: Stage, window: Window) -> None:
    found: dict[str, list[str]] = {}
    pages: dict[str, str] = {}
    async for scene, page, html in stage.walk(chromium, window):
        found[scene.name] = await page_faults(page)
        pages[scene.name] = html
    assert len(pages) == len(stage.scenes)
    wrong = {name: words for name, words in found.items() if words}
    assert (wrong, await html_faults(pages)) == ({}, {})
