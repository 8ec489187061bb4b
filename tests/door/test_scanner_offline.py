"""The scanner in a basement: no network, no server, a page that crashes, two doors that know nothing of each other."""

import asyncio
import json
import re
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from playwright.async_api import Browser, Route, async_playwright, expect

from boxoffice.door.report import night_report
from boxoffice.tickets.code import add_key, retire_key
from boxoffice.tickets.send_on import accept, offer
from boxoffice.web.door import icons
from tests.chromium import CHROMIUM, in_chromium
from tests.door.conftest import NIGHT, Door
from tests.door.in_browser import Phone, paired_phone
from tests.house import House
from tests.paper import Pixels, pixels
from tests.shop import SLUG

pytestmark = in_chromium

IN_1970 = """
const behind = Date.now() - 9_000;
Date = class extends Date {
  constructor(...told) { super(...(told.length ? told : [Date.now()])); }
  static now() { return super.now() - behind; }
};"""
OLD_BROWSER = """SubtleCrypto.prototype.importKey = async () => {
  throw new DOMException("", "NotSupportedError");
};"""
AT_THE_MAIN_DOOR = """SELECT string_agg(answer, ' ' ORDER BY nonce) FROM scan
JOIN device ON device.id = device_id WHERE gate = 'Main door'"""
SCANS = "SELECT string_agg(answer || CASE WHEN online THEN '' ELSE '*' END, ' ' ORDER BY scanned_at, nonce) FROM scan"


async def is_kept(phone: Phone) -> None:
    await expect(phone.page.locator("#kept")).to_be_visible(timeout=20_000)


@pytest.mark.parametrize("script", ["", OLD_BROWSER], ids=["webcrypto", "noble"])
async def test_a_night_without_a_network(chromium: Browser, door: Door, script: str) -> None:
    """Opened, used, reloaded and used again without one; then everything is told, once."""
    first, second, refunded = await door.tickets(3)
    await door.execute("UPDATE ticket SET status = 'refunded' WHERE code = $1", refunded)
    first_qr = await door.payload(first)
    phone = await paired_phone(chromium, door, script=script)
    await is_kept(phone)
    await phone.context.set_offline(True)
    await phone.is_online(online=False)
    await expect(phone.page.locator("#network-more")).to_contain_text("List under 1 min old")
    await phone.scan_with_keys(first_qr)
    await expect(phone.page.locator(".result-alone")).to_be_visible()
    await phone.answers("admitted")
    await phone.scan_with_keys(first_qr)
    await phone.answers("already_used")
    await phone.waits(2)
    await phone.page.reload()
    await phone.is_online(online=False)
    await phone.waits(2)
    await phone.scan_with_keys(first_qr)
    await phone.answers("already_used")
    forged = first_qr[:60] + ("A" if first_qr[60] != "A" else "B") + first_qr[61:]
    for text, answer in ((forged, "unknown"), (second, "admitted"), (refunded, "refunded"), ("nonsense", "unknown")):
        await phone.scan_with_keys(text) if len(text) > 12 else await phone.type(text)
        await phone.answers(answer)
    await phone.undo(2)  # `second`
    await phone.answers("undone")
    (sold_later,) = await door.tickets()
    await phone.scan_with_keys(await door.payload(sold_later))
    await expect(phone.page.locator(".result-more")).to_have_text("Genuine, and bought after the last sync")
    await phone.answers("admitted")
    await phone.waits(9)
    await phone.context.set_offline(False)
    await phone.is_online()
    await phone.waits(0)
    assert await phone.store("queue") == []
    told = "admitted* already_used* already_used* unknown* admitted* refunded* unknown* undone* admitted*"
    assert await door.value(SCANS) == told
    assert await door.value("SELECT count(*) FROM entry") == 2
    await phone.context.close()


