"""A name is taken off a guest list: its tickets open nothing any more, and its places are free again."""

from uuid import UUID

import msgspec

from boxoffice.foundation.db import Connection, Query
from boxoffice.foundation.ids import read_code
from boxoffice.foundation.jobs import enqueue
from boxoffice.foundation.problems import NotFound, Problem
from boxoffice.guests.add import closed
from boxoffice.guests.guest_list import GuestList
from boxoffice.orders.void import follow_tickets, void_all


class GuestInside(Problem):
    """Somebody has come in by this name."""

    status, type, title = 409, "guest_inside", "Inside already"


class _Order(msgspec.Struct, frozen=True):
    id: UUID
    email: str
    name: str


LOCK = Query(
    _Order,
    """
SELECT orders.id, orders.email, guest.name
FROM guest JOIN orders ON orders.event_id = guest.event_id AND orders.id = guest.order_id
WHERE guest.event_id = $1 AND guest.list_id = $2 AND orders.code = $3 FOR UPDATE OF orders
""",
)
# The door locks a ticket before it lets it in, and so does this.
CAME = Query(
    bool,
    """
SELECT bool_or(status = 'used') FROM (SELECT status FROM ticket WHERE event_id = $1 AND order_id = $2
  ORDER BY id FOR NO KEY UPDATE) AS locked
""",
)
CODES = Query(
    str,
    """
SELECT code FROM ticket WHERE event_id = $1 AND order_id = $2 AND status = 'active' ORDER BY number
""",
)


async def take_off(connection: Connection, guest_list: GuestList, order_code: str) -> str:
    """Takes the guest of an order off the list and returns the name; taken off again it is the same. Whoever got the
    tickets by mail is told.

    Raises GuestListClosed, GuestInside, and NotFound for a code that is none of this list.
    """
    if not guest_list.is_open:
        raise closed(guest_list)
    code = read_code(order_code)
    order = await LOCK.first(connection, guest_list.event_id, guest_list.id, code) if code else None
    if order is None:
        raise NotFound("There is no such guest on this list.")
    key = (guest_list.event_id, order.id)
    if await CAME.first(connection, *key):
        raise GuestInside(f"{order.name} has come in already and stays on the list.")
    codes = await CODES.all(connection, *key)
    if await void_all(connection, key, "cancelled") and order.email:
        names = {"event_id": str(key[0]), "order_id": str(order.id), "codes": " ".join(codes)}
        await enqueue(connection, "mail_cancelled", str(order.id), names)
    await follow_tickets(connection, key)
    return order.name
