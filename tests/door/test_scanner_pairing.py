"""A phone that is paired, paired again, or put out of service, with scans that nobody was told of yet."""

import pytest
from playwright.async_api import Browser, expect

from tests.chromium import in_chromium
from tests.door.conftest import Door
from tests.door.in_browser import PHONE, Phone, paired_phone
from tests.shop import SLUG

pytestmark = in_chromium

TOLD = """SELECT string_agg(gate || ' ' || scan.answer || CASE WHEN online THEN '' ELSE '*' END, ', '
ORDER BY online DESC, scanned_at) FROM scan JOIN device ON device.id = device_id"""


@pytest.mark.parametrize("link", ["same", "new"])
async def test_scans_that_wait_go_out_whoever_pairs_the_phone_again(chromium: Browser, door: Door, link: str) -> None:
    """As scans of the gate where they were: with the same link, or with another's after the first was revoked."""
    first, second, third = await door.tickets(3)
    made = await door.link("Main door")
    context = await chromium.new_context(viewport=PHONE, reduced_motion="reduce")
    phone = Phone(context, await context.new_page())
    await phone.pair(door, made)
    await phone.checks(first, "admitted")
    await context.set_offline(True)
    await phone.is_online(online=False)
    await phone.checks(second, "admitted")
    await phone.checks(third, "admitted")
    await phone.undo()
    await phone.answers("undone")
    if link == "new":
        await door.execute("UPDATE device SET revoked_at = clock()")
        made = await door.link("Back door")
    else:
        await door.pair(made)  # another phone, in between
    await context.set_offline(False)
    await expect(phone.page.locator("#revoked-kept")).to_contain_text("3 scans are still on this phone")
    await phone.pair(door, made)
    await phone.waits(0)
    assert await phone.store("queue") == []
    assert await door.value(TOLD) == "Main door admitted, Main door admitted*, Main door admitted*, Main door undone*"
    assert await door.value("SELECT count(*) FROM entry") == 2
    await phone.checks(second, "already_used")
    await phone.checks(third, "admitted")
    await phone.undo(3)  # `second`, whom it let in before it was paired again
    await phone.answers("undone")
    await phone.waits(0)
    await phone.checks(second, "admitted")
    await context.close()


async def test_a_scanner_whose_link_another_phone_took_says_so(chromium: Browser, door: Door) -> None:
    made = await door.link()
    (code,) = await door.tickets()
    context = await chromium.new_context(viewport=PHONE)
    phone = Phone(context, await context.new_page())
    await phone.pair(door, made)
    await door.pair(made)
    await phone.type(code)
    await expect(phone.page.locator("#revoked-words")).to_contain_text(
        "Another phone was paired by this scanner's link"
    )
    await expect(phone.page.locator("#network-word")).to_have_text("Out of service")
    await context.close()


async def test_one_scan_that_waits_is_told_in_the_singular(chromium: Browser, door: Door) -> None:
    (code,) = await door.tickets()
    phone = await paired_phone(chromium, door)
    await phone.context.set_offline(True)
    await phone.is_online(online=False)
    await phone.checks(code, "admitted")
    await door.execute("UPDATE device SET revoked_at = clock()")
    await phone.context.set_offline(False)
    words = "1 scan is still on this phone: keep it, and pair it again to send it."
    await expect(phone.page.locator("#revoked-kept")).to_have_text(words)
    await phone.context.close()


async def test_the_way_back_from_the_scanner_is_the_scanner(chromium: Browser, door: Door) -> None:
    """Not the page that asks for the PIN, whose address is a secret; after a wrong PIN neither."""
    made = await door.link()
    context = await chromium.new_context(viewport=PHONE)
    page = await context.new_page()
    await page.goto(f"{door.shop.url}/verify")
    await page.goto(f"{door.shop.url}/door/{SLUG}/{made.link}")
    await page.get_by_label("PIN").fill("000000" if made.pin != "000000" else "111111")
    await page.get_by_role("button", name="Pair").click()
    await expect(page.get_by_role("alert")).to_be_visible()
    await page.get_by_label("PIN").fill(made.pin)
    await page.get_by_role("button", name="Pair").click()
    await expect(page.locator("#network-word")).to_have_text("Online")
    while not page.url.endswith("/verify"):
        assert page.url == f"{door.shop.url}/door/{SLUG}"
        await expect(page.locator("#network-word")).to_have_text("Online")
        await page.go_back()
    await context.close()


async def test_a_tab_that_scans_goes_on_as_what_another_tab_paired(chromium: Browser, door: Door) -> None:
    """Else it would keep the old scanner's list where the new one's is."""
    phone = await paired_phone(chromium, door)
    made = await door.link("Back door")
    second = await phone.context.new_page()
    await second.goto(f"{door.shop.url}/door/{SLUG}/{made.link}")
    await second.get_by_label("PIN").fill(made.pin)
    async with phone.page.expect_event("load"):
        await second.get_by_role("button", name="Pair").click()
    await phone.page.close()
    await expect(second.locator("#gate")).to_contain_text("Back door")
    assert len(await Phone(phone.context, second).store("tickets")) == 1
    await phone.context.close()
