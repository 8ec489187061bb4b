"""Scans that come while a dialog is open, taps that come twice, and the list of last scans meanwhile."""

import pytest
from playwright.async_api import Browser, Locator, expect

from tests.chromium import in_chromium
from tests.door.conftest import Door
from tests.door.in_browser import Phone, paired_phone

pytestmark = in_chromium

ANSWERS = "SELECT string_agg(answer, ' ' ORDER BY received_at) FROM scan"
CAMERA = """globalThis.inPicture = [];
navigator.mediaDevices.getUserMedia = async () => document.createElement("canvas").captureStream();
HTMLMediaElement.prototype.play = async () => {};
Object.defineProperty(HTMLMediaElement.prototype, "readyState", { value: 4 });
globalThis.BarcodeDetector = class {
  static async getSupportedFormats() { return ["qr_code"]; }
  async detect() { return globalThis.inPicture.map((rawValue) => ({ rawValue })); }
};"""


async def types(phone: Phone, text: str) -> None:
    """A scanner that types, wherever the focus is."""
    await phone.page.keyboard.type(text)
    await phone.page.keyboard.press("Enter")


async def is_on_top(phone: Phone, place: Locator) -> None:
    """Nothing lies over it."""
    hit = "(it) => it.contains(document.elementFromPoint(innerWidth / 2, innerHeight / 3))"
    assert await place.evaluate(hit)


@pytest.mark.parametrize("field", ["", "In your own words"])
async def test_a_scanner_that_types_gives_no_reason(chromium: Browser, door: Door, field: str) -> None:
    """Its Enter confirms nothing: the next guest's ticket is scanned, and the earlier one is not let in."""
    first, second = await door.tickets(2)
    phone = await paired_phone(chromium, door, role="supervisor")
    await phone.checks(first, "admitted")
    await phone.type(first)
    await phone.page.locator("#result").get_by_role("button", name="Let in anyway").click()
    await expect(phone.page.locator("#why")).to_be_visible()
    if field:
        await phone.page.get_by_label(field).press_sequentially("Kay", delay=150)
        await phone.page.wait_for_timeout(300)
    await types(phone, second)
    await expect(phone.page.locator("#why")).to_be_hidden()
    await phone.answers("admitted")
    if field:
        assert await phone.page.get_by_label(field).input_value() == "Kay"
    assert await door.value(ANSWERS) == "admitted already_used admitted"
    assert await door.value("SELECT count(*) FROM scan WHERE override") == 0
    await phone.context.close()


async def test_who_types_a_reason_is_no_scanner(chromium: Browser, door: Door) -> None:
    (code,) = await door.tickets()
    phone = await paired_phone(chromium, door)
    await phone.checks(code, "admitted")
    await phone.page.locator("#log").get_by_role("button", name="Undo").click()
    await phone.page.get_by_label("In your own words").press_sequentially("Went home", delay=90)
    await phone.page.keyboard.press("Enter")
    await phone.answers("undone")
    await phone.waits(0)
    assert await door.value("SELECT reason FROM scan WHERE kind = 'undo'") == "Went home"
    await phone.context.close()


async def test_find_asks_for_a_name_and_makes_way_for_a_scan(chromium: Browser, door: Door) -> None:
    """Typed by a scanner into its very field, or seen by the camera."""
    first, second = await door.tickets(2)
    text = await door.payload(second)
    phone = await paired_phone(chromium, door, script=CAMERA)
    find = phone.page.get_by_role("button", name="Find", exact=True)
    await find.click()
    await expect(phone.page.locator("#words")).to_be_focused()
    await types(phone, first)
    await expect(phone.page.locator("#finding")).to_be_hidden()
    assert await phone.page.locator("#words").input_value() == ""
    await phone.answers("admitted")
    await find.click()
    await phone.page.evaluate("(text) => { globalThis.inPicture = [text]; }", text)
    result = phone.page.locator("#result[data-answer=admitted]")
    await expect(result).to_be_visible()
    await is_on_top(phone, result)
    await phone.context.close()