async def test_old_pictures_and_codes_that_were_sent_on_say_so_without_a_network(chromium: Browser, door: Door) -> None:
    kept, sent = await door.tickets(2)
    await door.execute("UPDATE event SET code = 'rotating', paper = false")
    made, opened = await door.rotating(kept), door.shop.box.db.moved_clock
    assert opened is not None
    await dies(door, sent, "sent on")
    phone = await paired_phone(chromium, door)
    await phone.context.set_offline(True)
    await phone.is_online(online=False)
    word = phone.page.locator(".result-word")
    await phone.scan_with_keys(made.text_at(opened - timedelta(minutes=10)))
    await expect(word).to_have_text("Old picture")
    await expect(phone.page.locator(".result-more")).to_contain_text("ask to open the ticket")
    await phone.answers("cancelled")
    for code, told in ((sent, "Sent on"), (kept, "No paper")):
        await phone.type(code)
        await expect(word).to_have_text(told)
        await phone.answers("cancelled")
    await phone.scan_with_keys(made.text_at(opened))
    await phone.answers("admitted")
    await phone.context.set_offline(False)
    await phone.is_online()
    await phone.waits(0)
    assert await door.value("SELECT count(*) FROM scan WHERE objection IS NOT NULL") == 0
    assert await door.value("SELECT array_agg(because ORDER BY because) FROM scan WHERE because IS NOT NULL") == [
        "no_paper",
        "old_picture",
        "sent_on",
    ]
    await phone.context.close()


async def test_codes_of_a_retired_key_say_so_without_a_network_after_a_sync(chromium: Browser, door: Door) -> None:
    first, second = await door.tickets(2)
    old = [await door.payload(code) for code in (first, second)]
    phone = await paired_phone(chromium, door)
    await phone.scan_with_keys(old[0])
    await phone.answers("admitted")
    async with door.shop.box.db.transaction() as connection:
        await add_key(connection, door.shop.box.settings.secret_key, door.event_id)
        await retire_key(connection, door.event_id, 1)
    new = await door.payload(second)
    for offline in (True, False, True):  # whoever comes back asks what is new
        await phone.context.set_offline(offline)
        await phone.is_online(online=not offline)
    await phone.scan_with_keys(old[1])
    await expect(phone.page.locator(".result-word")).to_have_text("Old code")
    await expect(phone.page.locator(".result-more")).to_contain_text("no longer taken")
    await phone.answers("cancelled")
    await phone.scan_with_keys(new)
    await phone.answers("admitted")
    await phone.context.set_offline(False)
    await phone.is_online()
    await phone.waits(0)
    assert await door.value("SELECT count(*) FROM scan WHERE objection IS NOT NULL") == 0
    assert await door.value("SELECT because FROM scan WHERE because IS NOT NULL") == "retired_key"
    await phone.context.close()


async def test_the_same_batch_twice_and_a_lost_answer(chromium: Browser, door: Door) -> None:
    """The server takes the batch and its answer is lost: nothing is lost, nothing is there twice."""
    codes = await door.tickets(3)
    phone = await paired_phone(chromium, door)
    await phone.context.set_offline(True)
    await phone.is_online(online=False)
    for code in codes:
        await phone.checks(code, "admitted")
    lost = asyncio.Event()

    async def lose(route: Route) -> None:
        await route.fetch()
        lost.set()
        await route.abort()

    await phone.page.route("**/scans", lose)
    await phone.context.set_offline(False)
    await asyncio.wait_for(lost.wait(), 20)
    await phone.waits(3)
    await phone.page.unroute("**/scans")
    await phone.waits(0)
    assert await door.value("SELECT count(*) FROM scan") == 3
    assert await door.value("SELECT count(*) FROM entry") == 3
    await phone.context.close()


