"""Every mail as it is seen on a small phone, by day and by night, with names that try to break out."""

import os
import shutil
from collections.abc import AsyncIterator
from typing import Literal

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, async_playwright

from tests.notifications.mails import every_mail

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
LEFT_OUT = CHROMIUM is None and "CI" not in os.environ
pytestmark = [pytest.mark.browser, pytest.mark.skipif(LEFT_OUT, reason="no Chromium on this machine")]
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa"]}
NAMES = ("Übermäßiglangerveranstaltungsnameohneleerzeichen" * 3, "<script>document.title = 'broken'</script>")


@pytest.fixture(scope="module")
async def chromium() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        await browser.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_mails_fit_a_small_phone_and_can_be_read(chromium: Browser, scheme: Literal["light", "dark"]) -> None:
    page = await chromium.new_page(viewport={"width": 320, "height": 640}, color_scheme=scheme)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    for kind, mail in every_mail(NAMES[0], NAMES).items():
        if mail.html:
            await page.set_content(mail.html)
            assert await page.evaluate("document.documentElement.scrollWidth") == 320, kind
            assert await page.title() != "broken", kind
            assert (await Axe().run(page, options=RULES)).response["violations"] == [], kind
    assert asked == []
    await page.close()
