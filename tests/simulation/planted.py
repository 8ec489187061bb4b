"""Bugs put in on purpose: the simulation must find each of them within 200 seeds, or it proves nothing.

Nothing outside this folder knows of them: they change the simulation's own database and this process alone.
"""

import re
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import Any

import boxoffice.hooks.stripe as door
from boxoffice.door import cash_up, scan, sell
from boxoffice.foundation.db import Query
from boxoffice.foundation.ids import new_id
from boxoffice.orders import fulfil, give, give_back
from boxoffice.orders.order import OrderView
from boxoffice.orders.till import Till
from boxoffice.payments import inbox
from boxoffice.payments.stripe_objects import Event, read_session
from boxoffice.tickets import send_on
from boxoffice.tickets.ticket import OrderTicket
from tests.rewritten import without_the_check, without_the_condition

UNTIL = "coalesce(transfer_until, doors_at) AS until"
LOCKS = re.compile(r"FOR (NO KEY )?UPDATE( OF \w+)?")


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
    assert LOCKS.search(query.sql)
    with _rewritten(query, LOCKS.sub("", query.sql)):
        yield


@contextmanager
def _offers_never_end() -> Generator[None]:
    assert UNTIL in send_on.LOCK_HELD.sql
    with _rewritten(send_on.LOCK_HELD, send_on.LOCK_HELD.sql.replace(UNTIL, "doors_at AS until")):
        yield


@contextmanager
def _rewritten(query: Query[Any], new: str) -> Generator[None]:
    sql = query.sql
    object.__setattr__(query, "sql", new)
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
def _scanned_anew_for_every_question() -> Generator[None]:
    def scans_anew(_nonce: str, view: OrderView) -> list[tuple[OrderTicket, str]]:
        return [(ticket, str(new_id())) for ticket in view.tickets]

    scans = sell.__dict__["_scans"]
    sell.__dict__["_scans"] = scans_anew
    try:
        yield
    finally:
        sell.__dict__["_scans"] = scans


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
            without_the_condition(),
        ),
    ),
    "lock": Bug("no lock on the order", in_place=_no_lock_on_the_order),
    "code": Bug("the door takes codes of tickets that were sent on", in_place=_old_codes_open_the_door),
    "quota": Bug(
        "no CHECK on stock, and no lock on a guest list's places",
        ("ALTER TABLE stock DROP CONSTRAINT stock_never_oversold, DROP CONSTRAINT stock_closed_is_full",),
        in_place=lambda: _without_lock(give.LOCK_PLACES),
    ),
    "book": Bug("scans are written whatever happened since they were read", (without_the_check(),)),
    "box": Bug("no lock on the scanner that sells", in_place=lambda: _without_lock(cash_up.LOCK_SELLER)),
    "until": Bug("offers can be taken when their time is over", in_place=_offers_never_end),
    "nonce": Bug("a scanner lets in anew each time that it asks for a sale", in_place=_scanned_anew_for_every_question),
    "mark": Bug("the event is called handled before the work is done", in_place=_marked_before_the_work),
}
