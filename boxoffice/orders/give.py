"""Places that are given, not sold: free orders of a ticket type that is not for sale, with their tickets at once."""

from collections.abc import Sequence
from uuid import UUID

import msgspec

from boxoffice.foundation.db import Command, Connection, Query
from boxoffice.foundation.ids import new_id, random_code, with_check
from boxoffice.orders.fulfil import fulfil_given
from boxoffice.orders.place import ORDER_CODE_LENGTH, IdempotencyConflict, Line, Request


class Places(msgspec.Struct, frozen=True):
    """The places of a ticket type, of which `left` can still be given."""

    ticket_type_id: UUID
    release_id: UUID
    stock_id: UUID
    left: int
    short_code: str
    currency: str


class Given(msgspec.Struct, frozen=True):
    """An order of given places. `fresh` is False when its key had placed it before; it may have ended since."""

    order_id: UUID
    code: str
    status: str
    fresh: bool


class Known(msgspec.Struct, frozen=True):
    """An order that a key has placed before, whatever has become of it."""

    id: UUID
    code: str
    status: str
    key_hash: bytes
    fingerprint: bytes

    def given(self, request: Request) -> Given:
        """What the request is answered that was sent again. Raises IdempotencyConflict for another one of its key."""
        if self.fingerprint != request.fingerprint():
            raise IdempotencyConflict("This form was sent before with something else in it.")
        return Given(self.id, self.code, self.status, fresh=False)


LOCK_PLACES = Query(
    Places,
    """
SELECT ticket_type_id, release.id AS release_id, stock.id AS stock_id, stock.cap - stock.used AS left, short_code,
  currency
FROM release JOIN stock ON stock.event_id = release.event_id AND stock.id = release.stock_id
JOIN event ON event.id = release.event_id
WHERE release.event_id = $1 AND release.ticket_type_id = $2 FOR UPDATE OF stock
""",
)
KNOWN = Query(
    Known,
    """
SELECT id, code, status, key_hash, fingerprint FROM orders WHERE event_id = $1 AND key_hash = ANY($2::bytea[])
""",
)
TAKE = Command("UPDATE stock SET used = used + $3 WHERE event_id = $1 AND id = $2")
PLACE = Command("""
WITH asked AS (
  SELECT id, code, email, cardinality(names) AS quantity, decode(key_hash, 'hex') AS key_hash,
    decode(fingerprint, 'hex') AS fingerprint, names
  FROM jsonb_to_recordset($2::text::jsonb)
    AS row (id uuid, code text, email text, key_hash text, fingerprint text, names text[])),
placed AS (
  INSERT INTO orders (event_id, id, code, status, email, quantity, total_minor, currency, key_hash, fingerprint,
    created_at, held_until)
  SELECT $1, id, code, 'held', email, quantity, 0, $3, key_hash, fingerprint, clock(), clock() FROM asked),
line AS (
  INSERT INTO order_line (event_id, order_id, number, ticket_type_id, release_id, quantity, unit_minor, holder_names)
  SELECT $1, id, 1, $4, $5, quantity, 0, names FROM asked)
INSERT INTO hold (event_id, order_id, stock_id, quantity) SELECT $1, id, $6, quantity FROM asked
""")


async def lock_places(connection: Connection, event_id: UUID, ticket_type_id: UUID) -> Places:
    """The places of a ticket type, locked: how many are left stays true until the transaction ends."""
    places = await LOCK_PLACES.first(connection, event_id, ticket_type_id)
    assert places is not None
    return places


async def known_orders(connection: Connection, event_id: UUID, requests: Sequence[Request]) -> dict[str, Known]:
    """What the keys of these requests have placed before, by the key."""
    keys = {request.key_hash(): request.key for request in requests}
    return {keys[one.key_hash]: one for one in await KNOWN.all(connection, event_id, list(keys))}


async def give(connection: Connection, event_id: UUID, places: Places, requests: Sequence[Request]) -> list[Given]:
    """Gives each of these requests the places of its one line, in as many statements however many they are.

    The caller has locked the places and knows that there are enough and that no key is known;
    `stock_never_oversold` would refuse what there is not. Without an e-mail nothing is mailed.
    """
    orders = [_Order.of(request, places.short_code) for request in requests]
    await TAKE.run(connection, event_id, places.stock_id, sum(len(order.names) for order in orders))
    placed = (msgspec.json.encode(orders).decode(), places.currency)
    await PLACE.run(connection, event_id, *placed, places.ticket_type_id, places.release_id, places.stock_id)
    await fulfil_given(connection, event_id, [order.id for order in orders])
    return [Given(order.id, order.code, "paid", fresh=True) for order in orders]


def request_for(key: str, email: str, ticket_type_id: UUID, names: Sequence[str]) -> Request:
    """A place for each name."""
    return Request(key, email, (Line(ticket_type_id, len(names), None, tuple(names)),))


class _Order(msgspec.Struct, frozen=True):
    id: UUID
    code: str
    email: str
    key_hash: str
    fingerprint: str
    names: tuple[str, ...]

    @staticmethod
    def of(request: Request, short_code: str) -> "_Order":
        (line,) = request.lines
        code = with_check(short_code + random_code(ORDER_CODE_LENGTH))
        hashes = request.key_hash().hex(), request.fingerprint().hex()
        return _Order(new_id(), code, request.email, *hashes, line.holder_names)
