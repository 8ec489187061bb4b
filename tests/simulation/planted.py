"""Bugs put in on purpose: the simulation must find each of them within 200 seeds, or it proves nothing.

Nothing outside this folder knows of them: they change the simulation's own database and this process alone.
"""

import re
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import Any

import boxoffice.hooks.stripe as door
from boxoffice.door import cash_up, scan
from boxoffice.foundation.db import Query
from boxoffice.orders import fulfil, give, give_back
from boxoffice.orders.till import Till
from boxoffice.payments import inbox
from boxoffice.payments.stripe_objects import Event, read_session

LOCKS = re.compile(r"FOR (NO KEY )?UPDATE( OF \w+)?")
CONDITION = "s_used[r_stock[r]] + n <= s_cap[r_stock[r]]"
ROOM_CONDITION = "s_used[r_room[r]] + n <= s_cap[r_room[r]]"
WITHOUT_CONDITION = f"""
DO $do$ DECLARE body text := pg_get_functiondef('place_orders'::regproc); BEGIN
  ASSERT position('{CONDITION}' IN body) > 0;
  EXECUTE replace(replace(body, '{CONDITION}', 'true'), '{ROOM_CONDITION}', 'true');
END $do$
"""


@dataclass(frozen=True)
class Bug:
    """`sql` changes the simulation's database, `in_place` the code while its block runs."""

    meaning: str
    sql: tuple[str, ...] = ()
    in_place: Callable[[], AbstractContextManager[Any]] = field(default=nullcontext)


@contextmanager
def _no_lock_on_the_order() -> Generator[None]:
    with _without_lock(give_back.LOCK_ORDER), _without_lock(fulfil.LOCK):
        yield


@contextmanager
def _without_lock(query: Query[Any]) -> Generator[None]:
    sql = query.sql
    assert LOCKS.search(sql)
    object.__setattr__(query, "sql", LOCKS.sub("", sql))
    try:
        yield
    finally:
        object.__setattr__(query, "sql", sql)


@contextmanager
def _old_codes_open_the_door() -> Generator[None]:
    def never(*_: object) -> None:
        return None

    outdated = scan.__dict__["_outdated"]
    scan.__dict__["_outdated"] = never
    try:
        yield
    finally:
        scan.__dict__["_outdated"] = outdated


@contextmanager
def _marked_before_the_work() -> Generator[None]:
    async def receive_marked(till: Till, event: Event) -> str:
        ours = event.type == "checkout.session.completed" and fulfil.read_marker(event.object["metadata"])
        if not ours or event.livemode:
            return await receive(till, event)
        async with till.db.transaction() as connection:
            if not await inbox.keep(connection, event):
                return "duplicate"
            await inbox.handled(connection, event, "called handled")
        async with till.db.transaction() as connection:
            return await fulfil.fulfil(connection, till, read_session(event.object))

    receive, door.receive = door.receive, receive_marked
    try:
        yield
    finally:
        door.receive = receive


PLANTED = {
    "stock": Bug(
        "no CHECK on stock, and no condition in the statement that takes it",
        (
            "ALTER TABLE stock DROP CONSTRAINT stock_never_oversold, DROP CONSTRAINT stock_closed_is_full",
            WITHOUT_CONDITION,
        ),
    ),
    "lock": Bug("no lock on the order", in_place=_no_lock_on_the_order),
    "code": Bug("the door takes codes of tickets that were sent on", in_place=_old_codes_open_the_door),
    "quota": Bug(
        "no CHECK on stock, and no lock on a guest list's places",
        ("ALTER TABLE stock DROP CONSTRAINT stock_never_oversold, DROP CONSTRAINT stock_closed_is_full",),
        in_place=lambda: _without_lock(give.LOCK_PLACES),
    ),
    "box": Bug("no lock on the scanner that sells", in_place=lambda: _without_lock(cash_up.LOCK_SELLER)),
    "mark": Bug("the event is called handled before the work is done", in_place=_marked_before_the_work),
}
