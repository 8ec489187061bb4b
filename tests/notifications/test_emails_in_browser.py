"""Every mail as it is seen on a small phone, by day and by night, with names that try to break out."""

from typing import Literal

import pytest
from playwright.async_api import Browser

from tests.chromium import in_chromium
from tests.notifications.mails import every_mail
from tests.web.page_faults import WCAG, page_faults

pytestmark = in_chromium
NAMES = ("Übermäßiglangerveranstaltungsnameohneleerzeichen" * 3, "<script>document.title = 'broken'</script>")


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
            assert await page_faults(page, WCAG) == [], kind
    assert asked == []
    await page.close()
