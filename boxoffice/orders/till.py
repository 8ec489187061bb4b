"""What taking money needs: the database, Stripe, the line before it, and each night's counter in this process."""

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from boxoffice.catalogue.events import no_such_event
from boxoffice.foundation.batcher import Batcher
from boxoffice.foundation.db import LOST, Command, Database, Query
from boxoffice.foundation.money import minimum_minor
from boxoffice.foundation.problems import Problem, Unavailable
from boxoffice.orders.place import Counter, Placed, Request
from boxoffice.payments.breaker import Breaker
from boxoffice.payments.pacing import Pace
from boxoffice.payments.stripe import Stripe


@dataclass(frozen=True, slots=True)
class _Night:
    id: UUID
    short_code: str
    currency: str


NIGHT = Query(_Night, "SELECT id, short_code, currency FROM event WHERE slug = $1 AND status <> 'draft'")

# Found by `ANY`, not by a join: before the first ANALYZE the planner takes a night for a handful of rows, and a join
# would go through all of them once for each turn. An order has one queued attempt at most.
KEEP_IN_LINE = Command("""
UPDATE orders SET held_until =
  greatest(held_until, ($3::timestamptz[])[array_position($2::uuid[], id)] + interval '2 minutes')
WHERE event_id = $1 AND id = ANY ($2) AND status = 'held'
""")
GIVE_TURNS = Command("""
UPDATE payment_attempt SET turn_at = ($3::timestamptz[])[array_position($2::uuid[], order_id)]
WHERE event_id = $1 AND order_id = ANY ($2) AND status = 'queued'
""")


@dataclass(frozen=True, slots=True)
class Place:
    """A place in the line before Stripe for the attempt of an order that waits."""

    order_id: UUID
    turn_at: datetime


@dataclass(frozen=True, slots=True)
class NightCounter:
    """One night's batchers: orders to be placed, and orders to be kept in line."""

    event_id: UUID
    currency: str
    orders: Batcher[Request, Placed | Problem]
    line: Batcher[Place, None]


@dataclass(frozen=True, slots=True)
class Till:
    """`stripe` is None while no keys are set: then only free orders can be placed. `base_url` marks our sessions.
    `breaker` says whether Stripe answers, `pace` is the line for sessions."""

    db: Database
    stripe: Stripe | None
    breaker: Breaker
    pace: Pace
    refund_pace: Pace
    livemode: bool
    base_url: str
    _counters: dict[str, NightCounter] = field(default_factory=dict[str, NightCounter])

    def stripe_or_closed(self) -> Stripe:
        """Stripe. Raises Unavailable while no keys are set."""
        if self.stripe is None:
            raise Unavailable("Payments are not set up yet, so only free tickets can be had. Nothing was taken.")
        return self.stripe

    async def counter(self, slug: str) -> NightCounter:
        """The counter of a night's orders in this process. Raises NotFound."""
        known = self._counters.get(slug)
        if known is not None:
            return known
        async with self.db.transaction() as connection:
            night = await NIGHT.first(connection, slug) if "\0" not in slug else None
        if night is None:
            raise no_such_event()
        return self._counters.setdefault(slug, self._open_counter(night))

    def _open_counter(self, night: _Night) -> NightCounter:
        counter = Counter(self.db, night.id, night.short_code, minimum_minor(night.currency))

        async def keep_in_line(places: list[Place]) -> list[None]:
            orders = [place.order_id for place in places]
            turns = [place.turn_at for place in places]
            async with self.db.transaction() as connection:
                await KEEP_IN_LINE.run(connection, night.id, orders, turns)
                await GIVE_TURNS.run(connection, night.id, orders, turns)
            return [None for _ in places]

        return NightCounter(
            night.id, night.currency, Batcher(counter.flush, fails_whole=LOST), Batcher(keep_in_line, fails_whole=LOST)
        )
