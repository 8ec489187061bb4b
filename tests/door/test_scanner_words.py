"""What the scanner says of codes that were typed wrongly, of people who were found, and of the room."""

import re

import pytest
from playwright.async_api import Browser, expect

from boxoffice.foundation.ids import with_check
from tests.chromium import in_chromium
from tests.door.conftest import Door
from tests.door.in_browser import Phone, paired_phone
from tests.door.test_rules import after_doors, bought, guest, with_rules
from tests.door.test_scanner_guests import search

pytestmark = in_chromium


async def test_a_mistyped_code_and_an_orders_are_called_so_online_and_alone(chromium: Browser, door: Door) -> None:
    (code,) = await door.tickets()
    order = await door.value("SELECT orders.code FROM orders JOIN ticket ON order_id = orders.id LIMIT 1")
    phone = await paired_phone(chromium, door)
    shown = phone.page.locator("#result")
    for online in (True, False):
        if not online:
            await phone.context.set_offline(True)
            await phone.is_online(False)
        for typed in (code[:-1], code[:6] + ("7" if code[6] != "7" else "8") + code[7:]):
            await phone.type(typed)
            await expect(shown).to_contain_text("Mistyped")
            await expect(shown).to_contain_text("type it again")
            await phone.answers("unknown")
        await phone.type(order)
        await expect(shown).to_contain_text("Order’s code")
        await phone.answers("unknown")
    await expect(phone.page.locator("#log li").first).to_contain_text("Order’s code")
    await phone.context.close()


async def test_a_check_character_that_phones_hide_has_a_key_beside_the_field(chromium: Browser, door: Door) -> None:
    """It is typed where the cursor is, and without it the code is mistyped."""
    (code,) = await door.tickets()
    body = next(body for number in range(99) if (body := f"{code[:-3]}{number:02}") and with_check(body)[-1] == "~")
    await door.execute("UPDATE ticket SET code = $1 WHERE code = $2", f"{body}~", code)
    phone = await paired_phone(chromium, door)
    field = phone.page.get_by_label("Ticket code", exact=True)
    await phone.checks(body, "unknown")
    await field.fill(body[:4] + body[5:])
    await phone.page.get_by_role("button", name="~ tilde").click()
    await expect(field).to_be_focused()
    for _ in body[4:]:
        await field.press("ArrowLeft")
    await field.press(body[4])
    await expect(field).to_have_value(f"{body}~")
    await field.press("Enter")
    await phone.answers("admitted")
    for key in ("* asterisk", "$ dollar sign", "= equals sign"):
        await phone.page.get_by_role("button", name=key).click()
    await expect(field).to_have_value("*$=")
    await phone.context.close()


async def is_found(phone: Phone, words: str, state: str, *buttons: str) -> None:
    await search(phone, words)
    row = phone.page.locator("#found li")
    await expect(row).to_have_count(1)
    await expect(row).to_contain_text(state)
    await expect(row.get_by_role("button")).to_have_text(list(buttons))


async def test_find_lets_in_only_who_would_be_let_in_and_says_how_the_others_stand(
    chromium: Browser, door: Door
) -> None:
    await with_rules(door)
    (code, used), (_, (early, _)) = await door.tickets(2), await bought(door, "Early", 2)
    await guest(door, "Stanisław Sørensen", 1)
    await after_doors(door, hours=3)
    scanner = await door.scanner("Side door")
    await scanner.scan(used)
    phone = await paired_phone(chromium, door)
    await is_found(phone, code, "not in yet", "Let in")
    await is_found(phone, used, "in since", *())
    await expect(phone.page.locator("#found li")).to_contain_text(re.compile(r"in since \d\d:\d\d, Side door"))
    await is_found(phone, early, "too late since 00:30", *())
    await is_found(phone, "stanislaw soerensen", "0 of 2 in", "Let in 1", "All 2")
    await phone.context.close()
    backstage = await paired_phone(chromium, door, role="supervisor", list_name="Backstage")
    await is_found(backstage, code, "other list", "Let in anyway")
    await backstage.page.locator("#found button").click()
    await backstage.page.locator("#why [value=yes]").click()
    await backstage.answers("admitted")
    await backstage.context.close()


@pytest.mark.slow
async def test_on_the_way_out_find_lets_out_only_who_is_in(chromium: Browser, door: Door) -> None:
    await with_rules(door)
    inside, outside, refunded = await door.tickets(3)
    await guest(door, "Anna Blum", 2)
    await door.execute("UPDATE entry_list SET re_entry = true")
    await door.execute("UPDATE ticket SET status = 'refunded' WHERE code = $1", refunded)
    phone = await paired_phone(chromium, door, role="supervisor")
    await phone.checks(inside, "admitted")
    await search(phone, "anna")
    await phone.page.get_by_role("button", name="Let in 1: Anna Blum").click()
    await phone.answers("admitted")
    await phone.page.get_by_role("button", name="Out", exact=True).click()
    await is_found(phone, inside, "in since", "Let out")
    await is_found(phone, outside, "not in", *())
    await expect(phone.page.locator("#found li")).not_to_contain_text("not in yet")
    await is_found(phone, refunded, "not in", *())
    await is_found(phone, "anna", "1 of 3 in", "Let out")
    await phone.page.locator("#found button").click()
    await phone.answers("left")
    await is_found(phone, "anna", "0 of 3 in", *())
    await phone.context.set_offline(True)
    await phone.is_online(False)
    await is_found(phone, inside, "in since", "Let out")
    await phone.page.get_by_role("button", name="Let out").click()
    await phone.answers("left")
    await is_found(phone, inside, "not in", *())
    await phone.page.locator("#finding-close").click()
    await phone.page.get_by_role("button", name="In", exact=True).click()
    await is_found(phone, "anna", "0 of 3 in", "Let in 1", "All 3")
    await phone.page.get_by_role("button", name="All 3").click()
    await phone.answers("admitted")
    await phone.page.get_by_role("button", name="Out", exact=True).click()
    await is_found(phone, "anna", "3 of 3 in", "Let out 1", "All 3")
    await phone.context.close()


