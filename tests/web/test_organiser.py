"""Those who run a night: who may see its door, what is there while it goes on, and what they do about it."""

import csv
import io
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, cast
from urllib.parse import urlencode
from uuid import UUID, uuid4

import pytest
from httpx import AsyncClient, Response
from markupsafe import escape

from boxoffice.accounts.login import MEET
from boxoffice.accounts.organisation import DOOR, ORGANISER, add_member, remove_member
from boxoffice.accounts.sessions import open_session
from boxoffice.box import BoxOffice
from boxoffice.door.cash_up import close_cash_box, lock_seller, open_again, open_cash_box
from boxoffice.door.device import make_link, pair
from boxoffice.door.entry_list import open_now
from boxoffice.foundation.ids import new_id
from boxoffice.orders.order import OrderTicket
from tests.guests.conftest import LISTS
from tests.nights import NIGHT, load
from tests.web.cast import LONG_NIGHT, paid
from tests.web.test_my_tickets import ask, code_in, link_in, mails

SLUG = "tiefdruck-eins"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
PAGE = f"/organiser/events/{SLUG}/door"
OTHERS = NIGHT.replace("tiefdruck", "hochdruck").replace("Tiefdruck", "Hochdruck")
BOSS, GATE, OTHER, GUEST = "boss@example.org", "gate@example.org", "other@example.org", "guest@example.org"


@dataclass
class Office:
    """A night with a guest list and tickets, its organisation's people, and one browser that they share."""

    box: BoxOffice
    browser: AsyncClient
    event_id: UUID
    tickets: tuple[OrderTicket, ...]
    tokens: dict[UUID, str] = field(default_factory=dict[UUID, str])

    async def enter(self, email: str) -> None:
        """Somebody signs in at this browser."""
        async with self.box.db.transaction() as connection:
            person = await MEET.first(connection, new_id(), email)
            assert person is not None
            token = await open_session(connection, person.id)
        self.browser.cookies.clear()
        self.browser.cookies.set("session", token)

    async def page(self, path: str = PAGE) -> str:
        """A page that must be there."""
        answer = await self.browser.get(path)
        assert answer.status_code == 200, answer.text
        return answer.text

    async def scanner(self, gate: str, role: str = "staff") -> UUID:
        """A paired scanner."""
        async with self.box.db.transaction() as connection:
            secret = self.box.settings.secret_key
            made = await make_link(connection, secret, self.event_id, gate, role=role)
            paired = await pair(connection, secret, SLUG, made.link, made.pin, None)
        self.tokens[made.device_id] = cast("Any", paired).token
        return made.device_id

    async def scan(self, device: UUID, code: str, **more: Any) -> Response:
        """One scan of it."""
        body = {"device": str(device), "nonce": f"nonce-{uuid4()}", "scanned_at": datetime.now(UTC).isoformat()}
        headers = {"Authorization": f"Bearer {self.tokens[device]}"}
        answer = await self.browser.post(
            f"/api/v1/events/{SLUG}/scans", json=body | {"code": code} | more, headers=headers
        )
        assert answer.status_code == 200, answer.text
        return answer

    async def send(self, method: str, path: str, form: dict[str, str] | None = None, **headers: str) -> Response:
        """What a browser sends; of an empty form too."""
        if method == "GET":
            return await self.browser.get(path)
        return await self.browser.post(path, content=urlencode(form or {}), headers=FORM | headers)

    async def value(self, sql: str, *parameters: Any) -> Any:
        async with self.box.db.transaction() as connection:
            return await connection.fetchval(sql, *parameters)


async def open_office(box: BoxOffice, browser: AsyncClient) -> Office:
    """Mara has bought four tickets, the door is open since two hours, and BOSS is signed in."""
    await load(box.db, LONG_NIGHT + LISTS)
    await load(box.db, OTHERS)
    view = await paid(box, quantity=4, names=("Ada Lark", "=HYPERLINK(1)", "", ""))
    async with box.db.transaction() as connection:
        await add_member(connection, BOSS, "tiefdruck", ORGANISER)
        await add_member(connection, GATE, "tiefdruck", DOOR)
        await add_member(connection, OTHER, "hochdruck", ORGANISER)
        made = Office(box, browser, view.order.event_id, tuple(view.tickets))
    await made.scanner("Main door")
    async with box.db.transaction() as connection:
        await open_now(connection, view.order.event_id, timedelta(hours=2))
    await made.enter(BOSS)
    return made


@pytest.fixture
async def office(box: BoxOffice, browser: AsyncClient) -> Office:
    return await open_office(box, browser)


