"""My Tickets: signing in by mail, and what a signed-in person holds."""

import re
from typing import Any, cast

import pytest
from httpx import ASGITransport, AsyncClient, Response

from boxoffice.app import create_app
from boxoffice.box import BoxOffice
from boxoffice.door.entry_list import list_named
from boxoffice.tickets.code import read_payload, ticket_payload
from tests.web.cast import MARA, NAMES, key_of, paid, refunded
from tests.web.conftest import BROWSER


async def mails(box: BoxOffice) -> list[str]:
    async with box.db.transaction() as connection:
        return [row["text"] for row in await connection.fetch("SELECT text FROM mailbox_message ORDER BY created_at")]


async def ask(browser: AsyncClient, email: str = MARA) -> Response:
    return await browser.post("/tickets/login", data={"email": email})


def code_in(mail: str) -> str:
    return re.findall(r"^\s+(\d{8})\s*$", mail, re.MULTILINE)[0]


def link_in(mail: str) -> str:
    return re.findall(r"/tickets/link\?s=\S+", mail)[0]


async def signed_in(browser: AsyncClient, box: BoxOffice, email: str = MARA) -> None:
    await ask(browser, email)
    answer = await browser.post("/tickets/code", data={"email": email, "code": code_in((await mails(box))[-1])})
    assert answer.status_code == 303


async def test_who_is_not_signed_in_is_asked_to(browser: AsyncClient) -> None:
    page = await browser.get("/tickets")
    assert page.status_code == 200
    assert 'action="/tickets/login"' in page.text
    assert page.headers["cache-control"] == "no-store"


async def test_signing_in_by_code(browser: AsyncClient, box: BoxOffice) -> None:
    await paid(box, names=NAMES)
    asked = await ask(browser, "  MARA@example.org ")
    assert asked.status_code == 200
    assert "HttpOnly" in asked.headers["set-cookie"]
    wrong = await browser.post("/tickets/code", data={"email": MARA, "code": "12"})
    assert wrong.status_code == 422
    assert 'id="code-wrong"' in wrong.text
    answer = await browser.post("/tickets/code", data={"email": MARA, "code": code_in((await mails(box))[0])})
    assert answer.status_code == 303
    assert "session=" in answer.headers["set-cookie"]
    page = (await browser.get("/tickets")).text
    for words in ("Coming up", "Tiefdruck Eins", "Entry", "نور الهدى", "valid", "bought"):
        assert words in page


async def test_known_and_unknown_addresses_get_the_same_page(browser: AsyncClient, box: BoxOffice) -> None:
    await paid(box)
    known, unknown = await ask(browser), await ask(browser, "nobody@example.org")
    assert known.status_code == unknown.status_code == 200
    assert known.text.replace(MARA, "") == unknown.text.replace("nobody@example.org", "")
    assert len(await mails(box)) == 2


async def test_an_address_that_is_none_is_said_at_the_field(browser: AsyncClient, box: BoxOffice) -> None:
    answer = await ask(browser, "mara")
    assert answer.status_code == 422
    assert 'value="mara"' in answer.text
    assert await mails(box) == []


async def test_too_many_mails_say_when_to_ask_again(browser: AsyncClient, box: BoxOffice) -> None:
    answers = [await ask(browser) for _ in range(6)]
    assert [answer.status_code for answer in answers] == [200] * 5 + [429]
    assert int(answers[-1].headers["retry-after"]) > 0


async def test_opening_the_mailed_link_signs_nobody_in(browser: AsyncClient, box: BoxOffice) -> None:
    await ask(browser)
    link = link_in((await mails(box))[0])
    for _ in range(2):
        page = await browser.get(link)
        assert "set-cookie" not in page.headers
        assert '<form method="post" action="/tickets/link">' in page.text
    secret = link.partition("=")[2]
    answer = await browser.post("/tickets/link", data={"s": secret})
    assert answer.status_code == 303
    assert "Signed in as" in (await browser.get("/tickets")).text
    again = await browser.post("/tickets/link", data={"s": secret})
    assert again.status_code in (410, 422)
    assert "Not signed in" in again.text


