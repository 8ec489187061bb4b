"""A guest list is filled in by its link: names, who comes along, what is left, and names taken off again."""

import asyncio
import re
from datetime import timedelta

import pytest

from boxoffice.foundation.rate_limit import Limit
from boxoffice.guests.guest_list import share_token
from boxoffice.orders.cancel_night import call_off, cancel_some, night_to_cancel
from boxoffice.orders.decide_refund import Wish, decide_refund
from boxoffice.orders.mail_again import NoTickets, mail_tickets_again
from boxoffice.orders.order import show_order
from boxoffice.orders.place import Line, OrderRefused, Placed, Request
from boxoffice.web.guests import guest_list
from tests.cli.test_commands import boxoffice
from tests.guests.conftest import CREW, FRIENDS, GUEST, WITH_LISTS, Lists
from tests.shop import SLUG


def said(html: str) -> str:
    """What a page says, without its tags."""
    return " ".join(re.sub(r"<[^>]+>", " ", html.split("<main", 1)[1]).split())


async def test_a_guest_with_an_address_gets_a_ticket_for_each_person_by_mail(lists: Lists) -> None:
    sent = await lists.send(name="  Anna   Blum ", plus_ones="2", email="Anna@Example.org")
    assert sent.status_code == 303
    page = said((await lists.browser.get(sent.headers["location"])).text)
    assert "Anna Blum +2 is on the list. The tickets go to anna@example.org ." in page
    assert "Places left 3 of 6" in page
    assert "Guest list of Lo Kontakt" in page
    assert "Entry is free until 00:30" in page
    await lists.work()
    mail = await lists.value("SELECT text FROM mailbox_message WHERE recipient = 'anna@example.org'")
    assert mail.count(f"{FRIENDS}, Anna Blum\n  Entry until 00:30\n\n") == 1
    assert mail.count(f"{FRIENDS}, With Anna Blum\n  Entry until 00:30\n\n") == 2
    assert await lists.value("SELECT array_agg(holder ORDER BY number) FROM ticket") == [
        "Anna Blum",
        *["With Anna Blum"] * 2,
    ]


async def test_a_guest_may_buy_as_many_tickets_as_anybody_else(lists: Lists) -> None:
    await lists.execute("UPDATE event SET quantity_max_per_person = 2")
    await lists.add("Anna Blum", 3, "anna@example.org")
    orders = (await lists.box.till.counter(SLUG)).orders
    entry = await lists.value("SELECT id FROM ticket_type WHERE name = 'Entry'")
    requests = [Request(f"key-{number:012}", "anna@example.org", (Line(entry, 1),)) for number in range(3)]
    answers = [await orders.submit(request) for request in requests]
    assert [type(answer) for answer in answers] == [Placed, Placed, OrderRefused]


async def test_without_an_address_the_name_is_enough(lists: Lists) -> None:
    code = await lists.add("Anna Blum", 1)
    await lists.work()
    assert await lists.value("SELECT count(*) FROM job") == 0
    lists.box.db.moved_clock = (await lists.one()).doors_at
    codes = await lists.codes(code)
    assert await lists.scans(*codes) == ["admitted", "admitted"]
    assert "Anna Blum +1 inside" in said(await lists.page())
    told = await asyncio.to_thread(boxoffice, "order", codes[0], DATABASE_URL=lists.box.settings.database_url)
    assert "no address; 2 tickets, free" in told.stdout
    assert "the guest's name is enough at the door" in told.stdout
    lists.box.db.moved_clock = None


