"""The answer on small, low and zoomed screens: nothing covers anything, and all of it can be reached."""

import itertools

import pytest
from playwright.async_api import Browser, ViewportSize, expect

from tests.chromium import in_chromium
from tests.door.conftest import Door
from tests.door.in_browser import Phone, paired_phone
from tests.door.test_door_sales_in_browser import selling
from tests.door.test_scanner_dialogs import CAMERA

pytestmark = in_chromium

PHONE = ViewportSize(width=360, height=740)
LYING = ViewportSize(width=740, height=360)
ZOOMED = ViewportSize(width=180, height=370)
LONG_NAME = "Maximilian-Alexander von Hohenlohe-Schillingsfuerst-Waldburg zu Wolfegg"
LONG_TYPE = "Supporter with a very long ticket type name, of 60 letters!!"
SMALL = ViewportSize(width=320, height=568)
WHOLE_WORDS = """() => {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync("* { overflow-wrap: normal !important; word-break: normal !important; }");
  document.adoptedStyleSheets.push(sheet);
}"""
WORDS = "button, h1, h2:not(.hidden), dt, dd, .log-words *, .sell-total"
TOO_WIDE = """(words) => [document.documentElement, ...document.querySelectorAll(words)]
  .filter((one) => one.checkVisibility() && getComputedStyle(one).display !== "inline")
  .filter((one) => one.scrollWidth > one.clientWidth)
  .map((one) => one.outerHTML.slice(0, 90))"""
BOXES = """(place) => [...place.children].map((one) => {
  const { top, bottom, left, right } = one.getBoundingClientRect();
  return { top: top + place.scrollTop, bottom: bottom + place.scrollTop, left, right };
})"""


async def is_whole(phone: Phone, screen: ViewportSize) -> None:
    """Everything stands under the thing before it, none is cut off at a side, and the first is there to be seen."""
    shown = phone.page.locator("#result")
    assert await shown.evaluate("(place) => place.scrollTop") == 0
    boxes = await shown.evaluate(BOXES)
    assert boxes[0]["top"] >= 0
    assert all(upper["bottom"] <= lower["top"] for upper, lower in itertools.pairwise(boxes))
    assert all(0 <= box["left"] < box["right"] <= screen["width"] for box in boxes)
    assert await shown.evaluate("(place) => place.scrollWidth") <= screen["width"]
    assert await shown.evaluate("(place) => place.scrollHeight") >= boxes[-1]["bottom"]


@pytest.mark.slow
async def test_an_answer_with_a_long_name_is_whole_on_every_screen(chromium: Browser, door: Door) -> None:
    (code,) = await door.tickets()
    await door.execute("UPDATE ticket SET holder = $1", LONG_NAME)
    await door.execute("UPDATE ticket_type SET checks = ARRAY['age', 'name'], name = $1", LONG_TYPE)
    phone = await paired_phone(chromium, door, role="supervisor")
    for screen in (PHONE, LYING, ZOOMED):
        await phone.page.set_viewport_size(screen)
        await phone.type(code)
        await expect(phone.page.locator("#result")).to_be_visible()
        await is_whole(phone, screen)
        await phone.page.locator("#result").evaluate("(place) => place.scrollTo(0, place.scrollHeight)")
        await phone.page.get_by_role("button", name="Next").click()
    field = await phone.page.locator("#code").bounding_box()
    assert field is not None
    assert field["width"] > 120
    await phone.context.close()


@pytest.mark.slow
async def test_no_word_is_broken_or_cut_off_on_narrow_screens(chromium: Browser, door: Door) -> None:
    first, second = await door.tickets(2)
    phone = await selling(chromium, door, role="supervisor")
    page = phone.page
    await page.evaluate(WHOLE_WORDS)
    await page.locator("#selling-close").click()
    await phone.checks(first, "admitted")
    for screen in (SMALL, ZOOMED):
        await page.set_viewport_size(screen)
        await page.locator(".counts-room dd").evaluate(
            "(it) => { [it.firstChild.textContent, it.lastChild.textContent] = ['1190', ' of 1200']; }"
        )
        assert await page.evaluate(TOO_WIDE, WORDS) == []
        keys = await page.locator(".typing-keys button").evaluate_all("(all) => all.map((one) => one.offsetWidth)")
        assert min(keys) >= 24
        await phone.type(first)
        assert await page.evaluate(TOO_WIDE, WORDS) == []
        await page.keyboard.press("Escape")
        await page.get_by_role("button", name="Find", exact=True).click()
        for code in (first, second):
            await page.locator("#words").fill(code)
            await expect(page.locator("#found li")).to_have_count(1)
            assert await page.evaluate(TOO_WIDE, WORDS) == []
        await page.locator("#finding-close").click()
        await page.locator("#sell").click()
        await expect(page.locator("#sell-cash")).to_be_visible()
        assert await page.evaluate(TOO_WIDE, WORDS) == []
        assert await page.locator("#selling").evaluate("(it) => it.scrollTop") == 0
        await page.locator("#selling-close").click()
    await phone.context.close()