async def routes(office: Office, slug: str = SLUG) -> list[tuple[str, str, dict[str, str], bool]]:
    """Every route of a night: method, path, form, and whether it is for organisers alone."""
    device = await office.value("SELECT id FROM device WHERE event_id = $1 AND revoked_at IS NULL", office.event_id)
    guest_list = await office.value("SELECT id FROM guest_list WHERE event_id = $1", office.event_id)
    page = f"/organiser/events/{slug}/door"
    return [
        ("GET", page, {}, False),
        ("GET", f"{page}/entries.csv", {}, True),
        ("POST", f"{page}/lists/{guest_list}/link", {}, True),
        ("POST", f"{page}/scanners/{device}/unlock", {}, False),
        ("POST", f"{page}/scanners/{device}/revoke", {}, False),
        ("POST", f"{page}/scanners", {"gate": "Side", "role": "staff", "list": ""}, False),
    ]


async def changes(office: Office) -> list[int]:
    """What these routes change: scanners, those out of service, links of guest lists."""
    counted = (
        *("count(*) FROM device", "count(*) FROM device WHERE revoked_at IS NOT NULL"),
        "sum(link_revision) FROM guest_list",
    )
    return [int(await office.value(f"SELECT {what}")) for what in counted]


async def test_who_may_do_what(office: Office) -> None:
    before = await changes(office)
    words: set[str] = set()
    for who in (OTHER, GUEST):
        await office.enter(who)
        for slug in (SLUG, "nowhere"):
            for method, path, form, _ in await routes(office, slug):
                answer = await office.send(method, path, form)
                assert answer.status_code == 404, (who, path)
                words.add(answer.text)
    assert len(words) == 1, "a foreign night and one that is not there read differently"
    office.browser.cookies.clear()
    for method, path, form, _ in await routes(office):
        answer = await office.send(method, path, form)
        assert 'action="/tickets/login"' in answer.text, path
        assert "Tiefdruck Eins" not in answer.text
    assert await changes(office) == before
    for who in (GATE, BOSS):
        await office.enter(who)
        for method, path, form, organisers in await routes(office):
            answer = await office.send(method, path, form)
            refused = organisers and who == GATE
            assert (answer.status_code == 404) == refused, (who, path, answer.status_code)
    assert await changes(office) == [before[0] + 2, before[1] + 2, before[2] + 1]


async def test_another_nights_scanner_or_list_is_none_of_this_one(office: Office) -> None:
    await office.enter(OTHER)
    for _, path, form, _ in (await routes(office, "hochdruck-eins"))[2:5]:
        assert (await office.send("POST", path, form)).status_code == 404
    assert (await office.browser.get("/organiser/events/hochdruck-eins/door")).status_code == 200
    assert (await changes(office))[1:] == [0, 0]


async def test_no_other_site_acts_for_an_organiser(office: Office) -> None:
    for _, path, form, _ in (await routes(office))[2:]:
        answer = await office.send("POST", path, form, **{"Sec-Fetch-Site": "cross-site"})
        assert answer.status_code == 403
    assert await changes(office) == [1, 0, 0]


async def test_who_leaves_the_organisation_is_out_at_the_next_click(office: Office) -> None:
    await office.page()
    async with office.box.db.transaction() as connection:
        await remove_member(connection, BOSS, "tiefdruck")
    assert (await office.browser.get(PAGE)).status_code == 404
    assert "No night here is yours" in await office.page("/organiser")


@pytest.mark.parametrize("by_link", [False, True], ids=["by code", "by link"])
async def test_signing_in_leads_back_to_the_night(office: Office, by_link: bool) -> None:
    office.browser.cookies.clear()
    asked = await office.browser.get(PAGE)
    assert "Your nights · sign in" in asked.text
    assert asked.headers["cache-control"] == "no-store"
    assert "Your nights · sign in" in (await ask(office.browser, "nobody@")).text
    await ask(office.browser, BOSS)
    mail = (await mails(office.box))[-1]
    if by_link:
        answer = await office.browser.post("/tickets/link", data={"s": link_in(mail).partition("=")[2]})
    else:
        answer = await office.browser.post("/tickets/code", data={"email": BOSS, "code": code_in(mail)})
    assert answer.headers["location"] == PAGE
    assert "Tiefdruck Eins" in await office.page()
    assert "organiser_back" not in office.browser.cookies