async def test_the_same_form_sent_twice_is_one_guest(lists: Lists) -> None:
    key = await lists.key()
    first, second = [await lists.send(key=key) for _ in range(2)]
    assert (first.status_code, second.status_code) == (303, 303)
    assert first.headers["location"] == second.headers["location"]
    other = await lists.send(key=key, name="Somebody Else")
    assert other.status_code == 422
    assert "You sent this form before with something else in it" in said(other.text)
    assert key not in other.text
    assert await lists.value("SELECT count(*) FROM guest") == 1


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"name": ""}, "Enter a name."),
        ({"name": "\u202e\u2066"}, "Enter a name."),
        ({"name": "A" * 101}, "A name has at most 100 characters."),
        ({"name": "Anna\tBlum\x1b"}, "A name is one line without control characters"),
        ({"plus_ones": "1000"}, "A whole number from 0 to 3."),
        ({"plus_ones": "4"}, "A whole number from 0 to 3."),
        ({"plus_ones": "-1"}, "A whole number from 0 to 3."),
        ({"plus_ones": "+1"}, "A whole number from 0 to 3."),
        ({"plus_ones": "\u0662"}, "A whole number from 0 to 3."),
        ({"plus_ones": "9" * 50}, "A whole number from 0 to 3."),
        ({"email": "anna@"}, "This is no e-mail address"),
        ({"key": "short"}, "The form came in broken."),
        ({"name": "Anna\0Blum"}, "This holds a character that cannot be kept."),
        ({"list": "another"}, "This form has no such field."),
    ],
)
async def test_what_cannot_be_meant_is_said_and_nobody_is_added(
    lists: Lists, fields: dict[str, str], sentence: str
) -> None:
    answer = await lists.send(**fields)
    assert answer.status_code == 422
    assert sentence in said(answer.text)
    assert await lists.value("SELECT count(*) FROM guest") == 0


async def test_names_of_any_script_stay_and_turn_nothing_around(lists: Lists) -> None:
    await lists.add("نور \u202eالهدى")
    await lists.add("<b>Bär</b> 🐻")
    page = await lists.page()
    assert "<bdi>نور الهدى</bdi>" in page
    assert "<bdi>&lt;b&gt;Bär&lt;/b&gt; 🐻</bdi>" in page
    assert "\u202e" not in page


async def test_a_name_that_is_on_the_list_already_is_told(lists: Lists) -> None:
    async def told(name: str) -> str:
        answer = await lists.send(name=name)
        return (await lists.browser.get(answer.headers["location"])).text

    assert "That name" not in await told("Ada Blum")
    assert "That name is now on it twice: take one off if they are one person." in await told("ada blum")
    assert "That name is now on it 3 times" in await told("Ada Blum")
    assert "That name" not in await told("Béla")


async def test_the_quota_counts_people_and_is_never_passed(lists: Lists) -> None:
    await lists.add("Anna", 3)
    refused = await lists.send(name="Ben", plus_ones="2")
    assert refused.status_code == 409
    assert f"{FRIENDS} has 2 places left, and this is 3 people. Nobody was added." in said(refused.text)
    await lists.add("Ben", 1)
    page = await lists.page()
    assert "The list is full." in said(page)
    assert 'name="key"' not in page
    full = await lists.send(name="Cem")
    assert (full.status_code, "has no place left" in said(full.text)) == (409, True)
    assert await lists.value("SELECT count(*) FROM ticket") == 6


async def test_a_name_taken_off_opens_nothing_and_its_places_are_free(lists: Lists) -> None:
    code = await lists.add("Anna Blum", 2, "anna@example.org")
    off, again = [await lists.take_off(code) for _ in range(2)]
    assert (off.status_code, again.status_code) == (303, 303)
    page = said((await lists.browser.get(off.headers["location"])).text)
    assert "Taken off. The place is free again." in page
    assert "Places left 6 of 6" in page
    assert "Anna" not in page
    lists.box.db.moved_clock = (await lists.one()).doors_at
    assert await lists.scans(*await lists.codes(code)) == ["cancelled"] * 3
    lists.box.db.moved_clock = None
    await lists.work()
    assert await lists.value("SELECT array_agg(left(subject, 9) ORDER BY created_at) FROM mailbox_message") == [
        "Cancelled"
    ]
    assert await lists.value("SELECT status FROM orders") == "refunded"


