"""Placing orders: one statement holds the units and writes everything that a batch of orders needs."""

import hashlib
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

import msgspec

from boxoffice.foundation.db import Database, Query
from boxoffice.foundation.ids import new_id, random_code, with_check
from boxoffice.foundation.problems import FieldError, Problem
from boxoffice.payments.pacing import Pace

ORDER_CODE_LENGTH = 7


class SoldOut(Problem):
    """Not enough units are left for the whole order."""

    status, type, title = 409, "sold_out", "Sold out"


class PriceChanged(Problem):
    """The price is higher than the one the buyer saw; `price_minor` is the new one."""

    status, type, title = 409, "price_changed", "Price changed"
    price_minor: int = 0


class IdempotencyConflict(Problem):
    """The key was used for another request."""

    status, type, title = 422, "idempotency_conflict", "Key used before"


class OrderEnded(Problem):
    """The key's order has expired or was released: buying again needs a new key."""

    status, type, title = 410, "order_ended", "Order ended"


class SaleClosed(Problem):
    """The night is not on sale now, or a ticket type of it no more."""

    status, type, title = 409, "sale_closed", "Not on sale"


class OrderRefused(Problem):
    """It cannot be meant like this: an unknown ticket type, a code that is not valid, too many for one person."""

    status, type, title = 422, "order_refused", "Order refused"


class CodeNotValid(OrderRefused):
    """There is no such promo code, or it is used up: nobody is told which."""


REFUSALS: dict[str, tuple[type[Problem], str]] = {
    "sold_out": (SoldOut, "There are not enough tickets left for this order. Nothing was taken."),
    "price_changed": (
        PriceChanged,
        "The price has gone up since you looked. Nothing was taken; look at the new price.",
    ),
    "idempotency_conflict": (
        IdempotencyConflict,
        "This key was used for another order. Start again from the event page.",
    ),
    "order_ended": (OrderEnded, "This order has ended and nothing was paid. Start again from the event page."),
    "sale_closed": (SaleClosed, "This night is not on sale right now."),
    "entry_ended": (SaleClosed, "Entry with these tickets has ended, so they are no longer sold. Nothing was taken."),
    "unknown_ticket_type": (OrderRefused, "This night has no such ticket type."),
    "promo_not_valid": (CodeNotValid, "This code is not valid for this night, or it is used up."),
    "below_minimum": (OrderRefused, "With this code the total is below what a card payment can carry."),
    "above_maximum": (OrderRefused, "That is more than one card payment can carry. Order fewer tickets at once."),
    "person_limit": (OrderRefused, "That is more tickets than one person may buy for this night."),
}
ABOUT_CODES = ("promo_not_valid", "below_minimum")


class Line(msgspec.Struct, frozen=True):
    """`quantity` 1 to 10 of one ticket type; `seen_minor` the unit price that the buyer saw, None to take any."""

    ticket_type_id: UUID
    quantity: int
    seen_minor: int | None = None
    holder_names: tuple[str, ...] = ()


class Request(msgspec.Struct, frozen=True):
    """An order as it is asked for; `key` is the caller's idempotency key."""

    key: str
    email: str
    lines: tuple[Line, ...]
    promo_code: str | None = None

    def key_hash(self) -> bytes:
        """32 bytes under which the key is stored."""
        return hashlib.sha256(self.key.encode()).digest()

    def fingerprint(self) -> bytes:
        """32 bytes that differ when another order is asked for under the same key."""
        parts = (
            self.email,
            self.promo_code,
            [(str(line.ticket_type_id), line.quantity, line.holder_names) for line in self.lines],
        )
        return hashlib.sha256(msgspec.json.encode(parts)).digest()


@dataclass(frozen=True, slots=True)
class Placed:
    """An order whose units are held until `held_until`. `turn_seconds` is how long a fresh one that is to be paid waits
    for its turn at Stripe."""

    id: UUID
    code: str
    status: str
    total_minor: int
    held_until: datetime
    turn_seconds: float | None = field(default=None, compare=False)
    fresh: bool = field(default=True, compare=False)
    """False when the key had placed it before."""


