"""Finds what nobody told us about: lost answers, ended holds, sessions that should have ended, events never delivered.

The searches here read across nights; everything they find is then worked one night at a time.
"""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from boxoffice.foundation import logs
from boxoffice.foundation.clock import now
from boxoffice.foundation.db import LOST, Command, Connection, Query
from boxoffice.foundation.problems import Unavailable
from boxoffice.orders.give_back import LOCK_ORDER, give_back_units
from boxoffice.orders.look import ask_stripe
from boxoffice.orders.on_stripe import EVENTS, note_event, work
from boxoffice.orders.pay import AttemptRef, send_again, send_in_turn
from boxoffice.orders.release import end_hold
from boxoffice.orders.till import Till
from boxoffice.payments import inbox
from boxoffice.payments.stripe import StripeProblem, StripeRefused
from boxoffice.payments.stripe_objects import Event

FOUND_MAX = 50
LIST_AGAIN_FROM = timedelta(minutes=10)
LISTED_FOR = timedelta(days=30)
HOURS_A_ROUND = 48


class _Waiting(msgspec.Struct, frozen=True):
    event_id: UUID
    order_id: UUID
    number: int
    status: str


class _Found(msgspec.Struct, frozen=True):
    event_id: UUID
    id: UUID


# A second after its turn: whoever ordered waits for it too, and has a page to show.
WAITING = Query(
    _Waiting,
    """
SELECT event_id, order_id, number::integer, status FROM payment_attempt
WHERE status IN ('queued', 'sending') AND (status = 'queued' AND turn_at < clock() - interval '1 second'
  OR status = 'queued' AND turn_at IS NULL AND created_at < clock() - interval '5 seconds'
  OR status = 'sending' AND next_try_at <= clock())
ORDER BY created_at LIMIT $1
""",
)
HOLDS_OVER = Query(
    _Found,
    """
SELECT event_id, id FROM orders WHERE status IN ('held', 'paying') AND held_until <= clock()
ORDER BY held_until LIMIT $1
""",
)
SESSIONS_OVER = Query(
    _Found,
    """
SELECT DISTINCT event_id, order_id AS id FROM payment_attempt
WHERE status = 'open' AND session_expires_at < clock() - interval '2 minutes' LIMIT $1
""",
)
SETTLING_OVER = Query(
    _Found, "SELECT event_id, id FROM orders WHERE status = 'settling' AND settle_until <= clock() LIMIT $1"
)
QUIET = Query(
    bool,
    """
SELECT NOT EXISTS (SELECT FROM orders WHERE status IN ('held', 'paying', 'settling', 'in_review'))
  AND NOT EXISTS (SELECT FROM refund WHERE status IN ('decided', 'pending')
    AND decided_at > clock() - interval '30 days')
""",
)
NOT_SETTLED = Command("""
UPDATE orders SET status = 'released', ended_reason = 'payment_failed'
WHERE event_id = $1 AND id = $2 AND status = 'settling' AND settle_until <= clock()
""")


async def repair(till: Till) -> int:
    """One bounded round of every search; returns how much was found. What fails is found again by the next round."""
    found = await _send_waiting(till)
    found += await _each(till, HOLDS_OVER, lambda one: end_hold(till, one.event_id, one.id))
    if till.stripe is None:
        return found
    found += await _each(till, SESSIONS_OVER, lambda one: ask_stripe(till, one.event_id, one.id))
    found += await _each(till, SETTLING_OVER, lambda one: _end_settling(till, one))
    return found + await work_events(till)


async def work_events(till: Till) -> int:
    """Works events that are written down and unhandled."""
    async with till.db.transaction() as connection:
        events = await inbox.due(connection, FOUND_MAX)
    for event in events:
        if not await _worked(till, event):
            break
    return len(events)