async def test_a_link_that_is_not_ours_says_so(browser: AsyncClient) -> None:
    answer = await browser.get("/tickets/link?s=nonsense")
    assert answer.status_code == 422
    assert "This link is not one of ours" in answer.text


async def test_in_another_browser_the_link_explains_itself(browser: AsyncClient, box: BoxOffice) -> None:
    await ask(browser)
    link = link_in((await mails(box))[0])
    transport = ASGITransport(app=cast("Any", create_app(box)))
    async with AsyncClient(transport=transport, base_url="http://localhost:3000", headers=BROWSER) as other:
        assert "Another browser asked" in (await other.get(link)).text
        refused = await other.post("/tickets/link", data={"s": link.partition("=")[2]})
        assert refused.status_code == 422
        assert "Signed in as" not in (await other.get("/tickets")).text


async def test_signing_out_ends_the_session_and_what_the_browser_kept(browser: AsyncClient, box: BoxOffice) -> None:
    await signed_in(browser, box)
    session = browser.cookies["session"]
    answer = await browser.post("/tickets/sign-out", headers={"Content-Type": "application/x-www-form-urlencoded"})
    assert answer.status_code == 303
    assert '"storage"' in answer.headers["clear-site-data"]
    browser.cookies.set("session", session)
    assert "Signed in as" not in (await browser.get("/tickets")).text


@pytest.mark.parametrize("path", ["/tickets/login", "/tickets/code", "/tickets/sign-out"])
async def test_loading_a_forms_address_again_leads_back(browser: AsyncClient, path: str) -> None:
    answer = await browser.get(path)
    assert (answer.status_code, answer.headers["location"]) == (303, "/tickets")


async def test_past_nights_stand_apart(browser: AsyncClient, box: BoxOffice) -> None:
    await paid(box)
    async with box.db.transaction() as connection:
        await connection.execute(
            "UPDATE event SET doors_at = clock() - interval '3 days', starts_at = clock() - interval '3 days', "
            "ends_at = clock() - interval '2 days'"
        )
    await signed_in(browser, box)
    page = (await browser.get("/tickets")).text
    assert "Past nights" in page
    assert "Coming up" not in page


async def test_a_ticket_shows_a_code_that_the_door_can_check(browser: AsyncClient, box: BoxOffice) -> None:
    view = await paid(box, names=NAMES)
    browser.cookies.update(key_of(box, view))
    ticket = view.tickets[0]
    page = await browser.get(f"/tickets/{ticket.code}")
    assert page.status_code == 200
    assert page.headers["cache-control"] == "no-store"
    for words in ("Tiefdruck Eins", "Keller Drei", "Hafenweg 3", "نور الهدى", "18+", ticket.code[:4], 'class="qr"'):
        assert words in page.text
    async with box.db.transaction() as connection:
        text = await ticket_payload(
            connection, box.settings.secret_key, view.order.event_id, ticket.id, ticket.revision
        )
    assert read_payload(text) is not None
    assert text not in page.text


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("status = 'cancelled'", "does not open the door"),
        ("status = 'refunded'", "no longer opens the door"),
        ("blocked_reason = 'disputed'", "The payment is disputed"),
    ],
)
async def test_a_ticket_that_opens_nothing_shows_no_code(
    browser: AsyncClient, box: BoxOffice, change: str, words: str
) -> None:
    view = await paid(box)
    browser.cookies.update(key_of(box, view))
    async with box.db.transaction() as connection:
        await connection.execute(f"UPDATE ticket SET {change}")
    page = (await browser.get(f"/tickets/{view.tickets[0].code}")).text
    assert words in page
    assert 'class="qr"' not in page