@pytest.mark.parametrize("taken_elsewhere", [False, True])
async def test_a_question_that_timed_out_was_answered(chromium: Browser, door: Door, taken_elsewhere: bool) -> None:
    """The door's own answer stands. Where the server kept a refusal, the entry is told as well: a conflict."""
    (code,) = await door.tickets()
    phone = await paired_phone(chromium, door)
    other = await door.scanner("Back door")

    async def slow(route: Route) -> None:
        if isinstance(json.loads(route.request.post_data or ""), dict):
            if taken_elsewhere:
                await other.scan(code)
            await route.fetch()
            await phone.context.set_offline(True)
        await route.abort()

    await phone.page.route("**/scans", slow)
    await phone.type(code)
    await expect(phone.page.locator(".result-alone")).to_be_visible()
    await phone.answers("admitted")
    await phone.page.unroute("**/scans")
    await phone.context.set_offline(False)
    await phone.waits(0)
    await phone.is_online()
    assert await door.value("SELECT count(*) FROM entry") == 1
    answers = await door.value(AT_THE_MAIN_DOOR)
    if taken_elsewhere:
        assert answers == "already_used admitted"
        also = re.compile(r"Also let in at Back door, \d\d:\d\d")
        await expect(phone.page.locator(".log-late")).to_have_text(["The box office says: already used", also])
    else:
        assert answers == "admitted"
    await phone.context.close()


async def test_a_page_that_crashed_while_it_asked_let_nobody_in(chromium: Browser, door: Door) -> None:
    """The server admitted, and nobody saw it: it is taken back, and the ticket enters."""
    (code,) = await door.tickets()
    phone = await paired_phone(chromium, door)
    asked = asyncio.Event()

    async def hang(route: Route) -> None:
        await route.fetch()
        asked.set()  # and no answer: the page is closed before its patience ends

    await phone.page.route("**/scans", hang)
    await phone.type(code)
    await asyncio.wait_for(asked.wait(), 20)
    await phone.page.close()
    assert await door.value("SELECT count(*) FROM entry") == 1
    phone.page = await phone.context.new_page()
    await phone.page.goto(f"{door.shop.url}/door/{SLUG}")
    await phone.is_online()
    await phone.waits(0)
    assert await door.value("SELECT count(*) FROM entry") == 0
    await phone.checks(code, "admitted")
    await phone.context.close()


async def test_two_offline_doors_let_the_same_code_in(chromium: Browser, door: Door) -> None:
    """Both entries are kept: one is the entry, the other a conflict."""
    (code,) = await door.tickets()
    doors = [await paired_phone(chromium, door, gate=gate) for gate in ("Main door", "Back door")]
    for phone in doors:
        await phone.context.set_offline(True)
        await phone.is_online(online=False)
        await phone.checks(code, "admitted")
    for phone in reversed(doors):
        await phone.context.set_offline(False)
        await phone.waits(0)
        await phone.is_online()
    assert await door.value("SELECT count(*) FROM scan WHERE answer = 'admitted' AND NOT online") == 2
    assert await door.value("SELECT gate FROM entry JOIN device ON device.id = device_id") == "Main door"
    main, back = doors
    for phone in doors:
        await phone.checks(code, "already_used")
    await expect(back.page.locator("#log li").nth(1)).to_contain_text("Also let in at Main door, ", timeout=15_000)
    await expect(back.page.locator("#log li").nth(1)).to_contain_text("Admitted")
    await expect(main.page.locator("#log")).not_to_contain_text("Also let in")
    for phone in doors:
        await phone.context.close()


async def test_an_override_that_is_taken_back_leaves_a_used_ticket_used(chromium: Browser, door: Door) -> None:
    """Nobody else comes in by it, and the scanner is in no conflict with itself; undoing the first entry opens it."""
    (code,) = await door.tickets()
    phone = await paired_phone(chromium, door, role="supervisor")
    await phone.context.set_offline(True)
    await phone.is_online(online=False)
    await phone.checks(code, "admitted")
    for _ in range(2):
        await phone.type(code)
        await phone.page.locator("#result").get_by_role("button", name="Let in anyway").click()
        await phone.page.locator("#why [value=yes]").click()
        await phone.answers("admitted")
    await phone.undo()
    await expect(phone.page.locator("#result[data-answer=undone]")).to_be_visible()
    await expect(phone.page.locator(".result-alone")).to_have_count(0)  # which was said of the entry
    await phone.answers("undone")
    await phone.type(code)
    await expect(phone.page.locator(".result-more")).to_have_text(re.compile(r"^In since \d\d:\d\d, Main door$"))
    await phone.answers("already_used")
    await phone.undo(5)  # the first entry, while an override stands
    await phone.answers("undone")
    await phone.checks(code, "already_used")
    await phone.undo(4)  # that override
    await phone.answers("undone")
    await phone.checks(code, "admitted")
    await phone.context.set_offline(False)
    await phone.waits(0)
    await phone.is_online()
    assert await door.value("SELECT count(*) FROM entry") == 1
    async with door.shop.box.db.transaction() as connection:
        assert (await night_report(connection, door.event_id)).conflicts == []
    await phone.context.close()