async def test_who_is_inside_stays_on_the_list(lists: Lists) -> None:
    lists.box.db.moved_clock = (await lists.one()).doors_at - timedelta(minutes=10)
    code = await lists.add("Anna Blum", 1)
    await lists.scans((await lists.codes(code))[1])
    refused = await lists.take_off(code)
    assert refused.status_code == 409
    assert "Anna Blum has come in already and stays on the list." in said(refused.text)
    page = await lists.page()
    assert "1 of 2 inside" in said(page)
    assert "Take off" not in page
    lists.box.db.moved_clock = None


@pytest.mark.parametrize("why", ["its hour", "the night"])
async def test_a_closed_list_says_so_and_changes_nothing(lists: Lists, why: str) -> None:
    code = await lists.add()
    path = await lists.path()
    if why == "its hour":
        lists.box.db.moved_clock = (await lists.one()).closes_at
    else:
        await lists.execute("UPDATE event SET status = 'cancelled'")
    page = await lists.page()
    assert ("<form" in page, "Anna Blum" in page) == (False, True)
    added = await lists.browser.post(path, data={"key": "a key of no form, long enough", "name": "Ben"})
    off = await lists.take_off(code)
    assert (added.status_code, off.status_code) == (409, 409)
    assert await lists.value("SELECT count(*) FROM ticket WHERE status = 'active'") == 1
    lists.box.db.moved_clock = None


async def test_a_list_whose_entry_has_ended_promises_no_entry(lists: Lists) -> None:
    one = await lists.one()
    assert one.last_entry_at is not None
    lists.box.db.moved_clock = one.closes_at
    page = said(await lists.page())
    assert "Entry is free until" in page
    assert "Who is on it comes in by name at the door." in page
    lists.box.db.moved_clock = one.last_entry_at
    page = said(await lists.page())
    assert "Entry was free until" in page
    assert "comes in by name" not in page
    lists.box.db.moved_clock = None


async def test_a_foreign_altered_or_revoked_link_is_no_page(lists: Lists) -> None:
    code, path = await lists.add(), await lists.path()
    token = path.removeprefix("/guests/")
    other_secret = share_token("another secret, long enough to be one", await lists.one())
    altered = [token[:at] + ("A" if token[at] != "A" else "B") + token[at + 1 :] for at in range(0, 64, 7)]
    crew = (await lists.path(CREW)).removeprefix("/guests/")
    mixed = token[:43] + crew[43:]
    for wrong in (other_secret, *altered, mixed, "x", "é" * 64, "=" * 64, token + "A"):
        assert (await lists.browser.get(f"/guests/{wrong}")).status_code == 404, wrong
        assert (await lists.browser.post(f"/guests/{wrong}", data={"name": "Ben"})).status_code == 404
    assert (await lists.take_off(code, CREW)).status_code == 404  # another list's guest
    await lists.execute("UPDATE guest_list SET link_revision = link_revision + 1")
    assert (await lists.browser.get(path)).status_code == 404
    assert (await lists.browser.post(f"{path}/off", data={"guest": code})).status_code == 404
    assert "Anna Blum" in await lists.page()


@pytest.mark.parametrize("code", ["", "nonsense", "\N{PILE OF POO}", "0" * 5000])
async def test_nobody_of_that_code_is_taken_off(lists: Lists, code: str) -> None:
    await lists.add()
    assert (await lists.take_off(code)).status_code == 404
    assert await lists.value("SELECT count(*) FROM ticket WHERE status = 'active'") == 1


async def test_another_site_cannot_fill_it_in(lists: Lists) -> None:
    headers = {"Sec-Fetch-Site": "cross-site", "Cookie": "session=x"}
    answer = await lists.browser.post(await lists.path(), data={"name": "Ben"}, headers=headers)
    assert answer.status_code == 403