@pytest.mark.slow
async def test_a_room_says_that_it_is_nearly_full_and_full(chromium: Browser, door: Door) -> None:
    """In words and in colour, on a narrow screen too; a tenth that is left is not nearly nothing."""
    codes = await door.tickets(3)
    await door.execute("UPDATE ticket_type SET admits = 9 WHERE room_stock_id IS NOT NULL")
    await door.execute("UPDATE stock SET cap = 20 WHERE cap = 60")
    phone = await paired_phone(chromium, door)
    room = phone.page.locator(".counts-room")
    await phone.page.set_viewport_size({"width": 180, "height": 370})
    for code, words in zip(codes, ("9 of 20", "18 of 20", "27 of 20"), strict=True):
        await phone.checks(code, "admitted")
        await expect(room).to_contain_text(words)
        await expect(room.locator("dt")).to_have_text(f"In the room {'full' if code == codes[2] else ''}")
    await door.execute("UPDATE stock SET cap = 29 WHERE cap = 20")
    await phone.page.evaluate("dispatchEvent(new Event('online'))")
    await expect(room.locator("dt")).to_have_text("In the room nearly full")
    within = "(it) => it.scrollWidth <= it.clientWidth"
    assert await room.evaluate(within)
    assert await room.locator("dd").evaluate(within)
    await phone.context.close()


async def test_the_room_and_the_rate_are_shown_and_counted_alone(chromium: Browser, door: Door) -> None:
    first, second, third = await door.tickets(3)
    scanner = await door.scanner("Side door")
    await scanner.scan(first)
    phone = await paired_phone(chromium, door)
    room, rate = phone.page.locator(".counts-room dd"), phone.page.locator("#rate")
    await expect(room).to_have_text("1 of 60")
    await expect(rate).to_have_text("0.1")
    await phone.checks(second, "admitted")
    await expect(room).to_have_text("2 of 60")
    await phone.context.set_offline(True)
    await phone.is_online(False)
    await phone.checks(third, "admitted")
    await expect(room).to_have_text("3 of 60")
    await expect(rate).to_have_text("0.3")
    await phone.context.close()


async def test_find_says_that_there_are_more_than_it_shows(chromium: Browser, door: Door) -> None:
    for _ in range(3):
        await door.tickets(10)
    phone = await paired_phone(chromium, door)
    await search(phone, "entry")
    await expect(phone.page.locator("#found li")).to_have_count(30)
    await expect(phone.page.locator("#found-words")).to_have_text("The first 30 of them. Type more to see the others.")
    await phone.context.close()


async def test_find_names_void_tickets_last(chromium: Browser, door: Door) -> None:
    codes = await door.tickets(4)
    await door.execute("UPDATE ticket SET status = 'cancelled' WHERE code = ANY($1::text[])", codes[:2])
    phone = await paired_phone(chromium, door)
    await search(phone, "entry")
    found = phone.page.locator("#found li")
    await expect(found.nth(-1)).to_contain_text("cancelled")
    states = await found.all_inner_texts()
    assert ["cancelled" in state for state in states] == [False] * (len(states) - 2) + [True] * 2
    await phone.context.close()


async def test_what_was_turned_stays_so_over_a_reload(chromium: Browser, door: Door) -> None:
    phone = await paired_phone(chromium, door)
    sound, light = (phone.page.get_by_role("button", name=name) for name in ("Sound", "Light"))
    await sound.click()
    await light.click()
    await phone.page.reload()
    await phone.is_online()
    await expect(sound).to_have_attribute("aria-pressed", "false")
    await expect(light).to_have_attribute("aria-pressed", "true")
    await sound.click()
    await light.click()
    await phone.page.reload()
    await phone.is_online()
    await expect(sound).to_have_attribute("aria-pressed", "true")
    await expect(light).to_have_attribute("aria-pressed", "false")
    await phone.context.close()


async def test_without_a_network_a_page_of_the_web_is_no_ticket_that_may_be_missing(
    chromium: Browser, door: Door
) -> None:
    """Unlike the code of one that was bought since."""
    phone = await paired_phone(chromium, door)
    await phone.context.set_offline(True)
    await phone.is_online(False)
    (bought_since,) = await door.tickets()
    said = phone.page.locator(".result-more")
    for text, words in (
        ("https://example.org/win", "No ticket of this night."),
        (bought_since, "Not in this phone’s list of tickets."),
    ):
        await phone.type(text)
        await expect(said).to_have_text(words)
        await phone.answers("unknown")
    await phone.context.close()
