"""Selling on the scanner's screen: one tap, change, a lost answer, a card, no network, and the cash box."""

import re
from contextlib import suppress

from playwright.async_api import Browser, Error, Page, Request, Route, expect

from tests.chromium import in_chromium
from tests.door.conftest import Door
from tests.door.in_browser import Phone, paired_phone
from tests.door.seller import AT_THE_DOOR
from tests.door.test_door_card import at_stripe_too, pays
from tests.door.test_door_sales import INSIDE, LEDGER, clean_books, later
from tests.nights import load

__all__ = ["clean_books"]
pytestmark = in_chromium

SALES = "SELECT count(*) FROM door_sale"


async def selling(chromium: Browser, door: Door, **more: str) -> Phone:
    """A phone that sells, with 200 euros in its cash box."""
    db = door.shop.box.db
    moved, db.moved_clock = db.moved_clock, None
    await load(db, AT_THE_DOOR)
    db.moved_clock = moved
    phone = await paired_phone(chromium, door, sells=True, **more)
    await phone.page.get_by_role("button", name="Sell", exact=True).click()
    await phone.page.get_by_label("How much is in the cash box").fill("200")
    await phone.page.get_by_role("button", name="Start selling").click()
    await expect(phone.page.locator("#sell-total")).to_have_text("€15.00")
    return phone


async def is_sold(page: Page) -> None:
    await expect(page.locator("#done-word")).to_have_text("Paid, let in")


async def test_two_for_cash_with_change_are_let_in_by_one_tap(chromium: Browser, door: Door) -> None:
    phone = await selling(chromium, door)
    page = phone.page
    await page.get_by_role("button", name="One more").click()
    await expect(page.locator("#sell-total")).to_have_text("€30.00")
    await page.get_by_label("Given").fill("20")
    await expect(page.locator("#change")).to_have_text("€10.00 is missing")
    await expect(page.locator("#sell-cash")).to_be_disabled()
    await page.get_by_label("Given").fill("50")
    await expect(page.locator("#change")).to_have_text("Change €20.00")
    await page.get_by_role("button", name="Cash", exact=True).click()
    await is_sold(page)
    await expect(page.locator("#done-people")).to_have_text("2 people")
    await expect(page.locator("#done-change")).to_have_text("Change €20.00")
    await page.get_by_role("button", name="Next sale").click()
    await expect(page.locator("#many")).to_have_text("1")
    await page.get_by_role("button", name="Close").click()
    await expect(page.locator("#entered")).to_have_text("2")
    assert (await door.value(SALES), await door.value(INSIDE), await door.value(LEDGER, "cash")) == (1, 2, 3000)
    await phone.context.close()


async def test_whoever_pays_at_the_door_is_looked_at_as_whoever_is_scanned(chromium: Browser, door: Door) -> None:
    phone = await selling(chromium, door)
    checks = phone.page.locator("#done-checks")
    await phone.page.locator("#sell-cash").click()
    await is_sold(phone.page)
    await expect(checks).to_have_text("")
    await phone.page.get_by_role("button", name="Next sale").click()
    await door.execute("UPDATE ticket_type SET checks = ARRAY['age', 'name']")
    await phone.page.locator("#sell-cash").click()
    await expect(checks.locator("p")).to_have_text(["Check age: 18+", "No name on this ticket"])
    await phone.context.close()


async def test_what_is_typed_into_a_field_and_enter_sell_nothing(chromium: Browser, door: Door) -> None:
    """Nor does a code that somebody typed where the money is written."""
    phone = await selling(chromium, door)
    page = phone.page
    sold: list[str] = []
    page.on("request", lambda request: sold.append(request.url) if request.url.endswith("/door/sales") else None)
    for field in ("#given", "#sell-email"):
        await page.locator(field).fill("BMD3FNH9M96*")
        await page.keyboard.press("Enter")
    await expect(page.locator("#change")).to_have_text("No amount: write it like 50.00")
    await expect(page.locator("#sell-cash")).to_be_disabled()
    for given in ("", "50"):
        await page.locator("#given").fill(given)
        await page.keyboard.press("Enter")
        await expect(page.locator("#sell-cash")).to_be_enabled()
    await page.locator("#sell-email").fill("")
    await page.locator("#sell-cash").click()
    await is_sold(page)
    assert (len(sold), await door.value(SALES)) == (1, 1)
    await phone.context.close()


async def test_an_answer_that_is_lost_is_asked_for_until_it_comes_after_a_reload_too(
    chromium: Browser, door: Door
) -> None:
    phone = await selling(chromium, door)
    page = phone.page

    async def lose(route: Route, _request: Request) -> None:
        with suppress(Error):  # the page was left in between
            await route.fetch()
            await route.abort()

    await page.route("**/door/sales", lose)
    await page.locator("#sell-cash").dblclick()
    await expect(page.locator("#sell-unsure")).to_contain_text("Take no cash twice")
    assert await door.value(SALES) == 1
    await page.reload()
    await phone.is_online()
    await expect(page.locator("#sell")).to_have_text("Sell · 1 waits")
    await page.unroute("**/door/sales")
    await is_sold(page)
    assert (await door.value(SALES), await door.value(INSIDE)) == (1, 1)
    await phone.context.close()


