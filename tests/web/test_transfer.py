"""A ticket is sent on: by pages and mails, and what the door says to the old code."""

import re
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any, cast
from uuid import UUID, uuid4

import pytest
from httpx import ASGITransport, AsyncClient

from boxoffice.accounts.login import MEET
from boxoffice.accounts.sessions import open_session
from boxoffice.app import create_app
from boxoffice.box import BoxOffice
from boxoffice.door.device import make_link, pair
from boxoffice.door.entry_list import list_named, open_now
from boxoffice.foundation.ids import new_id
from boxoffice.foundation.written import write_code
from boxoffice.orders.decide_refund import Wish, decide_refund
from boxoffice.orders.mail_again import mail_tickets_again
from boxoffice.orders.order import OrderView
from boxoffice.reports.audit import audit
from boxoffice.support.find import find
from boxoffice.support.story import read_story
from boxoffice.support.tell import tell
from boxoffice.tickets.code import ticket_payload
from boxoffice.tickets.end_transfers import expire_offers
from boxoffice.worker.tick import run_jobs
from tests.web.cast import ENTRY_ENDS, MARA, PAYMENT, again, key_of, paid
from tests.web.conftest import BROWSER

ADA = "ada@example.org"
SLUG = "tiefdruck-eins"


async def execute(box: BoxOffice, sql: str, *values: Any) -> None:
    async with box.db.transaction() as connection:
        await connection.execute(sql, *values)


async def value(box: BoxOffice, sql: str, *values: Any) -> Any:
    async with box.db.transaction() as connection:
        return await connection.fetchval(sql, *values)


async def sound(box: BoxOffice) -> None:
    """The audit finds nothing that concerns tickets and who holds them."""
    names = ("one holder", "old codes are dead", "offers are of good tickets", "offers end")
    async with box.db.transaction(snapshot=True) as connection:
        found = await audit(connection)
    assert {one.name: wrong for one, wrong in found.items() if one.name in names} == {name: [] for name in names}


async def mails_to(box: BoxOffice, email: str) -> list[str]:
    """Texts of the mails that somebody got, oldest first."""
    while await run_jobs(box):
        pass
    async with box.db.transaction() as connection:
        rows = await connection.fetch(
            "SELECT subject, text FROM mailbox_message WHERE recipient = $1 ORDER BY created_at, id", email
        )
    return [f"{row['subject']}\n{row['text']}" for row in rows]


@asynccontextmanager
async def another_browser(box: BoxOffice, person: str = "") -> AsyncGenerator[AsyncClient]:
    """Somebody else, signed in when an address is given."""
    transport = ASGITransport(app=cast("Any", create_app(box)), raise_app_exceptions=False)
    async with AsyncClient(transport=transport, base_url="http://localhost:3000", headers=BROWSER) as http:
        if person:
            async with box.db.transaction() as connection:
                met = await MEET.first(connection, new_id(), person)
                assert met is not None
                http.cookies.set("session", await open_session(connection, met.id))
        yield http


async def bought(browser: AsyncClient, box: BoxOffice, **how: Any) -> OrderView:
    """Mara's order, seen by this browser."""
    view = await paid(box, quantity=1, **how)
    browser.cookies.update(key_of(box, view))
    return view


async def send(browser: AsyncClient, code: str, email: str = ADA, name: str = "Ada Example") -> Any:
    return await browser.post(f"/tickets/{code}/send", data={"name": name, "email": email})


async def offered(browser: AsyncClient, box: BoxOffice, code: str, email: str = ADA, name: str = "Ada Example") -> str:
    """The address in the receiver's mail."""
    answer = await send(browser, code, email, name)
    assert answer.status_code == 303, answer.text
    return await offered_link(box, email)


async def offered_link(box: BoxOffice, email: str) -> str:
    return re.findall(r"http://localhost:3000(/tickets/offers/\S+)", " ".join(await mails_to(box, email)))[-1]


async def accept(browser: AsyncClient, link: str) -> Any:
    path, _, token = link.partition("?t=")
    return await browser.post(path, data={"t": token})


