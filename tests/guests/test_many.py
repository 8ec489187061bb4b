"""Hundreds of guests at once: as many statements as for one, the quota right to the last place, all or nobody."""

import asyncio
from typing import Any

import pytest

from boxoffice.foundation.db import Connection, Database
from boxoffice.foundation.problems import Unprocessable
from boxoffice.guests.add import GuestListFull, Named, add_named
from boxoffice.guests.guest_list import GuestList, lists_of
from boxoffice.guests.read_csv import read_guests
from boxoffice.orders import give
from tests.guests.conftest import CREW, FRIENDS, WITH_LISTS, Lists
from tests.guests.test_files import names
from tests.guests.test_last_places import NO_CONSTRAINT, NO_LOCK
from tests.shop import SLUG

FILES, GUESTS_EACH, PLACES = 8, 5, 17
STATEMENTS_MAX = 12
WHOLE = """SELECT count(*) FROM orders WHERE status <> 'paid' OR quantity <> (SELECT count(*) FROM ticket
  WHERE ticket.order_id = orders.id AND ticket.number BETWEEN 1 AND orders.quantity)"""


def named(count: int, prefix: str = "Guest") -> list[Named]:
    """Every third brings somebody, every other has an address."""
    return [
        Named(f"{prefix} {number}", int(number % 3 == 0), f"{prefix}-{number}@example.org" if number % 2 else "")
        for number in range(count)
    ]


async def with_quota(lists: Lists, quota: int) -> GuestList:
    await lists.load(WITH_LISTS.replace("quota = 6", f"quota = {quota}"))
    return await lists.one()


async def test_hundreds_take_as_many_statements_as_one(lists: Lists) -> None:
    friends = await with_quota(lists, 1_000)
    counts: dict[int, int] = {}
    for many in (1, 2, 20, 400):
        ran: list[str] = []
        async with lists.box.db.transaction() as connection:
            with connection.query_logger(lambda record, ran=ran: ran.append(record.query)):
                added = await add_named(connection, friends, named(many, f"Of {many}"), "csv")
        assert len(added) == many
        counts[many] = len(ran)
    del counts[1]  # the driver asked for the types that it did not know
    assert len(set(counts.values())) == 1, counts
    assert counts[2] <= STATEMENTS_MAX
    assert await lists.value("SELECT count(*) FROM guest") == 423
    assert await lists.value(WHOLE) == 0


async def test_each_of_many_has_what_each_had_alone(lists: Lists) -> None:
    friends = await with_quota(lists, 60)
    async with lists.box.db.transaction() as connection:
        await add_named(connection, friends, named(40), "csv")
    assert (await lists.one()).taken == 54
    row = """SELECT array_agg(ticket.holder ORDER BY ticket.number) FROM guest
      JOIN orders ON orders.id = guest.order_id JOIN ticket ON ticket.order_id = orders.id
      WHERE guest.name = $1 AND orders.status = 'paid' AND orders.paid_at IS NOT NULL AND orders.total_minor = 0"""
    assert await lists.value(row, "Guest 6") == ["Guest 6", "With Guest 6"]
    assert await lists.value(row, "Guest 7") == ["Guest 7"]
    codes = await lists.value("SELECT array_agg(code) FROM ticket")
    assert len(set(codes)) == 54
    assert set(await lists.scans(*codes[:3])) == {"not_yet"}
    mails = "SELECT count(*), count(*) FILTER (WHERE email <> '') FROM job JOIN orders ON orders.id::text = subject"
    async with lists.box.db.transaction() as connection:
        assert await connection.fetchrow(f"{mails} WHERE job.name = 'mail_tickets'") == (20, 20)
    assert await lists.value("SELECT count(*) FROM order_move WHERE status = 'paid'") == 40


@pytest.mark.parametrize("same", [False, True])
async def test_files_that_are_loaded_at_once_fill_the_quota_and_no_more(lists: Lists, *, same: bool) -> None:
    """Of eight files of five, three fit into 17 places; eight hands with one file name nobody twice."""
    answers = await _race(lists, same=same)
    taken = await lists.value("SELECT count(*) FROM ticket")
    if same:
        assert sorted(len(one) for one in answers) == [0] * (FILES - 1) + [GUESTS_EACH]
        assert taken == GUESTS_EACH
    else:
        assert sum(isinstance(one, GuestListFull) for one in answers) == FILES - 3
        assert taken == 3 * GUESTS_EACH
    assert (await lists.one()).taken == taken


