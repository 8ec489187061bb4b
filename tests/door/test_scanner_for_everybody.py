"""The scanner in every state, in the dark and in the light: axe finds nothing, and nothing is wider than the window."""

from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser, Page, expect

from boxoffice.edge.module_files import module_url
from tests.chromium import in_chromium
from tests.door.conftest import Door
from tests.door.in_browser import PHONE, Phone
from tests.door.test_door_sales_in_browser import selling
from tests.door.test_scanner_dialogs import CAMERA
from tests.shop import SLUG
from tests.web.page_faults import page_faults

pytestmark = [*in_chromium, pytest.mark.slow]

ANSWER = """async ([module, words, answer]) => {
  const [{ Result }, { ANSWERS }] = await Promise.all([import(module), import(words)]);
  const found = { holder: "Zoë Müller-Example", ticketType: "Early bird", code: "FWMS5PHEYXZ~", gate: "Side door" };
  const offers = () => [{ label: "Let in anyway", act() {} }];
  globalThis.shown ??= new Result(() => "23:10", offers, () => 18);
  shown.show({ ...found, answer, admits: 4, checks: ["age", "name"], usedAt: 1, alone: true });
  shown.hold();
  document.querySelector(".result-buttons").inert = false;
  return Object.keys(ANSWERS);
}"""
ROOM = """(word) => {
  document.querySelector("#room-word").textContent = word;
  document.querySelector(".counts-room").className = `counts-room is-${word.split(" ")[0]}`;
}"""


async def answers(page: Page) -> AsyncIterator[str]:
    """Every answer, one after the other on the screen."""
    modules = [module_url("door", name) for name in ("result.js", "words.js")]
    known: list[str] = await page.evaluate(ANSWER, [*modules, "admitted"])
    for answer in known:
        await page.evaluate(ANSWER, [*modules, answer])
        yield answer
    await page.evaluate("shown.close()")


async def states(phone: Phone, code: str, other: str) -> AsyncIterator[str]:
    """The till's form is open; in the end the scanner is out of service."""
    page = phone.page
    yield "sell"
    await page.get_by_label("Given").fill("1")
    yield "sell, too little"
    await page.get_by_label("Given").fill("")
    await page.get_by_role("button", name="Cash", exact=True).click()
    await expect(page.locator("#sell-done")).to_be_visible()
    yield "sold"
    await page.get_by_role("button", name="Next sale").click()
    await page.get_by_role("button", name="Cash box").click()
    yield "cash box"
    await page.get_by_label("Counted at the end").fill("7")
    await page.get_by_role("button", name="Cash up").click()
    yield "cash-up"
    await page.locator("#selling-close").click()
    yield "idle"
    for word in ("nearly full", "full"):
        await page.evaluate(ROOM, word)
        yield f"room {word}"
    async for answer in answers(page):
        yield answer
    await phone.checks(code, "admitted")
    for words in ("", code, other, "zzzz"):
        await page.get_by_role("button", name="Find", exact=True).click()
        await page.locator("#words").fill(words)
        yield f"found by {words}"
        await page.locator("#finding-close").click()
    await page.locator("#log").get_by_role("button", name="Undo").first.click()
    yield "why"
    await page.locator("#why").get_by_role("button", name="Back").click()
    for notice in ("#told", "#full", "#old"):
        await page.locator(notice).evaluate("(it) => { it.hidden = false; it.textContent ||= 'Only supervisors.'; }")
    yield "notices"
    await phone.context.set_offline(True)
    await phone.is_online(online=False)
    yield "offline"
    await page.locator("#sell").click()
    await expect(page.locator("#sell-offline")).to_be_visible()
    yield "sell, offline"
    await page.locator("#selling-close").click()
    await phone.context.set_offline(False)


async def elsewhere(chromium: Browser, phone: Phone, door: Door) -> AsyncIterator[tuple[str, Page]]:
    """What a tab says that is no scanner: another is, none is, or none is any more."""
    second = await phone.context.new_page()
    await second.goto(phone.page.url)
    await expect(second.get_by_role("heading", name="Open in another tab")).to_be_visible()
    yield "second tab", second
    await second.close()
    await door.execute("UPDATE device SET revoked_at = clock()")
    await phone.page.evaluate("dispatchEvent(new Event('online'))")
    await expect(phone.page.get_by_role("heading", name="Out of service")).to_be_visible()
    yield "out of service", phone.page
    context = await chromium.new_context(viewport=PHONE)
    page = await context.new_page()
    await page.goto(f"{door.shop.url}/door/{SLUG}")
    await expect(page.get_by_role("heading", name="Not paired")).to_be_visible()
    yield "not paired", page
    await context.close()


@pytest.mark.parametrize(("light", "script"), [(False, ""), (True, CAMERA)], ids=["dark-no-camera", "light"])
async def test_nothing_is_wrong_with_the_scanner_in_any_state(
    chromium: Browser, door: Door, light: bool, script: str
) -> None:
    code, other = await door.tickets(2)
    await door.execute("UPDATE entry_list SET re_entry = true")
    phone = await selling(chromium, door, role="supervisor", script=script)
    if light:
        await phone.page.evaluate("document.querySelector('#light').click()")
    await expect(phone.page.locator("#camera-off")).to_be_visible(visible=not script)
    found: dict[str, list[str]] = {}
    async for state in states(phone, code, other):
        found[state] = await page_faults(phone.page)
    async for state, page in elsewhere(chromium, phone, door):
        found[state] = await page_faults(page)
    assert {state: faults for state, faults in found.items() if faults} == {}
    await phone.context.close()