async def read_missed_events(till: Till) -> int:
    """Reads Stripe's own list since the last reading and works what was never delivered; returns how many that were.

    An hour of it at a time: after days without a worker this is a bounded round, and the next one carries on.
    """
    if till.stripe is None or await till.breaker.away():
        return 0
    found = 0
    for _ in range(HOURS_A_ROUND):
        async with till.db.transaction() as connection:
            since = await inbox.read_until(connection)
            moment = await now(connection)
        since = max(since, moment - LISTED_FOR)
        until = min(since + timedelta(hours=1), moment)
        try:
            listed = await till.stripe.events_between(since - LIST_AGAIN_FROM, until + LIST_AGAIN_FROM, EVENTS)
        except StripeProblem as problem:
            logs.warning("Stripe's list of events was not read", problem=type(problem).__name__)
            return found
        found += await _keep_missed(till, listed, until)
        if until >= moment:
            break
    return found


async def is_quiet(till: Till) -> bool:
    """Whether nothing is going on that Stripe might know more about than we do: its list need not be read every
    minute."""
    async with till.db.transaction() as connection:
        return bool(await QUIET.first(connection))


async def _keep_missed(till: Till, listed: list[Event], until: datetime) -> int:
    async with till.db.transaction() as connection:
        missed = await inbox.unseen(connection, listed)
        for event in missed:
            await inbox.keep(connection, event)
        await inbox.mark_read(connection, until)
    for event in missed:
        if not await _worked(till, event):
            break
    return len(missed)


async def _worked(till: Till, event: Event) -> bool:
    """Works an event; False when Stripe is away. An event that fails is kept with its error, and the next one comes."""
    with logs.bound():
        note_event(event)
        try:
            logs.info("event was worked later", outcome=await work(till, event))
        except StripeRefused as refused:
            logs.warning("event was refused by Stripe", problem=type(refused).__name__)
        except (StripeProblem, Unavailable) as problem:
            logs.warning("event waits for Stripe", problem=type(problem).__name__)
            return False
        except LOST:
            raise
        except Exception as error:  # noqa: BLE001 - kept with the event
            logs.error("event was not handled", problem=error)
        return True


async def _send_waiting(till: Till) -> int:
    if till.stripe is None or await till.breaker.away():
        return 0
    async with till.db.transaction() as connection:
        waiting = await WAITING.all(connection, FOUND_MAX)
    for attempt in waiting:
        with logs.bound(order_id=str(attempt.order_id)):
            try:
                await _send_one(till, attempt)
            except LOST:
                raise
            except Exception as error:  # noqa: BLE001 - as above
                logs.error("a payment was not opened", problem=error)
    return len(waiting)


async def _send_one(till: Till, attempt: _Waiting) -> None:
    ref = AttemptRef(attempt.event_id, attempt.order_id, attempt.number)
    await (send_again(till, ref) if attempt.status == "sending" else send_in_turn(till, ref))


async def _each(till: Till, search: Query[_Found], verb: Callable[[_Found], Awaitable[None]]) -> int:
    async with till.db.transaction() as connection:
        found = await search.all(connection, FOUND_MAX)
    for one in found:
        with logs.bound(order_id=str(one.id)):
            try:
                await verb(one)
            except (StripeProblem, Unavailable):
                return len(found)  # Stripe is away: the rest would wait for it too
            except LOST:
                raise
            except Exception as error:  # noqa: BLE001 - one order that fails must not keep the others waiting
                logs.error("an order was not repaired", problem=error)
    return len(found)


async def _end_settling(till: Till, one: _Found) -> None:
    """Looks once more; a bank that has not paid by now loses the units. Money after that is late money."""
    await ask_stripe(till, one.event_id, one.id)
    await till.db.attempt(release_unsettled, one.event_id, one.id)


async def release_unsettled(connection: Connection, event_id: UUID, order_id: UUID) -> None:
    """Gives back the units of a settling order whose time is over."""
    await LOCK_ORDER.first(connection, event_id, order_id)
    if await NOT_SETTLED.run(connection, event_id, order_id):
        await give_back_units(connection, event_id, order_id)
