"""Places that are given, not sold: a free order of a ticket type that is not for sale, with its tickets at once."""

from collections.abc import Sequence
from uuid import UUID

import msgspec

from boxoffice.foundation.db import Command, Connection, Query
from boxoffice.foundation.ids import new_id, random_code, with_check
from boxoffice.orders.fulfil import fulfil_free
from boxoffice.orders.place import ORDER_CODE_LENGTH, IdempotencyConflict, Line, Request


class Given(msgspec.Struct, frozen=True):
    """An order of given places. `fresh` is False when its key had placed it before; it may have ended since."""

    order_id: UUID
    code: str
    status: str
    fresh: bool


class _Places(msgspec.Struct, frozen=True):
    release_id: UUID
    stock_id: UUID
    left: int
    short_code: str
    currency: str


class _Known(msgspec.Struct, frozen=True):
    id: UUID
    code: str
    status: str
    fingerprint: bytes


LOCK_PLACES = Query(
    _Places,
    """
SELECT release.id AS release_id, stock.id AS stock_id, stock.cap - stock.used AS left, short_code, currency
FROM release JOIN stock ON stock.event_id = release.event_id AND stock.id = release.stock_id
JOIN event ON event.id = release.event_id
WHERE release.event_id = $1 AND release.ticket_type_id = $2 FOR UPDATE OF stock
""",
)
KNOWN = Query(_Known, "SELECT id, code, status, fingerprint FROM orders WHERE event_id = $1 AND key_hash = $2")
TAKE = Command("UPDATE stock SET used = used + $3 WHERE event_id = $1 AND id = $2")
PLACE = Command("""
WITH placed AS (
  INSERT INTO orders (event_id, id, code, status, email, quantity, total_minor, currency, key_hash, fingerprint,
    created_at, held_until)
  VALUES ($1, $2, $3, 'held', $4, $5, 0, $6, $7, $8, clock(), clock())),
line AS (
  INSERT INTO order_line (event_id, order_id, number, ticket_type_id, release_id, quantity, unit_minor, holder_names)
  VALUES ($1, $2, 1, $9, $10, $5, 0, $11))
INSERT INTO hold (event_id, order_id, stock_id, quantity) VALUES ($1, $2, $12, $5)
""")


async def places_left(connection: Connection, event_id: UUID, ticket_type_id: UUID) -> int:
    """How many places can still be given; locks them, so that it stays true until the transaction ends."""
    return (await _lock(connection, event_id, ticket_type_id)).left


async def known_order(connection: Connection, event_id: UUID, request: Request) -> Given | None:
    """The order of the request's key, whatever has become of it. Raises IdempotencyConflict for another request's."""
    known = await KNOWN.first(connection, event_id, request.key_hash())
    if known is None:
        return None
    if known.fingerprint != request.fingerprint():
        raise IdempotencyConflict("This form was sent before with something else in it.")
    return Given(known.id, known.code, known.status, fresh=False)


async def give(connection: Connection, event_id: UUID, request: Request) -> Given:
    """Gives the places of the request's one line. The caller has locked them by `places_left` and knows that there are
    enough; `stock_never_oversold` would refuse what there is not. Without an e-mail nothing is mailed."""
    (line,) = request.lines
    places = await _lock(connection, event_id, line.ticket_type_id)
    order_id = new_id()
    code = with_check(places.short_code + random_code(ORDER_CODE_LENGTH))
    await TAKE.run(connection, event_id, places.stock_id, line.quantity)
    await PLACE.run(
        connection,
        *(event_id, order_id, code, request.email, line.quantity, places.currency),
        *(request.key_hash(), request.fingerprint()),
        *(line.ticket_type_id, places.release_id, list(line.holder_names), places.stock_id),
    )
    return Given(order_id, code, await fulfil_free(connection, event_id, order_id), fresh=True)


def request_for(key: str, email: str, ticket_type_id: UUID, names: Sequence[str]) -> Request:
    """A place for each name."""
    return Request(key, email, (Line(ticket_type_id, len(names), None, tuple(names)),))


async def _lock(connection: Connection, event_id: UUID, ticket_type_id: UUID) -> _Places:
    places = await LOCK_PLACES.first(connection, event_id, ticket_type_id)
    assert places is not None
    return places