async def test_letters_twice_as_large_leave_room_for_a_code(chromium: Browser, door: Door) -> None:
    phone = await paired_phone(chromium, door)
    await phone.page.set_viewport_size(PHONE)
    await phone.page.evaluate("document.documentElement.style.fontSize = '200%'")
    field = await phone.page.locator("#code").bounding_box()
    assert field is not None
    assert field["width"] > 200
    assert await phone.page.evaluate(TOO_WIDE, WORDS) == []
    await phone.context.close()


async def is_in_sight(phone: Phone, name: str) -> None:
    box = await phone.page.get_by_role("button", name=name, exact=True).bounding_box()
    assert box is not None
    assert 0 <= box["y"] <= box["y"] + box["height"] <= LYING["height"]


async def test_on_a_low_screen_a_sale_is_made_without_scrolling(chromium: Browser, door: Door) -> None:
    phone = await selling(chromium, door)
    await door.execute("UPDATE ticket_type SET checks = ARRAY['age']")
    await phone.page.set_viewport_size(LYING)
    await phone.page.get_by_label("Given").fill("50")
    await is_in_sight(phone, "One more")
    await is_in_sight(phone, "Cash")
    await phone.page.get_by_role("button", name="Cash", exact=True).click()
    await expect(phone.page.locator("#done-change")).to_be_visible()
    await expect(phone.page.locator("#done-checks")).to_have_text("Check age: 18+")
    await is_in_sight(phone, "Next sale")
    await phone.context.close()


async def test_on_a_low_screen_the_buttons_of_an_answer_are_in_sight(chromium: Browser, door: Door) -> None:
    (code,) = await door.tickets()
    await door.execute("UPDATE ticket SET holder = 'Zoë Müller-Example'")
    await door.execute("UPDATE ticket_type SET checks = ARRAY['age', 'name']")
    phone = await paired_phone(chromium, door)
    await phone.page.set_viewport_size(LYING)
    await phone.type(code)
    await is_in_sight(phone, "Next")
    await phone.context.close()


async def test_on_a_low_screen_the_picture_is_whole_beside_what_is_typed(chromium: Browser, door: Door) -> None:
    """And what asks for a reason has its buttons in sight."""
    (code,) = await door.tickets()
    await door.link()
    await door.execute("UPDATE entry_list SET re_entry = true")
    phone = await paired_phone(chromium, door, sells=True, script=CAMERA)
    await phone.page.set_viewport_size(LYING)
    picture = await phone.page.locator(".finder").bounding_box()
    assert picture is not None
    assert picture["width"] / picture["height"] < 1.4
    assert picture["y"] + picture["height"] <= LYING["height"]
    for name in ("Out", "Check", "Sell", "Find"):
        await is_in_sight(phone, name)
    await phone.checks(code, "admitted")
    await phone.page.locator("#log").get_by_role("button", name="Undo").click()
    for name in ("Undo", "Back"):
        box = await phone.page.locator("#why").get_by_role("button", name=name).bounding_box()
        assert box is not None
        assert 0 <= box["y"] <= box["y"] + box["height"] <= LYING["height"]
    await phone.context.close()


async def test_what_is_found_moves_nothing_that_was_there(chromium: Browser, door: Door) -> None:
    """And stands above a phone's keyboard."""
    await door.tickets(9)
    phone = await paired_phone(chromium, door)
    await phone.page.set_viewport_size(PHONE)
    await phone.page.get_by_role("button", name="Find", exact=True).click()
    field = phone.page.locator("#words")
    before = await field.bounding_box()
    await field.fill("entry")
    await expect(phone.page.locator("#found li")).not_to_have_count(0)
    assert await field.bounding_box() == before
    assert before is not None
    assert before["y"] + before["height"] < PHONE["height"] / 3
    await phone.context.close()


@pytest.mark.parametrize("place", ["#log", "#words"])
async def test_a_code_is_shown_letter_by_letter(chromium: Browser, door: Door, place: str) -> None:
    """The face of texts writes 1X8 as a sum unless it is told not to."""
    phone = await paired_phone(chromium, door)
    widths = """async (place) => {
      const { fontFamily, fontSize, fontVariantLigatures } = getComputedStyle(document.querySelector(place));
      await document.fonts.load(`${fontSize} ${fontFamily}`);
      return ["1X8", "1×8"].map((text) => {
        const made = document.createElement("span");
        Object.assign(made.style, { fontFamily, fontSize, fontVariantLigatures, position: "absolute" });
        made.textContent = text;
        document.body.append(made);
        return made.getBoundingClientRect().width;
      });
    }"""
    code, product = await phone.page.evaluate(widths, place)
    assert code != product
    await phone.context.close()


async def test_a_row_of_the_log_is_two_lines_beside_its_button(chromium: Browser, door: Door) -> None:
    (code,) = await door.tickets()
    phone = await paired_phone(chromium, door, role="supervisor")
    await phone.page.set_viewport_size(PHONE)
    await phone.checks(code, "admitted")
    await phone.checks(code, "already_used")
    refused, admitted = await phone.page.locator("#log .log-words").evaluate_all(
        "(all) => all.map((one) => one.offsetHeight)"
    )
    assert refused == admitted
    await phone.context.close()