async def taken(browser: AsyncClient, box: BoxOffice, code: str, taker: AsyncClient, email: str = ADA) -> str:
    """The ticket's new code."""
    link = await offered(browser, box, code, email)
    answer = await accept(taker, link)
    assert answer.status_code == 303, answer.text
    await sound(box)
    return str(await value(box, "SELECT code FROM ticket WHERE holder_email = $1", email))


class Door:
    """A scanner at the night's door, which is open."""

    def __init__(self, browser: AsyncClient, device: str, token: str) -> None:
        self._browser, self._device, self._headers = browser, device, {"Authorization": f"Bearer {token}"}

    async def scan(self, read: str, **more: Any) -> Any:
        body = {"device": self._device, "nonce": f"nonce-{uuid4()}", "scanned_at": datetime.now(UTC).isoformat()}
        body |= {"payload" if len(read) > 20 else "code": read} | more
        answer = await self._browser.post(f"/api/v1/events/{SLUG}/scans", json=body, headers=self._headers)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def sync(self, since: str = "") -> Any:
        params = {"since": since} if since else {}
        return (await self._browser.get(f"/api/v1/events/{SLUG}/door", params=params, headers=self._headers)).json()


async def open_door(browser: AsyncClient, box: BoxOffice, role: str = "staff") -> Door:
    async with box.db.transaction() as connection:
        event_id = UUID(str(await connection.fetchval("SELECT id FROM event WHERE slug = $1", SLUG)))
        await list_named(connection, event_id)
        await open_now(connection, event_id)
        link = await make_link(connection, box.settings.secret_key, event_id, "Main door", role=role)
        paired = await pair(connection, box.settings.secret_key, SLUG, link.link, link.pin, None)
    return Door(browser, str(link.device_id), cast("Any", paired).token)


async def payload(box: BoxOffice, view: OrderView) -> str:
    ticket_id, event_id = view.tickets[0].id, view.order.event_id
    revision = await value(box, "SELECT revision FROM ticket WHERE id = $1", ticket_id)
    async with box.db.transaction() as connection:
        return await ticket_payload(connection, box.settings.secret_key, event_id, ticket_id, revision)


async def test_a_ticket_goes_from_one_holder_to_the_next(browser: AsyncClient, box: BoxOffice) -> None:
    view = await bought(browser, box, names=("Mara Example",))
    code = view.tickets[0].code
    link = await offered(browser, box, code)
    (mail,) = await mails_to(box, ADA)
    for words in ("A ticket for you: Tiefdruck Eins", "Mara Example", MARA, "Keller Drei", "Take it until"):
        assert words in mail
    assert code not in mail
    assert "Offered to" in (await browser.get(f"/tickets/{code}")).text
    async with another_browser(box) as ada:
        for _ in range(2):  # mail scanners open links too
            page = await ada.get(link)
            assert (page.status_code, "set-cookie" in page.headers) == (200, False)
            assert "Take the ticket" in page.text
        assert await value(box, "SELECT code FROM ticket") == code
        answer = await accept(ada, link)
        assert answer.status_code == 303
        page = await ada.get(answer.headers["location"])
        for words in ("Ada Example", 'class="qr"', "Valid", "when it was sent to you"):
            assert words in page.text
        for words in ("See the order", view.order.code, write_code(code)):
            assert words not in page.text
        new = str(await value(box, "SELECT code FROM ticket"))
        assert new != code
        assert (await ada.get(f"/tickets/{new}/calendar.ics")).status_code == 200
        assert view.order.code not in (await ada.get(f"/tickets/{new}/calendar.ics")).text
        assert (await ada.get(f"/orders/{view.order.code}")).status_code == 404
    told = (await mails_to(box, MARA))[-1]
    assert "Ada Example (ada@example.org)\ntook your ticket" in told
    assert new not in told
    assert write_code(new) in (await mails_to(box, ADA))[-1]
    await sound(box)