class Outcome(msgspec.Struct, frozen=True):
    """One row of the batch statement: `placed`, or the name of a refusal."""

    number: int
    outcome: str
    code: str | None
    status: str | None
    total_minor: int | None
    held_until: datetime | None
    detail_minor: int | None
    id: UUID | None
    turn_seconds: float | None


PLACE = Query(
    Outcome,
    """
SELECT number, outcome, code, status, total_minor, held_until, detail_minor, id, turn_seconds FROM place_orders($1, $2,
  $3::uuid[], $4::text[], $5::text[], $6::bytea[], $7::bytea[], $8::text[],
  $9::integer[], $10::uuid[], $11::integer[], $12::bigint[], $13::text[], $14, $15)
""",
)


class Counter(msgspec.Struct, frozen=True):
    """Where one event's orders are placed: `flush` is for its batcher. `minimum_minor` is the smallest card payment,
    `pace` the line before Stripe, where there is a Stripe."""

    db: Database
    event_id: UUID
    short_code: str
    minimum_minor: int
    pace: Pace | None = None

    async def flush(self, requests: list[Request]) -> list[Placed | Problem]:
        """Places a batch in arrival order, each whole or not at all; answers in the same order.

        Requests under one key that wait together are one order: the first is placed, the others answered by it.
        """
        keys = [request.key_hash() for request in requests]
        first: dict[bytes, Request] = {}
        for key, request in zip(keys, requests, strict=True):
            first.setdefault(key, request)
        ids = [new_id() for _ in first]
        outcomes = dict(zip(first, await self._place(first, ids), strict=True))
        return [
            _answer(request, first[key], outcomes[key], set(ids)) for key, request in zip(keys, requests, strict=True)
        ]

    async def _place(self, requests_by_key: dict[bytes, Request], ids: list[UUID]) -> list[Outcome]:
        requests = list(requests_by_key.values())
        lines = [(number, line) for number, request in enumerate(requests, 1) for line in request.lines]
        rows = await self.db.attempt(
            PLACE.all,
            self.event_id,
            self.minimum_minor,
            ids,
            [with_check(self.short_code + random_code(ORDER_CODE_LENGTH)) for _ in requests],
            [request.email for request in requests],
            list(requests_by_key),
            [request.fingerprint() for request in requests],
            [request.promo_code for request in requests],
            [number for number, _ in lines],
            [line.ticket_type_id for _, line in lines],
            [line.quantity for _, line in lines],
            [line.seen_minor for _, line in lines],
            [_text_array(line.holder_names) for _, line in lines],
            self.pace and self.pace.name,
            self.pace and self.pace.interval,
        )
        return sorted(rows, key=lambda row: row.number)


def _answer(request: Request, placed_for: Request, outcome: Outcome, new: set[UUID]) -> Placed | Problem:
    name = outcome.outcome
    if name == "placed" and request is not placed_for and request.fingerprint() != placed_for.fingerprint():
        name = "idempotency_conflict"
    if name != "placed":
        kind, sentence = REFUSALS[name]
        about_code = name in ABOUT_CODES and request.promo_code is not None
        problem = kind(sentence, (FieldError("promo_code", sentence),) if about_code else ())
        if isinstance(problem, PriceChanged) and outcome.detail_minor is not None:
            problem.price_minor = outcome.detail_minor
        return problem
    assert outcome.id is not None
    assert outcome.code is not None
    assert outcome.status is not None
    assert outcome.total_minor is not None
    assert outcome.held_until is not None
    fresh = outcome.id in new and request is placed_for
    return Placed(
        outcome.id, outcome.code, outcome.status, outcome.total_minor, outcome.held_until, outcome.turn_seconds, fresh
    )


def _text_array(names: tuple[str, ...]) -> str:
    """The names as one PostgreSQL array literal: arrays of arrays must be rectangular, and these are not."""
    quoted = ('"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"' for name in names)
    return "{" + ",".join(quoted) + "}"
