"""The cash boxes of a night's scanners: counted before the first sale, and again when the night is over."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from boxoffice.door.device import device_revoked, token_hash, unknown_device
from boxoffice.foundation.db import Command, Connection, Query
from boxoffice.foundation.problems import FieldError, Problem, Unprocessable
from boxoffice.foundation.written import write_money

FLOAT_MINOR_MAX = 99_999_999
COUNTED_MINOR_MAX = 9_999_999_999


class NotASeller(Problem):
    """This scanner may not take money."""

    status, type, title = 403, "not_a_seller", "Sells nothing"


class CashBoxNotOpen(Problem):
    """What is in the cash box was not counted yet."""

    status, type, title = 409, "cash_box_not_open", "Cash box not counted"


class CashBoxClosed(Problem):
    """The cash-up of this scanner is done."""

    status, type, title = 409, "cash_box_closed", "Cashed up"


class CountedBefore(Problem):
    """The cash box was counted with another result."""

    status, type, title = 409, "counted_before", "Counted before"


class Seller(msgspec.Struct, frozen=True):
    """A scanner that may sell, whose row this transaction holds."""

    event_id: UUID
    id: UUID
    list_id: UUID
    gate: str
    role: str
    sells: bool
    revoked_at: datetime | None
    short_code: str
    currency: str
    now: datetime


class SoldLine(msgspec.Struct, frozen=True):
    """Tickets of one type at one price, paid in one way. `voided` of `sold` went back out of this cash box."""

    device_id: UUID
    ticket_type: str
    price_minor: int
    paid_by: str
    sold: int
    sold_minor: int
    voided: int
    voided_minor: int


class _Box(msgspec.Struct, frozen=True):
    device_id: UUID
    gate: str
    currency: str
    float_minor: int
    opened_at: datetime
    counted_minor: int | None
    closed_at: datetime | None


class UndoneCount(msgspec.Struct, frozen=True):
    """A count that was found wrong: the cash box was opened again, for `reason`."""

    device_id: UUID
    counted_minor: int
    expected_minor: int
    closed_at: datetime
    undone_at: datetime
    reason: str


class CashUp(msgspec.Struct, frozen=True):
    """One scanner's cash box with what was sold there, minor units throughout."""

    device_id: UUID
    gate: str
    currency: str
    float_minor: int
    opened_at: datetime
    counted_minor: int | None
    closed_at: datetime | None
    lines: tuple[SoldLine, ...]
    undone: tuple[UndoneCount, ...]

    @property
    def cash_minor(self) -> int:
        """What was sold for cash, voided or not."""
        return sum(line.sold_minor for line in self.lines if line.paid_by == "cash")

    @property
    def card_minor(self) -> int:
        """What was sold by card; Stripe has it."""
        return sum(line.sold_minor for line in self.lines if line.paid_by == "card")

    @property
    def voided_minor(self) -> int:
        """Cash that went back out of this box."""
        return sum(line.voided_minor for line in self.lines)

    @property
    def expected_minor(self) -> int:
        """What should be in the box."""
        return self.float_minor + self.cash_minor - self.voided_minor

    @property
    def difference_minor(self) -> int | None:
        """What was counted beyond what should be there; negative: it is missing. None before it is counted."""
        return None if self.counted_minor is None else self.counted_minor - self.expected_minor


LOCK_SELLER = Query(
    Seller,
    """
SELECT device.event_id, device.id, list_id, gate, role, sells, revoked_at, short_code, currency, clock() AS now
FROM event JOIN device ON device.event_id = event.id
WHERE event.slug = $1 AND token_hash = $2 FOR NO KEY UPDATE OF device
""",
)
BOXES = Query(
    _Box,
    """
SELECT device_id, gate, currency, float_minor, opened_at, counted_minor, closed_at
FROM cash_up JOIN device ON device.event_id = cash_up.event_id AND device.id = device_id
JOIN event ON event.id = cash_up.event_id
WHERE cash_up.event_id = $1 AND ($2::uuid IS NULL OR device_id = $2) ORDER BY gate, opened_at
""",
)
# A card that was never charged sold nothing.
SOLD = Query(
    SoldLine,
    """
SELECT device_id, ticket_type.name AS ticket_type, unit_minor AS price_minor, paid_by,
  sum(line.quantity)::integer AS sold, sum(line.quantity * unit_minor)::bigint AS sold_minor,
  coalesce(sum(line.quantity) FILTER (WHERE void_device_id = device_id), 0)::integer AS voided,
  coalesce(sum(line.quantity * unit_minor) FILTER (WHERE void_device_id = device_id), 0)::bigint AS voided_minor
FROM door_sale AS sale JOIN orders ON orders.event_id = sale.event_id AND orders.id = sale.order_id
JOIN order_line AS line ON line.event_id = sale.event_id AND line.order_id = sale.order_id
JOIN ticket_type ON ticket_type.event_id = sale.event_id AND ticket_type.id = line.ticket_type_id
WHERE sale.event_id = $1 AND ($2::uuid IS NULL OR device_id = $2) AND paid_at IS NOT NULL
GROUP BY device_id, ticket_type.position, ticket_type.name, unit_minor, paid_by
ORDER BY ticket_type.position, unit_minor, paid_by
""",
)
UNDONE = Query(
    UndoneCount,
    """
SELECT device_id, counted_minor, expected_minor, closed_at, undone_at, reason FROM cash_up_undone
WHERE event_id = $1 AND ($2::uuid IS NULL OR device_id = $2) ORDER BY closed_at
""",
)
LOCK_DEVICE = Query(int, "SELECT 1 FROM device WHERE event_id = $1 AND id = $2 FOR NO KEY UPDATE")
KEEP_COUNT = Command("""
INSERT INTO cash_up_undone (event_id, device_id, counted_minor, expected_minor, closed_at, undone_at, reason)
SELECT event_id, device_id, counted_minor, expected_minor, closed_at, clock(), $3 FROM cash_up
WHERE event_id = $1 AND device_id = $2 AND closed_at IS NOT NULL
""")
OPEN_AGAIN = Command("""
UPDATE cash_up SET counted_minor = NULL, expected_minor = NULL, closed_at = NULL WHERE event_id = $1 AND device_id = $2
""")
OPEN = Command("""
INSERT INTO cash_up (event_id, device_id, float_minor, opened_at) VALUES ($1, $2, $3, clock()) ON CONFLICT DO NOTHING
""")
CLOSE = Command("""
UPDATE cash_up SET counted_minor = $3, expected_minor = $4, closed_at = clock()
WHERE event_id = $1 AND device_id = $2 AND closed_at IS NULL
""")