@pytest.mark.parametrize("ends", ENTRY_ENDS)
async def test_every_mail_of_a_table_says_for_how_many_and_until_when(
    browser: AsyncClient, box: BoxOffice, ends: str
) -> None:
    view = await bought(browser, box)
    await execute(box, "UPDATE ticket_type SET admits = 6")
    await execute(box, ENTRY_ENDS[ends])
    rule = "For 6 people, entry until 00:30"
    async with box.db.transaction() as connection:
        await mail_tickets_again(connection, view)
    assert [rule in mail for mail in await mails_to(box, MARA)] == [True]
    async with another_browser(box) as ada:
        link = await offered(browser, box, view.tickets[0].code)
        assert f"{rule}." in (await ada.get(link)).text
        await accept(ada, link)
    offer, yours = await mails_to(box, ADA)
    assert f"Entry: {rule}" in offer
    assert f"Entry, Ada Example\n  {rule}\n" in yours


async def test_whoever_sent_it_sees_to_whom_and_no_code(browser: AsyncClient, box: BoxOffice) -> None:
    view = await bought(browser, box)
    code = view.tickets[0].code
    async with another_browser(box) as ada, another_browser(box, MARA) as mara:
        new = await taken(browser, box, code, ada)
        for address in (f"/tickets/{code}", f"/orders/{view.order.code}", "/tickets"):
            page = (await mara.get(address)).text
            assert "Ada Example" in page
            for part in (new, new[4:8]):
                assert part not in page
            assert 'class="qr"' not in page
        assert "Sent to" in (await browser.get(f"/orders/{view.order.code}")).text
        assert (await browser.get(f"/tickets/{new}")).status_code == 404
        assert (await ada.get(f"/tickets/{code}")).status_code == 404
        paper = (await browser.get(f"/orders/{view.order.code}/print")).text
        assert 'class="qr"' not in paper
        assert (await browser.get(f"/orders/{view.order.code}/tickets.pdf")).status_code == 404


async def test_the_new_holder_finds_it_in_my_tickets(browser: AsyncClient, box: BoxOffice) -> None:
    view = await bought(browser, box)
    async with another_browser(box, ADA) as ada:
        link = await offered(browser, box, view.tickets[0].code)
        page = (await ada.get("/tickets")).text
        assert "For you" in page
        assert link.partition("?")[0] in page
        assert (await ada.get(link.partition("?")[0])).status_code == 200
        assert (await ada.post(link.partition("?")[0], data={"t": ""})).status_code == 303
        page = (await ada.get("/tickets")).text
        assert "Coming up" in page
        assert "yours since" in page
        new = await value(box, "SELECT code FROM ticket")
        answer = await send(ada, new, MARA, "Mara again")
        assert answer.status_code == 303
    async with another_browser(box, MARA) as mara:
        back = await offered_link(box, MARA)
        assert (await accept(mara, back)).status_code == 303
        assert "Sent on" not in (await mara.get("/tickets")).text
        newest = await value(box, "SELECT code FROM ticket")
        assert (await browser.get(f"/tickets/{newest}")).status_code == 200
        assert "See the order" in (await mara.get(f"/tickets/{newest}")).text
    await sound(box)


async def test_the_mail_to_the_new_holder_opens_the_ticket_anywhere(browser: AsyncClient, box: BoxOffice) -> None:
    view = await bought(browser, box)
    async with another_browser(box) as ada:
        await taken(browser, box, view.tickets[0].code, ada)
    link = re.findall(r"http://localhost:3000(/tickets/\S+\?t=\S+)", (await mails_to(box, ADA))[-1])[0]
    async with another_browser(box) as phone:
        assert (await phone.get(link[:-2] + "xx")).status_code == 404
        answer = await phone.get(link)
        assert (answer.status_code, "?" in answer.headers["location"]) == (303, False)
        assert 'class="qr"' in (await phone.get(answer.headers["location"])).text


