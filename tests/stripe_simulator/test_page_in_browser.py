"""The hosted page in a real browser: by keyboard alone, without scripts, for everyone."""

import pytest
from playwright.async_api import Browser, Page

from tests.chromium import in_chromium
from tests.stripe_simulator.seller import Seller
from tests.web.page_faults import WCAG, page_faults

pytestmark = in_chromium


async def opened(chromium: Browser, url: str | None, *, scheme: str = "light", scripts: bool = False) -> Page:
    """The page on a phone; the checker needs scripts, the page does not."""
    context = await chromium.new_context(
        viewport={"width": 390, "height": 844},
        color_scheme="dark" if scheme == "dark" else "light",
        java_script_enabled=scripts,
    )
    page = await context.new_page()
    await page.goto(url or "")
    return page


async def test_paying_by_keyboard_alone(chromium: Browser, seller: Seller) -> None:
    back = f"{seller.base_url}/c/pay/cs_test_nothing?session_id={{CHECKOUT_SESSION_ID}}"
    session = await seller.session(success_url=back, allowed_payment_method_types=["card"])
    page = await opened(chromium, session.url)
    await page.focus("#email")
    for typed in ("ada@example.com", "4242424242424242", "12/34", "123"):
        await page.keyboard.type(typed)
        await page.keyboard.press("Tab")
    await page.keyboard.press("Tab")
    await page.keyboard.type("Ada Example")
    await page.keyboard.press("Tab")
    await page.keyboard.type("Ireland")
    await page.keyboard.press("Tab")
    await page.keyboard.press("Enter")
    await page.wait_for_url("**session_id=cs_test_*")
    await page.context.close()
    paid = await seller.sdk.v1.checkout.sessions.retrieve_async(session.id)
    assert paid.payment_status == "paid"


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_everyone_can_use_it(chromium: Browser, seller: Seller, scheme: str) -> None:
    session = await seller.session(allow_promotion_codes=True, consent_collection={"terms_of_service": "required"})
    page = await opened(chromium, session.url, scheme=scheme, scripts=True)
    await page.click("summary")
    assert await page_faults(page, WCAG) == []
    await page.click(".pay")
    assert await page.locator(":focus").get_attribute("id") == "email"
    assert await page_faults(page, WCAG) == []
    assert await page.evaluate("document.documentElement.scrollWidth") == 390
    await page.context.close()


async def test_the_method_chosen_shows_its_own_fields(chromium: Browser, seller: Seller) -> None:
    page = await opened(chromium, (await seller.session()).url)
    assert await page.is_visible("#number")
    assert not await page.is_visible("#debit")
    await page.check('input[value="sepa_debit"]')
    assert await page.is_visible("#debit")
    assert not await page.is_visible("#number")
    await page.context.close()