async def lock_seller(connection: Connection, slug: str, token: str) -> Seller:
    """The scanner of a token, locked: what it sells, takes back and counts happens one after the other.

    Raises UnknownDevice, DeviceRevoked, NotASeller.
    """
    found = await LOCK_SELLER.first(connection, slug, token_hash(token)) if "\0" not in slug else None
    if found is None:
        raise unknown_device()
    if found.revoked_at is not None:
        raise device_revoked()
    if not found.sells:
        raise NotASeller("This scanner sells nothing. Whoever runs the door can pair one that does.")
    return found


async def cash_up_of(connection: Connection, seller: Seller) -> CashUp | None:
    """A scanner's own cash box; None before it was counted for the first time."""
    return next(iter(await _cash_ups(connection, seller.event_id, seller.id)), None)


async def cash_ups(connection: Connection, event_id: UUID) -> Sequence[CashUp]:
    """Every cash box of a night, by gate. Read in one snapshot."""
    return await _cash_ups(connection, event_id, None)


async def open_cash_box(connection: Connection, seller: Seller, float_minor: int) -> None:
    """What is in the box before the first sale. The same again changes nothing. Raises CountedBefore, Unprocessable."""
    _checked("float", float_minor, FLOAT_MINOR_MAX)
    box = await cash_up_of(connection, seller)
    if box is not None and box.float_minor != float_minor:
        before = write_money(box.float_minor, box.currency)
        raise CountedBefore(f"This scanner began the night with {before}. That stays.")
    await OPEN.run(connection, seller.event_id, seller.id, float_minor)


async def close_cash_box(connection: Connection, seller: Seller, counted_minor: int) -> None:
    """What was counted in the end: this scanner sells no more. The same again changes nothing.

    Raises CashBoxNotOpen, CountedBefore, Unprocessable.
    """
    _checked("counted", counted_minor, COUNTED_MINOR_MAX)
    box = await cash_up_of(connection, seller)
    if box is None:
        raise not_open()
    if box.counted_minor is not None:
        if box.counted_minor != counted_minor:
            before = write_money(box.counted_minor, box.currency)
            raise CountedBefore(f"This scanner was cashed up with {before}. That stays.")
        return
    await CLOSE.run(connection, seller.event_id, seller.id, counted_minor, box.expected_minor)


async def open_again(connection: Connection, event_id: UUID, device_id: UUID, reason: str) -> bool:
    """Takes a count back that was wrong, and keeps it with the reason: the scanner sells again, and counts anew.

    False when the night has no such cash box that is closed; then nothing changes.
    """
    await LOCK_DEVICE.first(connection, event_id, device_id)
    if await KEEP_COUNT.run(connection, event_id, device_id, reason) != 1:
        return False
    await OPEN_AGAIN.run(connection, event_id, device_id)
    return True


def not_open() -> CashBoxNotOpen:
    """The answer to who would sell before counting."""
    return CashBoxNotOpen("Count what is in the cash box first.")


async def _cash_ups(connection: Connection, event_id: UUID, device_id: UUID | None) -> list[CashUp]:
    boxes = await BOXES.all(connection, event_id, device_id)
    lines = await SOLD.all(connection, event_id, device_id) if boxes else []
    undone = await UNDONE.all(connection, event_id, device_id) if boxes else []
    return [
        CashUp(
            device_id=box.device_id,
            gate=box.gate,
            currency=box.currency,
            float_minor=box.float_minor,
            opened_at=box.opened_at,
            counted_minor=box.counted_minor,
            closed_at=box.closed_at,
            lines=tuple(line for line in lines if line.device_id == box.device_id),
            undone=tuple(one for one in undone if one.device_id == box.device_id),
        )
        for box in boxes
    ]


def _checked(field: str, minor: int, maximum: int) -> None:
    if not 0 <= minor <= maximum:
        sentence = f"An amount in minor units from 0 to {maximum}."
        raise Unprocessable("This amount cannot be meant. Nothing was changed.", (FieldError(field, sentence),))