async def test_at_the_door_the_old_code_is_dead_at_once(browser: AsyncClient, box: BoxOffice) -> None:
    view = await bought(browser, box)
    code, old = view.tickets[0].code, await payload(box, view)
    door = await open_door(browser, box, role="supervisor")
    before = await door.sync()
    async with another_browser(box) as ada:
        new = await taken(browser, box, code, ada)
    for read in (code, old):
        told = await door.scan(read)
        assert (told["answer"], told["because"], told["ticket"]) == ("cancelled", "sent_on", None)
    (ticket,) = (await door.sync(before["cursor"]))["tickets"]
    assert (ticket["code"], ticket["old_codes"], ticket["status"], ticket["revision"]) == (new, [code], "good", 1)
    assert ticket["holder"] == "Ada Example"
    late = await door.scan(old, answered="admitted")
    assert (late["answer"], late["objection"]) == ("admitted", "cancelled")
    assert (await door.scan(await payload(box, view)))["answer"] == "already_used"


async def test_the_new_code_opens_the_door(browser: AsyncClient, box: BoxOffice) -> None:
    view = await bought(browser, box)
    door = await open_door(browser, box)
    async with another_browser(box) as ada:
        new = await taken(browser, box, view.tickets[0].code, ada)
        told = await door.scan(new)
        assert (told["answer"], told["ticket"]["holder"]) == ("admitted", "Ada Example")
        assert "Used" in (await ada.get(f"/tickets/{new}")).text
        assert "come in with this ticket" in (await send(ada, new, "bea@example.org", "Bea")).text


async def test_an_offer_is_taken_back(browser: AsyncClient, box: BoxOffice) -> None:
    view = await bought(browser, box)
    code = view.tickets[0].code
    link = await offered(browser, box, code)
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    assert (await browser.post(f"/tickets/{code}/take-back", headers=form)).status_code == 303
    assert "took back the ticket" in (await mails_to(box, ADA))[-1]
    async with another_browser(box) as ada:
        answer = await accept(ada, link)
        assert answer.status_code == 410
        assert "took it back" in answer.text
        assert (await ada.get(link)).status_code == 410
    assert (await browser.post(f"/tickets/{code}/take-back", headers=form)).status_code == 409
    assert await value(box, "SELECT code FROM ticket") == code
    await offered(browser, box, code)


async def decline(browser: AsyncClient, link: str) -> Any:
    path, _, token = link.partition("?t=")
    return await browser.post(f"{path}/decline", data={"t": token})


async def test_an_offer_is_declined_and_the_ticket_stays_where_it_was(browser: AsyncClient, box: BoxOffice) -> None:
    view = await bought(browser, box)
    code = view.tickets[0].code
    link = await offered(browser, box, code)
    async with another_browser(box) as ada:
        assert f'action="{link.partition("?")[0]}/decline"' in (await ada.get(link)).text
        first, second = await decline(ada, link), await decline(ada, link)
        assert first.status_code == second.status_code == 303
        assert first.headers["location"] == link
        for again_asked in (await ada.get(link), await accept(ada, link)):
            assert again_asked.status_code == 410
            assert "You declined this ticket" in again_asked.text
    told = [mail for mail in await mails_to(box, MARA) if mail.startswith("Declined")]
    assert len(told) == 1
    assert "declined your ticket. It is yours as before" in " ".join(told[0].split())
    assert await value(box, "SELECT code || status FROM ticket") == f"{code}active"
    async with box.db.transaction(snapshot=True) as connection:
        story = await read_story(connection, view.order.code)
    assert "declined; it stayed with its holder" in " ".join(tell(story).split())
    await sound(box)
    await offered(browser, box, code, "bea@example.org", "Bea")


async def test_a_ticket_that_was_taken_is_not_declined_afterwards(browser: AsyncClient, box: BoxOffice) -> None:
    view = await bought(browser, box)
    link = await offered(browser, box, view.tickets[0].code)
    async with another_browser(box) as ada:
        taken_at = (await accept(ada, link)).headers["location"]
        assert (await decline(ada, link)).headers["location"] == taken_at
    assert await value(box, "SELECT status FROM ticket_transfer") == "accepted"