async def test_a_new_price_is_told_before_anything_is_taken(chromium: Browser, door: Door) -> None:
    phone = await selling(chromium, door)
    page = phone.page
    await later(door, hours=2, minutes=5)
    await page.locator("#sell-cash").click()
    await expect(page.locator("#sell-told")).to_contain_text("costs €20.00 now. Nothing was taken")
    await expect(page.locator("#sell-total")).to_have_text("€20.00")
    assert await door.value(SALES) == 0
    await page.locator("#sell-cash").click()
    await is_sold(page)
    await phone.context.close()


async def test_a_card_turns_green_when_the_buyers_phone_has_paid(chromium: Browser, door: Door) -> None:
    await at_stripe_too(door)
    phone = await selling(chromium, door)
    page = phone.page
    async with page.expect_response("**/door/sales") as answered:
        await page.locator("#sell-card").click()
    sale = await (await answered.value).json()
    await expect(page.locator("#pay-code svg")).to_be_visible()
    await expect(page.locator("#wait-total")).to_have_text("€15.00")
    await pays(door.shop, sale)
    await is_sold(page)
    await expect(page.locator("#sell-back")).to_be_hidden()
    await page.get_by_role("button", name="Next sale").click()
    await page.locator("#sell-card").click()
    await page.get_by_role("button", name="Give up").click()
    await expect(page.locator("#sell-told")).to_contain_text("Not paid, and nothing was taken")
    assert await door.value(INSIDE) == 1
    await phone.context.close()


async def test_without_a_network_it_says_that_selling_needs_one(chromium: Browser, door: Door) -> None:
    phone = await selling(chromium, door)
    page = phone.page
    await page.get_by_role("button", name="Close").click()
    await phone.context.set_offline(True)
    await page.locator("#sell").click()
    await expect(page.locator("#sell-offline")).to_contain_text("Selling needs one, so that no place is sold twice")
    await expect(page.locator("#sell-cash")).to_be_hidden()
    await phone.context.close()


async def test_cash_is_taken_back_and_the_night_is_cashed_up(chromium: Browser, door: Door) -> None:
    phone = await selling(chromium, door)
    page = phone.page
    for _ in range(2):
        await page.locator("#sell-cash").click()
        await is_sold(page)
        await page.get_by_role("button", name="Next sale").click()
    await page.get_by_role("button", name="Cash box").click()
    await page.get_by_role("button", name=re.compile("Take back")).first.click()
    await page.get_by_label("Wrong number").check()
    await page.locator("#why [value=yes]").click()
    await expect(page.locator("#box-sums")).to_contain_text("Taken back-€15.00")
    await page.get_by_label("Counted at the end").fill("two hundred")
    await page.get_by_role("button", name="Cash up").click()
    await expect(page.locator("#sell-told")).to_contain_text("is no amount: write it like 50.00")
    await page.get_by_role("button", name="Sell", exact=True).last.click()
    await expect(page.locator("#sell-told")).to_be_hidden()
    await page.get_by_role("button", name="Cash box").click()
    await page.get_by_label("Counted at the end").fill("21,450")
    await page.keyboard.press("Enter")
    await expect(page.locator("#sell-told")).to_contain_text("is no amount")
    await page.get_by_label("Counted at the end").fill("21,45")
    await page.keyboard.press("Enter")
    sure = page.locator("#close-sure")
    await expect(sure).to_contain_text("Counted€21.45Should be in the box€215.00Difference-€193.55")
    await expect(page.locator("#sell-told")).to_be_hidden()
    await sure.get_by_role("button", name="Back").click()
    assert await door.value("SELECT count(*) FROM cash_up WHERE closed_at IS NOT NULL") == 0
    await page.get_by_label("Counted at the end").fill("214,50")
    await page.get_by_role("button", name="Cash up").click()
    posted: list[str] = []
    page.on("request", lambda one: posted.append(one.url) if one.method == "POST" else None)
    await sure.get_by_role("button", name="Yes, cash up").dblclick()
    await expect(page.locator("#box-sums")).to_contain_text("Difference-€0.50")
    await expect(page.locator("#box-closed")).to_contain_text("sells no more tonight")
    assert len(posted) == 1, posted
    assert (await door.value(SALES), await door.value(INSIDE)) == (2, 1)
    await phone.context.close()


async def test_a_scanner_that_may_not_sell_has_no_such_button(chromium: Browser, door: Door) -> None:
    phone = await paired_phone(chromium, door)
    await expect(phone.page.locator("#sell")).to_be_hidden()
    await phone.context.close()


async def test_a_scanner_that_types_sells_nothing(chromium: Browser, door: Door) -> None:
    """Its keys and Enter beside what was given are the next guest's ticket."""
    (code,) = await door.tickets()
    text = await door.payload(code)
    phone = await selling(chromium, door)
    given = phone.page.locator("#given")
    await given.press_sequentially("20")
    orders = await door.value("SELECT count(*) FROM orders")
    await phone.page.wait_for_timeout(300)
    await phone.page.keyboard.type(text)
    await phone.page.keyboard.press("Enter")
    await phone.answers("admitted")
    assert await given.input_value() == "20"
    assert await door.value("SELECT count(*) FROM orders") == orders
    await phone.context.close()
