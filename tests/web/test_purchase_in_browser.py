"""People buy tickets in Chromium: from the programme over Stripe's page to My Tickets, on a phone."""

import re
from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser, BrowserContext, Locator, Page, ViewportSize, expect

from tests.chromium import in_chromium
from tests.shop import Shop

pytestmark = in_chromium
PHONE = ViewportSize(width=360, height=780)
CARD = 'input[name="method"][value="card"][type="radio"]'
STOPS_MAX = 40


@pytest.fixture
async def phone(chromium: Browser) -> AsyncIterator[BrowserContext]:
    context = await chromium.new_context(viewport=PHONE)
    yield context
    await context.close()


@pytest.fixture
async def phone_without_scripts(chromium: Browser) -> AsyncIterator[BrowserContext]:
    context = await chromium.new_context(viewport=PHONE, java_script_enabled=False)
    yield context
    await context.close()


async def checkout(shop: Shop, context: BrowserContext, quantity: int = 1) -> Page:
    """From the programme to the checkout page, filled in."""
    page = await context.new_page()
    await page.goto(shop.url)
    await page.get_by_role("link", name=re.compile("Tiefdruck Eins")).first.click()
    await page.locator("input[type=number]").first.fill(str(quantity))
    await page.get_by_role("button", name="Get tickets").click()
    await page.get_by_label("E-mail").fill("mara@example.org")
    return page


async def at_stripe(shop: Shop, context: BrowserContext, quantity: int = 1) -> Page:
    """A buyer who has arrived on Stripe's page."""
    page = await checkout(shop, context, quantity)
    await page.get_by_role("button", name=re.compile("Buy for")).click()
    await page.wait_for_url("**/c/pay/**")
    return page


async def pay(page: Page, number: str = "4242 4242 4242 4242") -> None:
    """Fills in the card and presses Pay."""
    card = page.locator(CARD)
    if await card.count():
        await card.check()
    await page.fill("#number", number)
    await page.fill("#expiry", "12 / 34")
    await page.fill("#cvc", "123")
    await page.fill("#name", "Mara Example")
    await page.select_option("#country", "DE")
    await page.click(".pay")


async def mailed(shop: Shop, subject: str) -> str:
    """The text of the newest mail whose subject says so."""
    await shop.tick()
    async with shop.box.db.transaction() as connection:
        text = await connection.fetchval(
            "SELECT text FROM mailbox_message WHERE subject ILIKE $1 ORDER BY created_at DESC LIMIT 1", f"%{subject}%"
        )
    assert isinstance(text, str)
    return text


async def test_two_tickets_from_the_programme_to_my_tickets(shop: Shop, phone: BrowserContext) -> None:
    page = await at_stripe(shop, phone, 2)
    await pay(page)
    await page.wait_for_url("**/success?session_id=cs_test_*")
    await expect(page.get_by_role("heading", name="You’re in")).to_be_visible()
    await expect(page.locator(".stub")).to_have_count(2)
    await page.goto(f"{shop.url}/tickets")
    await page.get_by_label("E-mail").fill("Mara@Example.org")
    await page.get_by_role("button", name="Send me a code").click()
    code = re.search(r"\b\d{8}\b", await mailed(shop, "sign"))
    assert code is not None
    await page.get_by_label("Eight digits").fill(code[0])
    await page.get_by_role("button", name="Sign in").click()
    await expect(page.locator(".stub")).to_have_count(2)
    await page.get_by_role("link", name="Tiefdruck Eins").first.click()
    await expect(page.get_by_role("img", name="QR code of this ticket")).to_be_visible()
    (first, second) = await shop_tickets(shop)
    assert first[1] == second[1] == "active"
    await shop.sound()


async def shop_tickets(shop: Shop) -> list[tuple[str, str]]:
    async with shop.box.db.transaction() as connection:
        return [(row["code"], row["status"]) for row in await connection.fetch("SELECT code, status FROM ticket")]


async def tab_to(page: Page, target: Locator) -> None:
    """Presses Tab until the target has the focus and is in sight."""
    for _ in range(STOPS_MAX):
        await page.keyboard.press("Tab")
        if await target.evaluate("one => one === document.activeElement"):
            await expect(target).to_be_in_viewport()
            return
    pytest.fail(f"{STOPS_MAX} times Tab do not lead to {target}")


async def type_into(page: Page, field: str, text: str) -> None:
    """Fills in the field of that selector as somebody without a mouse does."""
    await tab_to(page, page.locator(field).first)
    await page.keyboard.type(text)


async def test_by_keyboard_alone(shop: Shop, phone: BrowserContext) -> None:
    """From the programme over Stripe's page to the code that opens the door, without a mouse or a finger."""
    page = await phone.new_page()
    await page.goto(shop.url)
    await tab_to(page, page.get_by_role("link", name=re.compile("Tiefdruck Eins")).first)
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/events/*")
    await type_into(page, "input[type=number]", "2")
    await tab_to(page, page.get_by_role("button", name="Get tickets"))
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/checkout?*")
    await type_into(page, "#email", "mara@example.org")
    await tab_to(page, page.get_by_role("button", name=re.compile("Buy for €24")))
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/c/pay/**")
    if await page.locator(CARD).count():
        await tab_to(page, page.locator(CARD))
        await page.keyboard.press("Space")
    for field, text in {"#number": "4242424242424242", "#expiry": "1234", "#cvc": "123", "#name": "Mara"}.items():
        await type_into(page, field, text)
    await type_into(page, "#country", "Germany")
    await tab_to(page, page.locator(".pay"))
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/success?session_id=cs_test_*")
    await expect(page.locator(".stub")).to_have_count(2)
    await tab_to(page, page.get_by_role("link", name="Open the first ticket"))
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("img", name="QR code of this ticket").first).to_be_visible()
    assert len(await shop.charges()) == 1
    await shop.sound()


async def test_without_scripts(shop: Shop, phone_without_scripts: BrowserContext) -> None:
    page = await at_stripe(shop, phone_without_scripts)
    await pay(page)
    await page.wait_for_url("**/success?session_id=cs_test_*")
    await expect(page.get_by_role("heading", name="You’re in")).to_be_visible()
    await page.get_by_role("link", name="See the order").click()
    await expect(page.locator(".stub")).to_have_count(1)