async def test_an_offer_that_was_taken_back_is_not_declined(browser: AsyncClient, box: BoxOffice) -> None:
    view = await bought(browser, box)
    code = view.tickets[0].code
    link = await offered(browser, box, code)
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    await browser.post(f"/tickets/{code}/take-back", headers=form)
    async with another_browser(box) as ada:
        answer = await decline(ada, link)
    assert (answer.status_code, "took it back" in answer.text) == (410, True)
    assert await value(box, "SELECT status FROM ticket_transfer") == "taken_back"


async def test_a_second_offer_replaces_none(browser: AsyncClient, box: BoxOffice) -> None:
    view = await bought(browser, box)
    await offered(browser, box, view.tickets[0].code)
    answer = await send(browser, view.tickets[0].code, "bea@example.org", "Bea")
    assert answer.status_code == 409
    assert "offered to somebody already" in answer.text
    assert await value(box, "SELECT count(*) FROM ticket_transfer") == 1


async def test_accepting_twice_is_once(browser: AsyncClient, box: BoxOffice) -> None:
    view = await bought(browser, box)
    link = await offered(browser, box, view.tickets[0].code)
    async with another_browser(box) as ada:
        first, second = await accept(ada, link), await accept(ada, link)
        assert first.status_code == second.status_code == 303
        assert first.headers["location"] == second.headers["location"]
        assert (await ada.get(link)).headers["location"] == first.headers["location"]
    assert await value(box, "SELECT revision FROM ticket") == 1


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("UPDATE ticket SET status = 'used', used_at = clock()", "come in with this ticket"),
        ("UPDATE ticket SET status = 'refunded'", "no longer opens the door"),
        ("UPDATE ticket SET status = 'cancelled'", "no longer opens the door"),
        ("UPDATE ticket SET blocked_reason = 'disputed'", "held back"),
        ("UPDATE event SET transfers = false", "lets nobody send"),
        ("UPDATE event SET transfer_until = clock() - interval '1 minute'", "could be sent on until"),
        ("UPDATE event SET status = 'cancelled'", "The night is cancelled"),
    ],
)
async def test_what_cannot_be_sent_or_taken_says_why(
    browser: AsyncClient, box: BoxOffice, change: str, words: str
) -> None:
    view = await bought(browser, box)
    code = view.tickets[0].code
    link = await offered(browser, box, code)
    await execute(box, change)
    async with another_browser(box) as ada:
        answer = await accept(ada, link)
        assert answer.status_code in (409, 410)
    await execute(box, "UPDATE ticket_transfer SET status = 'taken_back', ended_at = clock()")
    answer = await send(browser, code)
    assert answer.status_code == 409
    assert words in answer.text
    assert words in (await browser.get(f"/tickets/{code}/send")).text
    assert "Send it on" not in (await browser.get(f"/tickets/{code}")).text
    assert await value(box, "SELECT count(*) FROM ticket WHERE holder_email IS NOT NULL") == 0


async def test_a_refund_ends_an_offer_and_tells_who_was_offered(browser: AsyncClient, box: BoxOffice) -> None:
    view = await with_money(box, await bought(browser, box))
    link = await offered(browser, box, view.tickets[0].code)
    await box.db.attempt(decide_refund, view.order.code, Wish())
    assert "There is nothing to take any more" in (await mails_to(box, ADA))[-1]
    async with another_browser(box) as ada:
        assert (await accept(ada, link)).status_code == 410
    await sound(box)


async def test_a_refund_of_a_sent_ticket_pays_the_buyer_and_tells_the_holder(
    browser: AsyncClient, box: BoxOffice
) -> None:
    view = await with_money(box, await bought(browser, box))
    code = view.tickets[0].code
    async with another_browser(box) as ada:
        new = await taken(browser, box, code, ada)
        await box.db.attempt(decide_refund, view.order.code, Wish(tickets=(new,)))
        assert "goes back to whoever bought it" in " ".join((await mails_to(box, ADA))[-1].split())
        assert "Refunded" in (await ada.get(f"/tickets/{new}")).text
    assert await value(box, "SELECT count(*) FROM refund") == 1
    told = (await mails_to(box, MARA))[-1]
    assert write_code(code) in told
    assert new[4:8] not in told
    await sound(box)