async def test_places_of_a_list_are_never_for_sale(lists: Lists) -> None:
    event = (await lists.browser.get(f"/api/v1/events/{SLUG}", headers={"Accept": "application/json"})).json()
    assert [one["name"] for one in event["ticket_types"]] == ["Entry"]
    page = (await lists.browser.get(f"/events/{SLUG}")).text
    assert (FRIENDS in page, CREW in page) == (False, False)
    type_id = str((await lists.one()).id)
    assert (await lists.browser.get(f"/events/{SLUG}/checkout?{type_id}=1")).headers["location"].endswith("#tickets")
    body = {"email": "mara@example.org", "lines": [{"ticket_type": type_id, "quantity": 1}]}
    headers = {"Idempotency-Key": "a key that is long enough", "Accept": "application/json"}
    refused = await lists.browser.post(f"/api/v1/events/{SLUG}/orders", json=body, headers=headers)
    assert (refused.status_code, refused.json()["detail"]) == (422, "This night has no such ticket type.")
    assert await lists.value("SELECT count(*) FROM orders") == 0


async def test_who_gives_a_guests_ticket_back_frees_the_place(lists: Lists) -> None:
    code = await lists.add("Anna Blum", 2)
    (_, gone, _) = await lists.codes(code)
    await lists.box.db.attempt(decide_refund, code, Wish(tickets=(gone,)))
    assert "Anna Blum +1" in said(await lists.page())
    assert (await lists.one()).left == 4
    await lists.box.db.attempt(decide_refund, code, Wish())
    assert (await lists.one()).left == 6


async def test_a_night_that_is_called_off_takes_its_guests_along(lists: Lists) -> None:
    await lists.add("Anna Blum", 1, "anna@example.org")
    await lists.add("Ben")
    async with lists.box.db.transaction() as connection:
        await call_off(connection, await night_to_cancel(connection, SLUG), "Flooded.")
    assert await cancel_some(lists.box.till) == 2
    await lists.work()
    assert await lists.value("SELECT count(*) FROM ticket WHERE status = 'active'") == 0
    assert await lists.value("SELECT array_agg(DISTINCT recipient) FROM mailbox_message") == ["anna@example.org"]
    assert await lists.value("SELECT count(*) FROM job WHERE done_at IS NULL") == 0


async def test_there_is_nothing_to_mail_again_to_who_gave_no_address(lists: Lists) -> None:
    code = await lists.add()
    async with lists.box.db.transaction() as connection:
        with pytest.raises(NoTickets, match="Nobody knows where to mail them"):
            await mail_tickets_again(connection, await show_order(connection, code))


async def test_a_list_that_changes_all_the_time_has_to_wait(lists: Lists, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guest_list, "CHANGES", Limit("changes in a test", 2, 3600))
    code = await lists.add()
    assert (await lists.send(name="")).status_code == 422  # nothing changed, so nothing counts
    assert (await lists.take_off(code)).status_code == 303
    refused = await lists.send(name="Ben")
    assert (refused.status_code, refused.headers["retry-after"]) == (429, "1800")
    assert "Go on in 30 min; what was done stays." in said(refused.text)


async def test_addresses_from_files_are_not_shown_to_who_has_the_link(lists: Lists) -> None:
    await lists.load(WITH_LISTS + GUEST.format(name="Cem", plus_ones=0, email="cem@example.org"))
    page = await lists.page(CREW)
    assert ("cem@example.org" in page, "ticket by mail" in page) == (False, True)


async def test_a_smaller_quota_takes_nobody_off(lists: Lists) -> None:
    await lists.add("Anna", 3)
    await lists.load(WITH_LISTS.replace("quota = 6", "quota = 1"))
    found = await lists.one()
    assert (found.quota, found.taken, found.left) == (4, 4, 0)
    await lists.load()
    assert (await lists.one()).left == 2