@pytest.mark.slow
async def test_a_phone_that_believes_it_is_1970_scans_on_and_is_put_right(chromium: Browser, door: Door) -> None:
    """Whether the door is open, and when somebody came, is told by our clock, with a network and without."""
    first, second = await door.tickets(2)
    phone = await paired_phone(chromium, door, script=IN_1970)
    assert await phone.page.evaluate("new Date().getFullYear()") == 1970
    await phone.checks(first, "admitted")
    await phone.context.set_offline(True)
    await phone.is_online(online=False)
    await expect(phone.page.locator("#network-more")).to_contain_text("List under 1 min old")
    await phone.checks(first, "already_used")
    await phone.checks(second, "admitted")
    await phone.context.set_offline(False)
    await phone.is_online()
    await phone.waits(0)
    entered = await door.value("SELECT array_agg(entered_at) FROM entry")
    assert len(entered) == 2
    assert door.shop.box.db.moved_clock is not None
    assert all(abs(at - door.shop.box.db.moved_clock) < timedelta(minutes=1) for at in entered)
    await phone.context.close()


@pytest.mark.slow
@pytest.mark.parametrize("happened", ["refunded", "sent on", "reissued"])
async def test_a_code_that_died_is_refused_offline_after_the_next_sync(
    chromium: Browser, door: Door, happened: str
) -> None:
    """And not before: the list of then did not know."""
    before, after = await door.tickets(2)
    texts = [await door.payload(code) for code in (before, after)]
    phone = await paired_phone(chromium, door)
    await phone.context.set_offline(True)
    await phone.is_online(online=False)
    for code in (before, after):
        await dies(door, code, happened)
    await phone.scan_with_keys(texts[0])
    await phone.answers("admitted")
    await phone.context.set_offline(False)
    await phone.is_online()
    await phone.waits(0)
    await phone.context.set_offline(True)
    await phone.is_online(online=False)
    await phone.scan_with_keys(texts[1])
    await phone.answers("refunded" if happened == "refunded" else "cancelled")
    async with door.shop.box.db.transaction() as connection:
        (conflict,) = (await night_report(connection, door.event_id)).conflicts
    assert conflict.problem == ("refunded" if happened == "refunded" else "cancelled")
    await phone.context.close()


async def dies(door: Door, code: str, how: str) -> None:
    """The code opens nothing any more: its ticket is refunded, somebody else's, or has a new code."""
    if how == "refunded":
        await door.execute("UPDATE ticket SET status = 'refunded' WHERE code = $1", code)
    elif how == "reissued":
        await door.execute("UPDATE ticket SET revision = revision + 1, reissued_at = clock() WHERE code = $1", code)
    else:
        async with door.shop.box.db.transaction() as connection:
            ticket_id = await connection.fetchval("SELECT id FROM ticket WHERE code = $1", code)
            offered = await offer(connection, door.event_id, UUID(str(ticket_id)), "ada@example.org", "Ada")
            await accept(connection, door.event_id, offered)


