"""The scanner at a door with a network: pairing, codes that are typed, answers, search, undo, override."""

import re

import pytest
from playwright.async_api import Browser, expect

from tests.chromium import in_chromium
from tests.door.conftest import Door
from tests.door.in_browser import PHONE, paired_phone
from tests.shop import SLUG

pytestmark = in_chromium

LATER = """UPDATE event SET doors_at = doors_at + interval '5 hours', starts_at = starts_at + interval '5 hours',
  ends_at = ends_at + interval '5 hours' WHERE $1 <> ''"""
ANSWERS = "SELECT string_agg(answer, ' ' ORDER BY received_at) FROM scan"


async def test_a_link_and_its_pin_make_a_scanner(chromium: Browser, door: Door) -> None:
    """And the link's secret leaves the address bar."""
    made = await door.link()
    context = await chromium.new_context(viewport=PHONE)
    page = await context.new_page()
    await page.goto(f"{door.shop.url}/door/{SLUG}/{made.link}")
    wrong = "000000" if made.pin != "000000" else "111111"
    await page.get_by_label("PIN").fill(wrong)
    await page.get_by_role("button", name="Pair").click()
    await expect(page.get_by_role("alert")).to_have_text("This is not the link's PIN. 4 more tries.")
    await page.get_by_label("PIN").fill(f"{made.pin[:3]} {made.pin[3:]}")
    await page.get_by_role("button", name="Pair").click()
    await expect(page.locator("#network-word")).to_have_text("Online")
    assert page.url == f"{door.shop.url}/door/{SLUG}"
    assert made.link not in await page.content()
    await page.reload()
    await expect(page.locator("#gate")).to_contain_text("Main door")
    await context.close()


async def test_the_pairing_page_works_without_scripts(chromium: Browser, door: Door) -> None:
    """Five wrong PINs lock the link, and the page says so each time."""
    made = await door.link()
    context = await chromium.new_context(viewport=PHONE, java_script_enabled=False)
    page = await context.new_page()
    await page.goto(f"{door.shop.url}/door/{SLUG}/{made.link}")
    wrong = "000000" if made.pin != "000000" else "111111"
    for said in ("4 more tries", "3 more tries", "2 more tries", "1 more try", "this link is locked"):
        await page.fill("#pin", wrong)
        await page.click("button")
        await expect(page.get_by_role("alert")).to_contain_text(said)
    assert await page.locator("form").count() == 0
    await page.goto(f"{door.shop.url}/door/{SLUG}/{made.link}")
    await expect(page.get_by_role("alert")).to_contain_text("this link is locked")
    assert await page.locator("form").count() == 0
    await page.goto(f"{door.shop.url}/door/{SLUG}")
    await expect(page.locator("#network")).to_be_hidden()
    await context.close()
    for path in (f"/door/{SLUG}", f"/door/{SLUG}/{(await door.link()).link}"):
        assert "<noscript><p" in (await door.shop.web.get(path)).text


async def test_no_link_is_no_page(door: Door) -> None:
    for path in (f"/door/{SLUG}/nonsense", "/door/nowhere", "/door/nowhere/nonsense", f"/door/{SLUG}/%00"):
        assert (await door.shop.web.get(path)).status_code == 404


async def test_the_door_alone_may_use_camera_and_webassembly(door: Door) -> None:
    made = await door.link()
    for path in (f"/door/{SLUG}", f"/door/{SLUG}/{made.link}"):
        headers = (await door.shop.web.get(path)).headers
        assert "script-src 'self' 'wasm-unsafe-eval';" in headers["content-security-policy"]
        assert "camera=(self)" in headers["permissions-policy"]
        assert headers["cache-control"] == "no-store"
    for path in ("/", "/tickets"):
        headers = (await door.shop.web.get(path)).headers
        assert "unsafe" not in headers["content-security-policy"]
        assert "camera=()" in headers["permissions-policy"]


async def test_codes_are_typed_by_people_and_by_scanners(chromium: Browser, door: Door) -> None:
    first, second, third = await door.tickets(3)
    phone = await paired_phone(chromium, door)
    await phone.checks(first, "admitted")
    await phone.type(first.lower())
    await expect(phone.page.locator(".result-more")).to_have_text(re.compile(r"^In since \d\d:\d\d, Main door$"))
    await phone.answers("already_used")
    await phone.scan_with_keys(await door.payload(second))
    await expect(phone.page.locator(".result-type")).to_have_text("Entry")
    await phone.answers("admitted")
    await phone.page.get_by_role("button", name="Sound").focus()  # Enter must not press it
    await phone.page.keyboard.type(await door.payload(third))
    await phone.page.keyboard.press("Enter")
    await phone.answers("admitted")
    await expect(phone.page.get_by_role("button", name="Sound")).to_have_attribute("aria-pressed", "true")
    await phone.checks("https://example.org/a-web-page", "unknown")
    wrong_check = first[:-1] + ("0" if first[-1] != "0" else "1")
    await phone.checks(wrong_check, "unknown")
    await expect(phone.page.locator("#entered")).to_have_text("3")
    assert await door.value(ANSWERS) == "admitted already_used admitted admitted unknown unknown"
    assert await phone.store("queue") == []
    await phone.context.close()


@pytest.mark.parametrize(
    ("change", "answer"),
    [
        ("UPDATE ticket SET status = 'refunded' WHERE code = $1", "refunded"),
        ("UPDATE ticket SET status = 'cancelled' WHERE code = $1", "cancelled"),
        ("UPDATE ticket SET blocked_reason = 'disputed' WHERE code = $1", "blocked"),
        (LATER, "not_yet"),
    ],
)
async def test_every_refusal_has_its_screen(chromium: Browser, door: Door, change: str, answer: str) -> None:
    (code,) = await door.tickets()
    await door.execute(change, code)
    phone = await paired_phone(chromium, door)
    await phone.type(code)
    if answer == "not_yet":
        await expect(phone.page.locator(".result-more")).to_have_text("Entry begins at 02:00.")
    await phone.answers(answer)
    await phone.context.close()


