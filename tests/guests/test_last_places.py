"""Twenty people fill in the last three places at once, through two servers' pools; and the proof that this can fail."""

import asyncio
from typing import Any

import pytest

from boxoffice.foundation.db import Database, Query
from boxoffice.guests.add import GuestListFull, Named, add_guest
from boxoffice.orders import give
from tests.guests.conftest import WITH_LISTS, Lists

PEOPLE, PLACES = 20, 3
NO_LOCK = Query(give.LOCK_PLACES.row, give.LOCK_PLACES.sql.replace("FOR UPDATE OF stock", ""))
NO_CONSTRAINT = "ALTER TABLE stock DROP CONSTRAINT stock_never_oversold"


async def _race(lists: Lists) -> list[Any]:
    await lists.load(WITH_LISTS.replace("quota = 6", f"quota = {PLACES}"))
    guest_list = await lists.one()
    databases = [Database(lists.box.settings.database_url, size=10) for _ in range(2)]

    async def one(number: int) -> Any:
        guest = Named(f"Guest {number}")
        return await databases[number % 2].attempt(add_guest, guest_list, guest, f"form {number}", "link")

    # Twenty at once need twenty connections that are there already.
    await asyncio.gather(*(_open(database) for database in databases for _ in range(10)))
    answers = await asyncio.gather(*(one(number) for number in range(PEOPLE)), return_exceptions=True)
    for database in databases:
        await database.close()
    return answers


async def _open(database: Database) -> None:
    async with database.transaction() as connection:
        await connection.fetchval("SELECT pg_sleep(0.05)")


async def test_three_get_in_and_seventeen_are_told(lists: Lists) -> None:
    answers = await _race(lists)
    assert sum(isinstance(one, give.Given) for one in answers) == PLACES
    assert sum(isinstance(one, GuestListFull) for one in answers) == PEOPLE - PLACES
    assert await lists.value("SELECT count(*) FROM ticket") == PLACES


@pytest.mark.parametrize(("constraint", "may_fail"), [(True, False), (False, True)])
async def test_without_the_lock_the_constraint_holds_and_without_both_too_many_get_in(
    lists: Lists, monkeypatch: pytest.MonkeyPatch, *, constraint: bool, may_fail: bool
) -> None:
    monkeypatch.setattr(give, "LOCK_PLACES", NO_LOCK)
    if not constraint:
        await lists.execute(NO_CONSTRAINT)
    answers = await _race(lists)
    given = sum(isinstance(one, give.Given) for one in answers)
    assert (given > PLACES) is may_fail
    assert (await lists.value("SELECT count(*) FROM ticket") > PLACES) is may_fail
    await lists.execute("UPDATE stock SET cap = greatest(cap, used)")  # for the audit that follows


async def test_one_form_sent_by_two_hands_at_once_is_one_guest(lists: Lists) -> None:
    guest_list = await lists.one()
    sends = (lists.box.db.attempt(add_guest, guest_list, Named("Anna", 1), "one form", "link") for _ in range(8))
    assert len({given.code for given in await asyncio.gather(*sends)}) == 1
    assert await lists.value("SELECT count(*) FROM guest") == 1