async def test_a_decline_and_then_another_card(shop: Shop, phone: BrowserContext) -> None:
    page = await at_stripe(shop, phone)
    await pay(page, "4000000000000002")
    await expect(page.get_by_role("alert")).to_contain_text("declined")
    await pay(page)
    await page.wait_for_url("**/success?session_id=cs_test_*")
    await expect(page.get_by_role("heading", name="You’re in")).to_be_visible()
    assert len(await shop.charges()) == 1


async def test_three_d_secure(shop: Shop, phone: BrowserContext) -> None:
    page = await at_stripe(shop, phone)
    await pay(page, "4000000000003220")
    await page.get_by_role("button", name="Complete").click()
    await page.wait_for_url("**/success?session_id=cs_test_*")
    await expect(page.get_by_role("heading", name="You’re in")).to_be_visible()


async def test_back_and_on_again(shop: Shop, phone: BrowserContext) -> None:
    page = await at_stripe(shop, phone)
    await page.get_by_role("link", name=re.compile("Back")).click()
    await page.wait_for_url(f"{shop.url}/orders/*")
    await page.get_by_role("link", name=re.compile("[Cc]ontinue|Pay")).first.click()
    await page.wait_for_url("**/c/pay/**")
    await pay(page)
    await page.wait_for_url("**/success?session_id=cs_test_*")
    assert len(await shop.sessions()) == 1


async def test_giving_up(shop: Shop, phone: BrowserContext) -> None:
    page = await at_stripe(shop, phone)
    await page.get_by_role("link", name=re.compile("Back")).click()
    await page.wait_for_url(f"{shop.url}/orders/*")
    await page.get_by_text("I do not want this ticket").click()
    await page.get_by_role("button", name="Give up this ticket").click()
    await expect(page.get_by_role("heading", name="Given up")).to_be_visible()
    assert [session["status"] for session in await shop.sessions()] == ["expired"]
    await shop.sound()


async def test_two_tabs(shop: Shop, phone: BrowserContext) -> None:
    first = await at_stripe(shop, phone)
    second = await phone.new_page()
    await second.goto(first.url)
    await pay(first)
    await first.wait_for_url("**/success?session_id=cs_test_*")
    await pay(second)
    await expect(second.get_by_role("heading", name="You’re in")).to_be_visible()
    assert len(await shop.charges()) == 1
    assert len(await shop_tickets(shop)) == 1


async def test_pressing_twice(shop: Shop, phone_without_scripts: BrowserContext) -> None:
    """Without scripts nothing but the key in the form keeps two presses from being two orders."""
    page = await checkout(shop, phone_without_scripts)
    button = page.get_by_role("button", name=re.compile("Buy for"))
    await shop.fault("delay", "POST /v1/checkout/sessions", seconds=0.5)  # the second press comes before the answer
    await button.focus()
    for _ in range(2):
        async with page.expect_request(lambda request: request.method == "POST", timeout=5_000):
            await page.keyboard.press("Enter")
    # Asked again and again, not waited for: the second press ends the first one's navigation, which is no failure.
    await expect(page).to_have_url(re.compile("/c/pay/"), timeout=30_000)
    assert await shop.count("orders") == 1
    assert len(await shop.sessions()) == 1


async def test_a_late_webhook_is_not_waited_for(shop: Shop, phone: BrowserContext) -> None:
    await shop.fault("drop", "checkout.session.completed", count=None)
    await shop.fault("drop", "payment_intent.succeeded", count=None)
    page = await at_stripe(shop, phone)
    await pay(page)
    await page.wait_for_url("**/success?session_id=cs_test_*", timeout=30_000)
    await expect(page.get_by_role("heading", name="You’re in")).to_be_visible(timeout=15_000)


async def test_the_link_in_the_mail_opens_the_tickets_and_hides_its_token(
    shop: Shop, phone: BrowserContext, chromium: Browser
) -> None:
    page = await at_stripe(shop, phone)
    await pay(page)
    await page.wait_for_url("**/success?session_id=cs_test_*")
    link = re.search(r"http://\S+/orders/\S+\?t=\S+", await mailed(shop, "ticket"))
    assert link is not None
    elsewhere = await chromium.new_context(viewport=PHONE)
    page = await elsewhere.new_page()
    await page.goto(link[0])
    assert "t=" not in page.url
    await expect(page.locator(".stub")).to_have_count(1)
    await elsewhere.close()


async def test_an_opened_ticket_is_there_without_a_network(shop: Shop, phone: BrowserContext) -> None:
    page = await at_stripe(shop, phone)
    await pay(page)
    await page.wait_for_url("**/success?session_id=cs_test_*")
    await page.get_by_role("link", name=re.compile("Open your ticket")).click()
    await page.wait_for_load_state("networkidle")
    await page.evaluate("navigator.serviceWorker.ready")
    await page.reload()
    await page.wait_for_load_state("networkidle")
    await phone.set_offline(offline=True)
    await page.reload()
    await expect(page.get_by_text("You are offline")).to_be_visible()
    await expect(page.get_by_role("img", name="QR code of this ticket")).to_be_visible()