async def test_who_asks_for_their_tickets_afterwards_gets_those(office: Office) -> None:
    office.browser.cookies.clear()
    await office.browser.get("/organiser")
    await office.browser.get("/tickets")
    await ask(office.browser, BOSS)
    answer = await office.browser.post(
        "/tickets/code", data={"email": BOSS, "code": code_in((await mails(office.box))[-1])}
    )
    assert answer.headers["location"] == "/tickets"
    assert 'href="/organiser"' in await office.page("/tickets")


async def test_a_forged_way_back_leads_nowhere_else(office: Office) -> None:
    office.browser.cookies.clear()
    office.browser.cookies.set("organiser_back", "//evil.example")
    await ask(office.browser, BOSS)
    answer = await office.browser.post(
        "/tickets/code", data={"email": BOSS, "code": code_in((await mails(office.box))[-1])}
    )
    assert answer.headers["location"] == "/tickets"


async def test_the_persons_nights(office: Office) -> None:
    page = await office.page("/organiser")
    assert PAGE in page
    assert "hochdruck" not in page
    await office.value("UPDATE event SET starts_at = clock() - interval '2 h', doors_at = clock() - interval '3 h', "
        "ends_at = clock() - interval '1 h'")  # fmt: skip
    assert "Who came" in await office.page("/organiser")


def figures(page: str) -> dict[str, str]:
    """What the page counts, by its word."""
    return dict(re.findall(r"<dt>([^<]+)</dt><dd>(\d[\d.]*)", page.partition('id="conflicts"')[0]))


async def test_the_door_is_seen_live(office: Office) -> None:
    assert "Nobody has come in yet" in await office.page()
    assert figures(await office.page()) == {"Came in": "0", "Out now": "0", "A minute": "0.0", "To come": "4"}
    main = next(iter(office.tokens))
    codes = [ticket.code for ticket in office.tickets]
    await office.scan(main, codes[0])
    await office.scan(main, codes[1])
    await office.scan(main, codes[1], direction="out")
    await office.scan(main, codes[0])
    page = await office.page()
    assert figures(page) == {"Came in": "2", "Out now": "1", "A minute": "0.2", "To come": "2"}
    assert "<strong>1</strong> <span>inside now" in page
    assert "room for 68" in page, "60 places of the room, and 8 of guest lists"
    assert "already used 1" in page
    assert re.search(r'<th scope="row"><bdi>Main door</bdi>.*?</th><td>2</td><td>0</td><td>1</td><td>1</td>', page)
    assert '<path class="curve-line"' in page
    assert "Inside after it" in page


async def test_my_tickets_say_used_and_when_at_once(office: Office) -> None:
    await office.scan(next(iter(office.tokens)), office.tickets[0].code)
    await office.enter("mara@example.org")
    assert re.search(r"used <time [^>]*>\d+ \w+, \d\d:\d\d</time>", await office.page("/tickets"))


async def test_a_conflict_names_both_doors_and_what_to_do(office: Office) -> None:
    main, side = next(iter(office.tokens)), await office.scanner("Side door")
    code = office.tickets[0].code
    for device in (main, side):
        await office.scan(device, code, answered="admitted")
    page = await office.page()
    section = page[page.index('id="conflicts"') : page.index('id="curve"')]
    assert "1 conflict" in section
    for words in ("Let in twice: <bdi>Ada Lark", "Main door", "Side door", main.hex[-4:].upper(), "Undo"):
        assert words in section
    assert side.hex[-4:].upper() in section


async def test_what_was_overridden_undone_or_blocked_has_its_reason(office: Office) -> None:
    chief = await office.scanner("Box", "supervisor")
    code = office.tickets[0].code
    await office.scan(chief, code)
    await office.scan(chief, code, override="Lost the first time, <b>sorry</b>")
    await office.value("UPDATE ticket SET blocked_reason = 'disputed' WHERE code = $1", office.tickets[1].code)
    await office.scan(chief, office.tickets[1].code)
    section = (await office.page()).split('id="exceptions"')[1].split("</section>")[0]
    for words in ("Let in anyway", "Lost the first time, &lt;b&gt;sorry", "Blocked", "The payment is disputed"):
        assert words in section


async def test_a_new_scanner_is_shown_once_and_pairs(office: Office) -> None:
    fields = {"gate": " Terrace ", "role": "supervisor", "list": ""}
    made = await office.browser.post(f"{PAGE}/scanners", data=fields)
    assert made.status_code == 201
    assert made.headers["cache-control"] == "no-store"
    link = re.findall(r'<a href="http://localhost:3000(/door/[^"]+)"', made.text)[0]
    pin = "".join(re.findall(r'class="pin">(\d{3}) (\d{3})<', made.text)[0])
    assert 'aria-label="QR code of the link"' in made.text
    assert (await office.browser.post(link, data={"pin": pin})).status_code == 200
    page = await office.page()
    assert "<bdi>Terrace</bdi>" in page
    assert pin not in page
    assert link not in page