async def test_the_server_is_killed(chromium: Browser, house: House) -> None:
    """The page opens without a server, scans, and tells the next one."""
    async with house.db.transaction() as connection:
        night = await NIGHT.first(connection)
    assert night is not None
    door = Door(house.shop, night[0])
    codes = await door.tickets(2)
    await door.link()
    await door.execute("UPDATE entry_list SET opens_at = now() - interval '1 hour'")
    phone = await paired_phone(chromium, door)
    await is_kept(phone)
    await phone.checks(codes[0], "admitted")
    await phone.waits(0)
    house.server.kill()
    await phone.page.reload()
    await expect(phone.page.locator("#gate")).to_contain_text("Main door")
    await phone.is_online(online=False)
    await phone.checks(codes[0], "already_used")
    await phone.checks(codes[1], "admitted")
    await phone.waits(2)
    await house.restart()
    await phone.waits(0)
    await phone.is_online()
    assert await door.value("SELECT count(*) FROM entry") == 2
    await phone.context.close()


def is_inside_mask(icon: Pixels) -> bool:
    """Whether all that is drawn keeps within the circle that no phone cuts off."""
    rows, columns = (icon != icon[0, 0]).any(axis=2).nonzero()
    assert len(rows) > icon.shape[0], "something is drawn"
    centre = (icon.shape[0] - 1) / 2
    return bool((((rows - centre) ** 2 + (columns - centre) ** 2) ** 0.5).max() <= 0.4 * icon.shape[0])


async def test_where_pictures_cannot_be_set_the_drawing_is_the_icon(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(icons, "fonts_built", lambda: False)
    told: dict[str, Any] = (await door.shop.web.get(f"/door/{SLUG}/app.webmanifest")).json()
    assert [icon["type"] for icon in told["icons"]] == ["image/svg+xml"]


@pytest.mark.slow
async def test_a_browser_would_install_it(door: Door, tmp_path: Path) -> None:
    """It has nothing to say against the scanner's page; of a page that is no app it says so."""
    async with async_playwright() as playwright:
        window = await playwright.chromium.launch_persistent_context(
            tmp_path, executable_path=CHROMIUM, args=["--no-sandbox"]
        )
        page = await window.new_page()
        told: list[list[str]] = []
        for path in (f"/door/{SLUG}", "/"):
            await page.goto(door.shop.url + path)
            developer = await window.new_cdp_session(page)
            errors = (await developer.send("Page.getInstallabilityErrors"))["installabilityErrors"]
            told.append([error["errorId"] for error in errors])
        assert told == [[], ["no-manifest"]]
        await window.close()


async def test_it_can_be_installed(door: Door) -> None:
    manifest = await door.shop.web.get(f"/door/{SLUG}/app.webmanifest")
    told: dict[str, Any] = manifest.json()
    assert manifest.headers["content-type"] == "application/manifest+json"
    assert (told["start_url"], told["scope"], told["display"]) == (f"/door/{SLUG}", "/door/", "standalone")
    drawn = {(icon["sizes"], icon.get("purpose", "any")): icon["src"] for icon in told["icons"]}
    assert set(drawn) == {("192x192", "any"), ("512x512", "any"), ("512x512", "maskable"), ("any", "any")}
    for (sizes, purpose), address in drawn.items():
        answer = await door.shop.web.get(address)
        assert "immutable" in answer.headers["cache-control"]
        if sizes != "any":
            assert answer.headers["content-type"] == "image/png"
            assert f"{pixels(answer.content).shape[0]}x{pixels(answer.content).shape[1]}" == sizes
            assert is_inside_mask(pixels(answer.content)) == (purpose == "maskable")
    assert (await door.shop.web.get("/icons/000000000000/192.png")).status_code == 404
    assert (await door.shop.web.get(drawn["192x192", "any"].replace("192", "193"))).status_code == 404
    worker = await door.shop.web.get("/door/service-worker.js")
    files = json.loads(worker.text.split("const FILES = ")[1].split(";\n")[0])
    assert any(file.endswith("zxing_reader.wasm") for file in files)
    for file in files:
        assert (await door.shop.web.get(file)).status_code == 200, file
    assert (await door.shop.web.get("/door/nowhere/app.webmanifest")).status_code == 404
    assert (await door.shop.web.get("/static/door/000000000000/app.js")).status_code == 404