async def test_a_name_is_enough_when_the_phone_is_lost(chromium: Browser, door: Door) -> None:
    first, other = await door.tickets(2)
    await door.execute("UPDATE ticket SET holder = 'Zoë Müller-Example' WHERE code = $1", first)
    phone = await paired_phone(chromium, door)
    await phone.page.get_by_role("button", name="Find", exact=True).click()
    await phone.page.get_by_label("Name, order, ticket code, or who invited").fill("muller zoe")
    await expect(phone.page.locator("#found li")).to_have_count(1)
    await phone.page.get_by_role("button", name="Let in: Zoë Müller-Example").click()
    await phone.answers("admitted")
    await phone.page.get_by_role("button", name="Find", exact=True).click()
    await phone.page.get_by_label("Name, order, ticket code, or who invited").fill("zoe")
    await expect(phone.page.locator("#found")).to_contain_text("in since 21:30, Main door")
    await phone.page.get_by_label("Name, order, ticket code, or who invited").fill(other)
    await expect(phone.page.locator("#found li")).to_have_count(1)
    await phone.page.get_by_label("Name, order, ticket code, or who invited").fill("nobody at all")
    await expect(phone.page.locator("#found-words")).to_have_text(
        "Nobody by that name, order or code, and nobody who invited."
    )
    await phone.context.close()


async def test_an_entry_is_taken_back_with_a_reason(chromium: Browser, door: Door) -> None:
    (code,) = await door.tickets()
    phone = await paired_phone(chromium, door)
    await phone.checks(code, "admitted")
    await phone.undo()
    await phone.answers("undone")
    await phone.waits(0)
    assert await door.value("SELECT reason FROM scan WHERE kind = 'undo'") == "Wrong person"
    assert await door.value("SELECT count(*) FROM entry") == 0
    await phone.checks(code, "admitted")
    await phone.context.close()


async def test_only_a_supervisor_lets_in_what_was_refused(chromium: Browser, door: Door) -> None:
    (code,) = await door.tickets()
    staff = await paired_phone(chromium, door)
    await staff.checks(code, "admitted")
    await staff.type(code)
    await expect(staff.page.locator("#result[data-answer=already_used]")).to_be_visible()
    assert await staff.page.get_by_role("button", name="Let in anyway").count() == 0
    boss = await paired_phone(chromium, door, gate="Back door", role="supervisor")
    await boss.type(code)
    await boss.page.get_by_role("button", name="Let in anyway", exact=True).click()
    await boss.page.get_by_label("In your own words").fill("Their jacket was outside")
    await boss.page.locator("#why [value=yes]").click()
    await boss.answers("admitted")
    assert await door.value("SELECT reason FROM scan WHERE override") == "Their jacket was outside"
    await staff.context.close()
    await boss.context.close()


async def test_a_list_with_re_entry_counts_people_out_and_in(chromium: Browser, door: Door) -> None:
    (code,) = await door.tickets()
    await door.link()
    await door.execute("UPDATE entry_list SET re_entry = true")
    phone = await paired_phone(chromium, door)
    out, in_ = phone.page.get_by_role("button", name="Out"), phone.page.get_by_role("button", name="In", exact=True)
    await phone.checks(code, "admitted")
    await out.click()
    await phone.checks(code, "left")
    await expect(phone.page.locator("#inside")).to_have_text("0")
    await phone.checks(code, "not_inside")
    await in_.click()
    await phone.checks(code, "admitted")
    await expect(phone.page.locator("#inside")).to_have_text("1")
    await expect(phone.page.locator("#entered")).to_have_text("1")
    await phone.context.close()


async def test_a_revoked_scanner_says_so(chromium: Browser, door: Door) -> None:
    (code,) = await door.tickets()
    phone = await paired_phone(chromium, door)
    await door.execute("UPDATE device SET revoked_at = clock()")
    await phone.type(code)
    await expect(phone.page.get_by_role("heading", name="Out of service")).to_be_visible()
    await expect(phone.page.locator("#scanning")).to_be_hidden()
    assert await door.value("SELECT count(*) FROM scan") == 0
    await phone.context.close()


async def test_a_scanner_that_is_revoked_meanwhile_lets_nobody_be_found(chromium: Browser, door: Door) -> None:
    (code,) = await door.tickets()
    phone = await paired_phone(chromium, door)
    await phone.page.get_by_role("button", name="Find", exact=True).click()
    await phone.page.locator("#words").fill(code)
    await expect(phone.page.get_by_role("button", name="Let in")).to_be_visible()
    await door.execute("UPDATE device SET revoked_at = clock()")
    await phone.page.evaluate("dispatchEvent(new Event('online'))")
    await expect(phone.page.locator("#finding")).to_be_hidden()
    await expect(phone.page.get_by_role("heading", name="Out of service")).to_be_visible()
    await phone.context.close()


async def test_a_second_tab_waits_for_the_first(chromium: Browser, door: Door) -> None:
    phone = await paired_phone(chromium, door)
    second = await phone.context.new_page()
    await second.goto(phone.page.url)
    await expect(second.get_by_role("heading", name="Open in another tab")).to_be_visible()
    await expect(second.locator("#network")).to_be_hidden()
    await phone.page.close()
    await expect(second.locator("#network-word")).to_have_text("Online")
    await phone.context.close()