@pytest.mark.parametrize(("constraint", "may_fail"), [(True, False), (False, True)])
async def test_without_the_lock_the_constraint_holds_and_without_both_too_many_get_in(
    lists: Lists, monkeypatch: pytest.MonkeyPatch, *, constraint: bool, may_fail: bool
) -> None:
    monkeypatch.setattr(give, "LOCK_PLACES", NO_LOCK)
    if not constraint:
        await lists.execute(NO_CONSTRAINT)
    await _race(lists)
    assert (await lists.value("SELECT count(*) FROM ticket") > PLACES) is may_fail
    await lists.execute("UPDATE stock SET cap = greatest(cap, used)")  # for the audit that follows


async def _race(lists: Lists, *, same: bool = False) -> list[Any]:
    friends = await with_quota(lists, PLACES)
    databases = [Database(lists.box.settings.database_url, size=4) for _ in range(2)]

    async def load(connection: Connection, number: int) -> list[Named]:
        guests = [Named(f"{0 if same else number}, {place}") for place in range(GUESTS_EACH)]
        return await add_named(connection, friends, guests, "csv")

    async def opened(database: Database) -> None:
        async with database.transaction() as connection:
            await connection.fetchval("SELECT pg_sleep(0.05)")

    await asyncio.gather(*(opened(database) for database in databases for _ in range(4)))
    loads = (databases[number % 2].attempt(load, number) for number in range(FILES))
    answers = await asyncio.gather(*loads, return_exceptions=True)
    for database in databases:
        await database.close()
    return answers


async def test_who_was_taken_off_stays_off_though_the_file_lets_them_bring_more(lists: Lists) -> None:
    guest_list = await lists.one()
    for plus_ones, added in ((0, 1), (2, 0)):
        async with lists.box.db.transaction() as connection:
            assert len(await add_named(connection, guest_list, [Named("Anna", plus_ones)], "csv")) == added
        code = await lists.value("SELECT code FROM guest JOIN orders ON id = order_id")
        await lists.take_off(code)
    assert await names(lists) == []


async def test_every_bad_row_of_hundreds_is_told_by_its_line_and_nobody_is_added(lists: Lists) -> None:
    await with_quota(lists, 1_000)
    bad = {5: "Guest,77,", 130: ",0,", 299: "Guest,0,guest@"}
    lines = [bad.get(line, f"Guest {line},0,") for line in range(2, 302)]
    with pytest.raises(Unprocessable) as refused:
        await load(lists, "\n".join(["name,plus_ones,email", *lines]))
    assert [one.field for one in refused.value.errors] == ["line 5, plus_ones", "line 130, name", "line 299, email"]
    assert await lists.value("SELECT count(*) FROM guest") == 0
    good = [line for line in lines if line not in bad.values()]
    assert await load(lists, "\n".join(["name,plus_ones,email", *good])) == 297


async def test_a_file_of_two_lists_of_which_one_is_full_changes_neither(lists: Lists) -> None:
    text = "name,list\n" + "".join(f"Guest {number},{FRIENDS if number < 6 else CREW}\n" for number in range(9))
    with pytest.raises(GuestListFull, match=r"Crew has 2 places left, and this is 3 people\. Nobody was added"):
        await load(lists, text)
    assert await lists.value("SELECT count(*) FROM orders") == 0
    assert await lists.value("SELECT sum(used) FROM stock") == 0


async def load(lists: Lists, text: str) -> int:
    """Loads a CSV file as `boxoffice guests load` does; how many guests are new."""

    async def load(connection: Connection) -> int:
        found = {one.name: one for one in await lists_of(connection, SLUG)}
        read = read_guests(text, found, FRIENDS)
        return sum([len(await add_named(connection, found[name], guests, "csv")) for name, guests in read.items()])

    return await lists.box.db.attempt(load)