async def test_a_scanner_that_sells_has_its_cash_box_on_the_page(office: Office) -> None:
    fields = {"gate": "Kiosk", "role": "staff", "list": "", "sells": "yes"}
    made = await office.browser.post(f"{PAGE}/scanners", data=fields)
    link = re.findall(r'<a href="http://localhost:3000/door/[^/]+/([^"]+)"', made.text)[0]
    pin = "".join(re.findall(r'class="pin">(\d{3}) (\d{3})<', made.text)[0])
    async with office.box.db.transaction() as connection:
        paired = await pair(connection, office.box.settings.secret_key, SLUG, link, pin, None)
        assert "Sold at the door" not in await office.page()
        seller = await lock_seller(connection, SLUG, cast("Any", paired).token)
        await open_cash_box(connection, seller, 20_000)
        await close_cash_box(connection, seller, 19_950)
    page = await office.page()
    assert "staff, sells, list" in page
    boxes = page[page.index("Sold at the door") : page.index('id="scanners"')]
    assert "<bdi>Kiosk</bdi>" in boxes
    for words in ("Should be in the box</th><td>€200.00", "<td>€199.50", "<strong>-€0.50"):
        assert words in boxes.replace("\u2212", "-"), boxes


NIGHTS_WORK = (
    (timedelta(), "A note was <b>overlooked</b>"),
    (timedelta(minutes=25), "Counted without the coins, and two notes of 50 lay under the tray of the till"),
)


async def counted_wrongly(office: Office) -> None:
    """The main door's cash box, of 200 euros, was counted wrongly twice, was opened again each time, and is closed."""
    token = next(iter(office.tokens.values()))
    await office.value("UPDATE device SET sells = true")
    opened = await office.value("SELECT clock()")
    async with office.box.db.transaction() as connection:
        await open_cash_box(connection, await lock_seller(connection, SLUG, token), 20_000)
    for counted, (later, reason) in zip((2_150, 1_234_567), NIGHTS_WORK, strict=True):
        office.box.db.moved_clock = opened + later
        async with office.box.db.transaction() as connection:
            seller = await lock_seller(connection, SLUG, token)
            await close_cash_box(connection, seller, counted)
        office.box.db.moved_clock = opened + later + timedelta(minutes=10)
        async with office.box.db.transaction() as connection:
            assert await open_again(connection, seller.event_id, seller.id, reason)
    async with office.box.db.transaction() as connection:
        await close_cash_box(connection, await lock_seller(connection, SLUG, token), 20_000)
    office.box.db.moved_clock = None


async def test_each_count_that_was_taken_back_stays_on_the_page(office: Office) -> None:
    assert "taken back" not in await office.page()
    await counted_wrongly(office)
    page = await office.page()
    box = page[page.index('id="cash-boxes"') : page.index('id="scanners"')]
    assert "Counted before, and taken back" in box
    assert "A note was &lt;b&gt;overlooked&lt;/b&gt;" in box
    counts = [" ".join(re.sub(r"<[^>]+>", " ", one).split()) for one in box.split("<tbody>")[-len(NIGHTS_WORK) :]]
    times = """SELECT array_agg(ARRAY[to_char(closed_at AT TIME ZONE 'Europe/Berlin', 'FMDD Mon, HH24:MI'),
      to_char(undone_at AT TIME ZONE 'Europe/Berlin', 'FMDD Mon, HH24:MI')] ORDER BY closed_at) FROM cash_up_undone"""
    told = zip(("€21.50", "€12,345.67"), NIGHTS_WORK, await office.value(times), strict=True)
    for count, (counted, (_, reason), (closed, undone)) in zip(counts, told, strict=True):
        words = f"Counted {closed} Taken back {undone} : {escape(reason)}"
        assert count.startswith(f"{words} {counted} Should have been in the box €200.00")
    assert "<strong>€0.00</strong>" in box


@pytest.mark.parametrize(("name", "value"), [("gate", ""), ("gate", "x" * 41), ("gate", "a\tb"), ("role", "owner")])
async def test_a_wrong_field_is_said_there_and_makes_nothing(office: Office, name: str, value: str) -> None:
    fields = {"gate": "Side", "role": "staff", "list": ""} | {name: value}
    answer = await office.browser.post(f"{PAGE}/scanners", data=fields)
    assert answer.status_code == 422
    assert f'id="{name}-wrong"' in answer.text
    assert (await changes(office))[0] == 1


