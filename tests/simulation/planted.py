"""Bugs put in on purpose: the simulation must find each of them within 200 seeds, or it proves nothing.

Nothing outside this folder knows of them: they change the simulation's own database and this process alone.
"""

from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import Any

import boxoffice.hooks.stripe as door
from boxoffice.foundation.db import Query
from boxoffice.orders import fulfil, give_back
from boxoffice.orders.till import Till
from boxoffice.payments import inbox
from boxoffice.payments.stripe import Event, read_session

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
    assert "FOR UPDATE" in sql
    object.__setattr__(query, "sql", sql.replace("FOR UPDATE", ""))
    try:
        yield
    finally:
        object.__setattr__(query, "sql", sql)


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
    "mark": Bug("the event is called handled before the work is done", in_place=_marked_before_the_work),
}
