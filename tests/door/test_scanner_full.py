"""A phone that has no room left, or keeps nothing at all: it says so, and nothing is changed or lost."""

import pytest
from playwright.async_api import Browser, Route, expect

from tests.chromium import in_chromium
from tests.door.conftest import Door
from tests.door.in_browser import PHONE, Phone, paired_phone
from tests.door.test_door_sales_in_browser import SALES, selling
from tests.door.test_rules import after_doors
from tests.shop import SLUG

pytestmark = in_chromium

ROOM = """globalThis.writesLeft = Infinity;
const { transaction } = IDBDatabase.prototype;
IDBDatabase.prototype.transaction = function (names, mode, options) {
  const made = transaction.call(this, names, mode, options);
  if (mode === "readwrite" && globalThis.writesLeft-- <= 0) queueMicrotask(() => made.abort());
  return made;
};"""
NO_STORE = "indexedDB.open = () => { throw new DOMException('', 'InvalidStateError'); };"
ENTRIES = "SELECT count(*) FROM entry"


async def has_room_for(phone: Phone, writes: float) -> None:
    await phone.page.evaluate("(writes) => { globalThis.writesLeft = writes; }", writes)


@pytest.mark.slow
async def test_a_full_phone_answers_while_it_has_a_network_and_nothing_without(chromium: Browser, door: Door) -> None:
    """The box office keeps what the phone cannot; it says which of both it needs, and goes on once there is room."""
    first, second = await door.tickets(2)
    phone = await paired_phone(chromium, door, role="supervisor", script=ROOM)
    full, shown = phone.page.locator("#full"), phone.page.locator("#result")
    await expect(full).to_be_hidden()
    await has_room_for(phone, 0)
    await phone.checks(first, "admitted")
    await expect(full).to_contain_text("without one it answers none")
    await phone.checks(first, "already_used")
    await phone.undo(1)
    await phone.answers("undone")
    await phone.checks(first, "admitted")
    assert await door.value(ENTRIES) == 1
    await phone.context.set_offline(True)
    await phone.is_online(online=False)
    await phone.type(second)
    await expect(shown).to_contain_text("Phone full")
    await expect(shown).to_contain_text("nothing was done")
    await expect(shown.get_by_role("button")).to_have_text(["Next"])
    await phone.answers("not_kept")
    await phone.waits(0)
    await has_room_for(phone, 1000)
    await phone.checks(second, "admitted")
    await expect(full).to_be_hidden()
    await phone.context.set_offline(False)
    await phone.is_online()
    await phone.waits(0)
    assert await door.value(ENTRIES) == 2
    await phone.context.close()


@pytest.mark.slow
async def test_a_full_phone_that_hears_no_answer_lets_nobody_in(chromium: Browser, door: Door) -> None:
    """The box office has let them in, and takes it back as soon as it can be told."""
    (code,) = await door.tickets()
    phone = await paired_phone(chromium, door, script=ROOM)
    await has_room_for(phone, 0)

    async def is_lost(route: Route) -> None:
        await route.fetch()
        await route.abort()

    await phone.page.route("**/scans", is_lost, times=1)
    await phone.type(code)
    await phone.answers("not_kept")
    await phone.is_online()
    await phone.waits(0)
    assert await door.value("SELECT string_agg(answer, ' ' ORDER BY received_at) FROM scan") == "admitted undone"
    assert await door.value(ENTRIES) == 0
    await phone.page.reload()
    await phone.checks(code, "admitted")
    assert await door.value(ENTRIES) == 1
    await phone.context.close()


async def test_an_answer_that_could_not_be_kept_is_taken_back(chromium: Browser, door: Door) -> None:
    """The phone fills up while it asks: the box office has let them in, and nobody saw it."""
    (code,) = await door.tickets()
    phone = await paired_phone(chromium, door, script=ROOM)
    await has_room_for(phone, 1)
    await phone.type(code)
    await phone.answers("not_kept")
    await expect(phone.page.locator("#log li")).to_have_count(0)
    await phone.waits(0)
    assert await door.value(ENTRIES) == 0
    await has_room_for(phone, 1000)
    await phone.checks(code, "admitted")
    await has_room_for(phone, 0)
    await phone.context.set_offline(True)
    await phone.is_online(online=False)
    await phone.undo()
    await phone.answers("not_kept")
    await expect(phone.page.locator("#log li").first).to_contain_text("Admitted")
    await has_room_for(phone, 1000)
    await phone.context.set_offline(False)
    await phone.is_online()
    await phone.checks(code, "already_used")
    assert await door.value(ENTRIES) == 1
    await phone.context.close()


async def test_a_list_that_could_not_be_kept_is_fetched_again(chromium: Browser, door: Door) -> None:
    codes = await door.tickets(2)
    phone = await paired_phone(chromium, door, script=ROOM)
    for code, writes in zip(codes, (0, 1000), strict=True):
        await has_room_for(phone, writes)
        await door.execute("UPDATE ticket SET status = 'refunded' WHERE code = $1", code)
        await after_doors(door, hours=1 if writes else 0)
        async with phone.page.expect_response("**/door?*since=*"):
            await phone.page.evaluate("dispatchEvent(new Event('online'))")
        await expect(phone.page.locator("#good")).to_have_text("2" if writes == 0 else "1")
    kept = {one["code"]: one["status"] for one in await phone.store("tickets")}
    assert [kept[code] for code in codes] == ["refunded", "refunded"]
    await phone.context.close()


async def test_a_full_phone_sells_nothing(chromium: Browser, door: Door) -> None:
    phone = await selling(chromium, door, script=ROOM)
    await has_room_for(phone, 0)
    cash = phone.page.get_by_role("button", name="Cash", exact=True)
    await cash.click()
    await expect(phone.page.locator("#sell-told")).to_contain_text("could not keep it, so nothing was done")
    assert await door.value(SALES) == 0
    await has_room_for(phone, 1000)
    await cash.click()
    await expect(phone.page.locator("#done-word")).to_have_text("Paid, let in")
    assert await door.value(SALES) == 1
    await phone.context.close()


async def test_a_browser_that_keeps_nothing_is_no_scanner(chromium: Browser, door: Door) -> None:
    made = await door.link()
    context = await chromium.new_context(viewport=PHONE)
    await context.add_init_script(NO_STORE)
    page = await context.new_page()
    await page.goto(f"{door.shop.url}/door/{SLUG}/{made.link}")
    await page.get_by_label("PIN").fill(made.pin)
    await page.get_by_role("button", name="Pair").click()
    await expect(page.get_by_role("alert")).to_contain_text("This browser keeps nothing")
    await page.goto(f"{door.shop.url}/door/{SLUG}")
    await expect(page.get_by_role("heading", name="Nothing is kept")).to_be_visible()
    await expect(page.locator("#network")).to_be_hidden()
    await context.close()
