"""What taking money needs: the database, Stripe, the line before it, and each night's counter in this process."""

from uuid import UUID

import msgspec

from boxoffice.catalogue.events import no_such_event
from boxoffice.foundation.batcher import Batcher
from boxoffice.foundation.db import LOST, Database, Query
from boxoffice.foundation.money import minimum_minor
from boxoffice.foundation.problems import Problem, Unavailable
from boxoffice.orders.place import Counter, Placed, Request
from boxoffice.payments.breaker import Breaker
from boxoffice.payments.pacing import Pace
from boxoffice.payments.stripe import Stripe

CROWDED = "Very many people are buying right now. Nothing was taken; try again in a few seconds."


class _Night(msgspec.Struct, frozen=True):
    id: UUID
    short_code: str
    currency: str


NIGHT = Query(_Night, "SELECT id, short_code, currency FROM event WHERE slug = $1 AND status <> 'draft'")


class NightCounter(msgspec.Struct, frozen=True):
    """Where one night's orders are placed: those that wait at the same moment together."""

    event_id: UUID
    currency: str
    orders: Batcher[Request, Placed | Problem]


class Till(msgspec.Struct, frozen=True):
    """`stripe` is None while no keys are set: then only free orders can be placed. `base_url` marks our sessions.
    `breaker` says whether Stripe answers, `pace` is the line for sessions."""

    db: Database
    stripe: Stripe | None
    breaker: Breaker
    pace: Pace
    refund_pace: Pace
    livemode: bool
    base_url: str
    _counters: dict[str, NightCounter] = msgspec.field(default_factory=dict[str, NightCounter])

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
        pace = None if self.stripe is None else self.pace
        counter = Counter(self.db, night.id, night.short_code, minimum_minor(night.currency), pace)
        return NightCounter(night.id, night.currency, Batcher(counter.flush, crowded=CROWDED, fails_whole=LOST))
