"""Guests, tables and rules at the scanner, with a network and without: what the phone says is what the server says."""

import re

from playwright.async_api import Browser, expect

from tests.chromium import in_chromium
from tests.door.conftest import Door
from tests.door.in_browser import Phone, paired_phone
from tests.door.test_rules import after_doors, bought, guest, with_rules

pytestmark = in_chromium

INSIDE = "SELECT count(*) FROM entry WHERE left_at IS NULL"
SEARCH = "Name, order, ticket code, or who invited"


async def search(phone: Phone, words: str) -> None:
    if not await phone.page.locator("#finding").is_visible():
        await phone.page.get_by_role("button", name="Find").click()
    await phone.page.get_by_label(SEARCH).fill(words)


async def test_a_guest_is_found_by_who_invited_and_let_in_one_by_one_or_all(chromium: Browser, door: Door) -> None:
    await with_rules(door)
    await guest(door, "Anna Blum", 2)
    await guest(door, "نور الهدى", 1)
    phone = await paired_phone(chromium, door)
    page = phone.page
    await search(phone, "lo kontakt")
    await expect(page.locator("#found li")).to_have_count(2)
    await search(phone, "anna")
    await expect(page.locator("#found li")).to_have_text(
        [re.compile(r"Anna Blum.? \+2Artists · by Lo Kontakt · 0 of 3 in")]
    )
    await page.get_by_role("button", name="Let in 1: Anna Blum").click()
    await expect(page.locator(".result-people")).to_have_text(re.compile(r"Anna Blum.? \+2: 1 of 3 in"))
    await expect(page.locator(".result-check")).to_have_text(re.compile("Check name: .?Anna Blum"))
    await page.get_by_role("button", name="Let in 2 more").click()
    await expect(page.locator(".result-people")).to_have_text(re.compile(r"\+2: all 3 are in"))
    await phone.answers("admitted")
    await expect(page.locator("#entered")).to_have_text("3")
    await search(phone, "anna")
    await expect(page.locator("#found .log-words span")).to_have_text("Artists · by Lo Kontakt · 3 of 3 in")
    await search(phone, "هدى")
    await page.get_by_role("button", name="All 2").click()
    await expect(page.locator("#entered")).to_have_text("5")
    assert await door.value(INSIDE) == 5
    await phone.context.close()


async def test_without_a_network_a_party_comes_in_and_is_told_later(chromium: Browser, door: Door) -> None:
    await with_rules(door)
    await guest(door, "Anna Blum", 2)
    phone = await paired_phone(chromium, door)
    await phone.context.set_offline(True)
    await phone.is_online(False)
    await search(phone, "anna")
    await phone.page.get_by_role("button", name="All 3").click()
    await expect(phone.page.locator(".result-people")).to_have_text(re.compile("all 3 are in"))
    await expect(phone.page.locator("#entered")).to_have_text("3")
    await phone.answers("admitted")
    await phone.waits(3)
    await phone.undo(0)
    await phone.page.get_by_role("button", name="Next").click()
    await phone.context.set_offline(False)
    await phone.is_online()
    await phone.waits(0)
    assert await door.value(INSIDE) == 2
    await phone.context.close()


async def test_a_table_says_how_many_come_in(chromium: Browser, door: Door) -> None:
    await with_rules(door)
    (_, (first, second)) = await bought(door, "Table", 2)
    phone = await paired_phone(chromium, door)
    await phone.type(first)
    await expect(phone.page.locator(".result-people")).to_have_text("6 people")
    await phone.answers("admitted")
    await expect(phone.page.locator("#entered")).to_have_text("6")
    await expect(phone.page.locator("#log li").first).to_contain_text("6 people")
    await phone.context.set_offline(True)
    await phone.is_online(False)
    await phone.checks(second, "admitted")
    await expect(phone.page.locator("#entered")).to_have_text("12")
    await phone.context.close()


async def test_too_late_is_said_in_words_online_and_alone_and_a_supervisor_may_insist(
    chromium: Browser, door: Door
) -> None:
    await with_rules(door)
    (_, (first, second)) = await bought(door, "Early", 2)
    (code,) = await door.tickets()
    await after_doors(door, hours=3)
    phone = await paired_phone(chromium, door, role="supervisor")
    words = "Entry with this ticket ended at 00:30."
    await phone.type(first)
    await expect(phone.page.locator(".result-word")).to_have_text("Too late")
    await expect(phone.page.locator(".result-more")).to_have_text(words)
    await phone.answers("blocked")
    await phone.type(code)
    await expect(phone.page.locator(".result-check")).to_have_text("Check age: 18+")
    await phone.answers("admitted")
    await phone.context.set_offline(True)
    await phone.is_online(False)
    await phone.type(second)
    await expect(phone.page.locator(".result-more")).to_have_text(words)
    await phone.page.locator("#result").get_by_role("button", name="Let in anyway").click()
    await phone.page.locator("#why [value=yes]").click()
    await phone.answers("admitted")
    await phone.context.set_offline(False)
    await phone.is_online()
    await phone.waits(0)
    told = "SELECT string_agg(answer || coalesce(' ' || because, ''), ', ' ORDER BY received_at, scanned_at) FROM scan"
    assert await door.value(told) == "blocked too_late, admitted, blocked too_late, admitted"
    await phone.context.close()


async def test_a_refusal_among_those_who_come_along_is_seen(chromium: Browser, door: Door) -> None:
    """The next one's green would cover it."""
    await with_rules(door)
    await guest(door, "Anna Blum", 2)
    phone = await paired_phone(chromium, door)
    scanner = await door.scanner("Side door")
    own = await door.value("SELECT code FROM ticket WHERE holder = 'Anna Blum'")
    assert (await scanner.scan(own))["answer"] == "admitted"
    await search(phone, "anna")
    await phone.page.get_by_role("button", name="All 3: Anna Blum").click()
    await phone.answers("already_used")
    await expect(phone.page.locator("#log li")).to_have_count(1)
    assert await door.value("SELECT count(*) FROM entry") == 1
    await phone.context.close()
