"""Chromium for the tests that need a browser.

A person without one is told that these were left out; CI installs it, and fails without it.
"""

import os
import shutil
from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser, async_playwright

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
LEFT_OUT = CHROMIUM is None and "CI" not in os.environ
in_chromium = [pytest.mark.browser, pytest.mark.skipif(LEFT_OUT, reason="no Chromium on this machine")]


@pytest.fixture(scope="module")
async def chromium() -> AsyncIterator[Browser]:
    """One browser for a file of tests."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        await browser.close()