async def test_the_camera_waits_while_somebody_gives_a_reason(chromium: Browser, door: Door) -> None:
    first, second = await door.tickets(2)
    text = await door.payload(second)
    phone = await paired_phone(chromium, door, script=CAMERA)
    await phone.checks(first, "admitted")
    await phone.page.locator("#log").get_by_role("button", name="Undo").click()
    await phone.page.evaluate("(text) => { globalThis.inPicture = [text]; }", text)
    await phone.page.wait_for_timeout(400)
    assert await door.value(ANSWERS) == "admitted"
    await phone.page.get_by_role("button", name="Back").click()
    await phone.answers("admitted")
    await phone.context.close()


async def test_the_second_tap_on_let_in_is_not_for_the_answer(chromium: Browser, door: Door) -> None:
    (code,) = await door.tickets()
    phone = await paired_phone(chromium, door)
    await phone.page.get_by_role("button", name="Find", exact=True).click()
    await phone.page.locator("#words").fill(code)
    box = await phone.page.get_by_role("button", name="Let in").bounding_box()
    assert box is not None
    where = (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    result = phone.page.locator("#result[data-answer=admitted]")
    await phone.page.mouse.click(*where)
    await expect(result).to_be_visible()
    await phone.page.mouse.click(*where)
    await expect(result).to_be_visible()
    await phone.page.get_by_role("button", name="Next").click()  # as soon as it can be
    await expect(result).to_be_hidden(timeout=300)
    await phone.context.close()


@pytest.mark.slow
@pytest.mark.parametrize("action", ["Undo", "Let in anyway"])
async def test_the_second_tap_on_what_needs_a_reason_is_no_reason(chromium: Browser, door: Door, action: str) -> None:
    """The dialog's own button comes where the finger is."""
    (code,) = await door.tickets()
    phone = await paired_phone(chromium, door, role="supervisor")
    await phone.page.set_viewport_size({"width": 360, "height": 740})
    if action != "Undo":
        await phone.checks(code, "admitted")
    await phone.type(code)
    await phone.page.locator("#result").get_by_role("button", name=action).click()
    yes = phone.page.locator("#why [value=yes]")
    box = await yes.bounding_box()
    assert box is not None
    await phone.page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    await expect(yes).to_be_visible()
    assert await door.value("SELECT count(*) FROM scan WHERE kind = 'undo' OR override") == 0
    await yes.click()  # as soon as it can be
    await phone.answers("undone" if action == "Undo" else "admitted")
    await phone.context.close()


async def test_last_scans_go_on_after_one_of_them_was_taken_back(chromium: Browser, door: Door) -> None:
    """An undone one cannot be undone again, and rows without a name are told apart by their code."""
    first, second = await door.tickets(2)
    phone = await paired_phone(chromium, door)
    rows = phone.page.locator("#log li")
    await phone.checks(first, "admitted")
    await expect(rows.first).to_contain_text(first)
    await phone.undo()
    await phone.answers("undone")
    await expect(rows.first).to_contain_text("Undone")
    await expect(rows.first.get_by_role("button")).to_have_count(0)
    await phone.scan_with_keys(second)
    await phone.answers("admitted")
    await expect(rows).to_have_count(2)
    undo = rows.first.get_by_role("button", name=f"Undo: {second}")
    await undo.focus()
    await types(phone, first)
    await phone.answers("admitted")
    await expect(rows).to_have_count(3)
    await expect(rows.nth(1).get_by_role("button", name=f"Undo: {second}")).to_be_focused()
    await phone.context.close()


async def test_escape_closes_an_answer(chromium: Browser, door: Door) -> None:
    phone = await paired_phone(chromium, door)
    await phone.type("nonsense")
    result = phone.page.locator("#result[data-answer=unknown]")
    await expect(result).to_be_visible()
    await phone.page.keyboard.press("Escape")
    await expect(result).to_be_hidden(timeout=300)
    await phone.context.close()