async def test_a_locked_link_is_unlocked_and_a_scanner_is_taken_out(office: Office) -> None:
    device = next(iter(office.tokens))
    await office.value("UPDATE device SET wrong_pins = 5")
    assert "Locked" in await office.page()
    for verb, words in (("unlock", "can be tried again"), ("revoke", "The scanner is out of service")):
        answer = await office.send("POST", f"{PAGE}/scanners/{device}/{verb}")
        assert answer.status_code == 303
        assert words in await office.page(answer.headers["location"].partition("#")[0])
    page = await office.page()
    assert "1 out of service" in page
    assert "Locked" not in page
    headers = {"Authorization": f"Bearer {office.tokens[device]}"}
    answer = await office.browser.get(f"/api/v1/events/{SLUG}/door", headers=headers)
    assert answer.json()["type"].endswith("device_revoked")


async def test_guest_lists_say_who_came_and_a_new_link_ends_the_old(office: Office) -> None:
    async def link() -> str:
        return re.findall(r'<a href="http://localhost:3000(/guests/[^"]+)"', await office.page())[0]

    old = await link()
    key = re.findall(r'name="key" value="([^"]+)"', (await office.browser.get(old)).text)[0]
    guest = {"key": key, "name": "Béla Fekete", "plus_ones": "1", "email": ""}
    assert (await office.browser.post(old, data=guest)).status_code == 303
    code = await office.value("SELECT ticket.code FROM ticket JOIN guest USING (event_id, order_id) ORDER BY number")
    await office.scan(next(iter(office.tokens)), code)
    page = await office.page()
    assert "1 of 2 came" in page
    assert '2 <span class="soft">of 6</span>' in page
    guest_list = await office.value("SELECT id FROM guest_list ORDER BY plus_ones_max DESC")
    await office.send("POST", f"{PAGE}/lists/{guest_list}/link")
    assert (await office.browser.get(old)).status_code == 404
    assert (await office.browser.get(await link())).status_code == 200


async def test_staff_at_the_door_see_no_links_and_take_no_file(office: Office) -> None:
    await office.enter(GATE)
    page = await office.page()
    assert "Guest lists" in page
    assert "/guests/" not in page
    assert "entries.csv" not in page


async def test_entries_as_a_file_calculate_nothing(office: Office) -> None:
    main = next(iter(office.tokens))
    for ticket in office.tickets[:2]:
        await office.scan(main, ticket.code)
    answer = await office.browser.get(f"{PAGE}/entries.csv")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"] == f'attachment; filename="{SLUG}-entries.csv"'
    assert answer.headers["cache-control"] == "no-store"
    rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert [row["holder"] for row in rows] == ["Ada Lark", "'=HYPERLINK(1)"]
    assert [row["ticket"] for row in rows] == [ticket.code for ticket in office.tickets[:2]]
    assert rows[0]["gate"] == "Main door"
    assert "mara@example.org" not in answer.text


async def test_after_the_night_those_who_did_not_come_are_no_shows(office: Office) -> None:
    await office.scan(next(iter(office.tokens)), office.tickets[0].code)
    await office.value("UPDATE event SET starts_at = clock() - interval '2 h', doors_at = clock() - interval '3 h', "
        "ends_at = clock() - interval '1 h'")  # fmt: skip
    page = await office.page()
    assert "<strong>1</strong> <span>came" in page
    assert figures(page) == {"Came in": "1", "Out now": "0", "No-shows": "3"}


async def test_a_scanner_gets_its_list_by_name_the_main_doors_unless_chosen(office: Office) -> None:
    lists = (
        '[[night.entry_list]]\nname = "Main room"\n[[night.entry_list]]\nname = "Backstage"\nticket_types = ["Crew"]\n'
    )
    await load(office.box.db, LONG_NIGHT + LISTS + lists)
    shown = re.findall(r"<option[^>]*>([^<]*)</option>", (await office.page()).split('<select id="list"')[1])
    assert shown[:3] == ["Door", "Main room", "Backstage"]
    await office.send("POST", f"{PAGE}/scanners", {"gate": "Yard", "role": "staff", "list": shown[1], "sells": ""})
    assert re.search(r"Yard</bdi>.*?list <bdi>Main room</bdi>", await office.page(), re.DOTALL)