async def test_a_used_ticket_says_when(browser: AsyncClient, box: BoxOffice) -> None:
    view = await paid(box)
    browser.cookies.update(key_of(box, view))
    async with box.db.transaction() as connection:
        await connection.execute("UPDATE ticket SET status = 'used', used_at = clock()")
    assert "Used " in (await browser.get(f"/tickets/{view.tickets[0].code}")).text


@pytest.mark.parametrize("re_entry", [True, False])
async def test_a_used_ticket_that_lets_people_come_back_keeps_its_code_large(
    browser: AsyncClient, box: BoxOffice, re_entry: bool
) -> None:
    view = await paid(box)
    browser.cookies.update(key_of(box, view))
    async with box.db.transaction() as connection:
        await list_named(connection, view.order.event_id)
        await connection.execute("UPDATE entry_list SET re_entry = $1", re_entry)
        await connection.execute("UPDATE ticket SET status = 'used', used_at = clock()")
    page = (await browser.get(f"/tickets/{view.tickets[0].code}")).text
    assert ("show this code again" in page, "is-used" in page) == (re_entry, not re_entry)


async def test_tickets_of_others_and_missing_ones_are_one_answer(browser: AsyncClient, box: BoxOffice) -> None:
    mine, foreign = await paid(box), await paid(box, email="otto@example.org")
    browser.cookies.update(key_of(box, mine))
    missing = await browser.get("/tickets/ABCD1234567X")
    for address in (foreign.tickets[0].code, f"{foreign.tickets[0].code}/calendar.ics"):
        answer = await browser.get(f"/tickets/{address}")
        assert answer.status_code == missing.status_code == 404
        assert answer.text == missing.text
    await signed_in(browser, box)
    assert (await browser.get(f"/tickets/{foreign.tickets[0].code}")).status_code == 404
    assert "Otto" not in (await browser.get("/tickets")).text


async def test_the_calendar_entry_has_place_and_time(browser: AsyncClient, box: BoxOffice) -> None:
    view = await paid(box)
    browser.cookies.update(key_of(box, view))
    entry = await browser.get(f"/tickets/{view.tickets[0].code}/calendar.ics")
    assert entry.headers["content-type"].startswith("text/calendar")
    assert f"DTSTART:{view.order.doors_at:%Y%m%dT%H%M%SZ}" in entry.text
    assert "Keller Drei" in entry.text


async def test_paper_shows_every_ticket_that_opens_the_door(browser: AsyncClient, box: BoxOffice) -> None:
    view = await paid(box, quantity=3)
    browser.cookies.update(key_of(box, view))
    async with box.db.transaction() as connection:
        await connection.execute("UPDATE ticket SET status = 'cancelled' WHERE id = $1", view.tickets[0].id)
    page = (await browser.get(f"/orders/{view.order.code}/print")).text
    assert page.count('class="qr"') == 2


async def test_refunded_tickets_say_so_in_my_tickets(browser: AsyncClient, box: BoxOffice) -> None:
    await refunded(box, late=False)
    await signed_in(browser, box)
    assert "refunded" in (await browser.get("/tickets")).text


async def test_an_open_page_learns_that_somebody_came_in_and_nobody_else_does(
    browser: AsyncClient, box: BoxOffice
) -> None:
    view = await paid(box, quantity=1)
    address = f"/tickets/{view.tickets[0].code}/state"
    assert (await browser.get(address)).status_code == 404
    await signed_in(browser, box)
    answer = await browser.get(address)
    assert answer.json() == {"state": "active"}
    assert answer.headers["cache-control"] == "no-store"
    for change, state in (
        ("UPDATE ticket SET status = 'used', used_at = clock()", "used"),
        ("UPDATE event SET status = 'cancelled'", "cancelled"),
    ):
        async with box.db.transaction() as connection:
            await connection.execute(change)
        assert (await browser.get(address)).json() == {"state": state}
        assert f'data-state="{state}"' in (await browser.get(address.removesuffix("/state"))).text