async def with_money(box: BoxOffice, view: OrderView) -> OrderView:
    await execute(box, PAYMENT, view.order.id, f"pi_{view.order.code[:-1]}", "kept")
    return await again(box, view)


async def test_nobody_took_it_in_time(browser: AsyncClient, box: BoxOffice) -> None:
    view = await bought(browser, box)
    link = await offered(browser, box, view.tickets[0].code)
    await execute(box, "UPDATE event SET transfer_until = clock() - interval '1 minute'")
    async with box.db.transaction() as connection:
        assert await expire_offers(connection) == 1
        assert await expire_offers(connection) == 0
    assert "did not take your ticket in time" in (await mails_to(box, MARA))[-1]
    async with another_browser(box) as ada:
        answer = await accept(ada, link)
        assert (answer.status_code, "time to take this ticket is over" in answer.text) == (410, True)
    await sound(box)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"email": "", "name": "Ada"}, "Enter an e-mail address"),
        ({"email": "ada@", "name": "Ada"}, "This is no e-mail address"),
        ({"email": ADA, "name": ""}, "Enter a name"),
        ({"email": ADA, "name": "x" * 101}, "at most 100"),
        ({"email": MARA.upper(), "name": "Mara"}, "already"),
    ],
)
async def test_what_is_wrong_with_a_field_stands_at_it(
    browser: AsyncClient, box: BoxOffice, fields: dict[str, str], words: str
) -> None:
    view = await bought(browser, box)
    answer = await browser.post(f"/tickets/{view.tickets[0].code}/send", data=fields)
    assert answer.status_code == 422
    assert words in answer.text
    assert await value(box, "SELECT count(*) FROM ticket_transfer") == 0


async def test_strangers_can_neither_send_nor_take(browser: AsyncClient, box: BoxOffice) -> None:
    view = await bought(browser, box)
    code = view.tickets[0].code
    link = await offered(browser, box, code)
    path, _, token = link.partition("?t=")
    async with another_browser(box, "eve@example.org") as eve:
        assert (await send(eve, code)).status_code == 404
        assert (await eve.get(f"/tickets/{code}/send")).status_code == 404
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        assert (await eve.post(f"/tickets/{code}/take-back", headers=form)).status_code == 404
        for wrong in ("", "x", token[:-2] + "xx", "é"):
            assert (await eve.post(path, data={"t": wrong})).status_code == 404
            assert (await eve.post(f"{path}/decline", data={"t": wrong})).status_code == 404
        assert (await eve.get(f"/tickets/offers/{uuid4()}/{uuid4()}?t={token}")).status_code == 404
    assert await value(box, "SELECT status FROM ticket_transfer") == "offered"


async def test_offers_are_limited(browser: AsyncClient, box: BoxOffice) -> None:
    view = await bought(browser, box)
    code = view.tickets[0].code
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    for number in range(5):
        assert (await send(browser, code, f"friend{number}@example.org")).status_code == 303
        await browser.post(f"/tickets/{code}/take-back", headers=form)
    answer = await send(browser, code)
    assert answer.status_code == 429
    assert int(answer.headers["retry-after"]) > 0
    assert await value(box, "SELECT count(*) FROM ticket_transfer WHERE status = 'offered'") == 0


async def test_the_story_of_an_order_tells_where_its_ticket_went(browser: AsyncClient, box: BoxOffice) -> None:
    view = await bought(browser, box)
    code = view.tickets[0].code
    async with another_browser(box) as ada:
        new = await taken(browser, box, code, ada)
    await mails_to(box, ADA)
    for what in (code, new, ADA):
        async with box.db.transaction() as connection:
            found = await find(connection, what)
            told = tell(await read_story(connection, found.orders[0].code))
        for words in (f"offered by {MARA} to Ada Example, {ADA}", "taken; it has a new code", "who was sent it"):
            assert words in told
        assert told.count("mail about a ticket sent on: sent") == 3
