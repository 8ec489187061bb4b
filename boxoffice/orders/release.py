"""Ending orders that are not paid: only once Stripe said that no session of theirs can be paid any more."""

from collections.abc import Sequence
from uuid import UUID

from boxoffice.foundation import logs
from boxoffice.foundation.db import Command, Connection
from boxoffice.foundation.problems import Unavailable
from boxoffice.orders.fulfil import fulfil
from boxoffice.orders.give_back import ATTEMPTS, LOCK_ORDER, AttemptState, end_when_nothing_is_open
from boxoffice.orders.order import OrderView, show_order
from boxoffice.orders.pay import NEVER_SENT, AttemptRef, send_again
from boxoffice.orders.till import Till
from boxoffice.payments.stripe import StripeProblem, StripeRefused

REASON = Command("UPDATE orders SET ended_reason = $3 WHERE event_id = $1 AND id = $2 AND ended_reason IS NULL")
ENDED_ELSEWHERE = Command("""
UPDATE payment_attempt SET status = 'expired', problem = 'Stripe knows no such session'
WHERE event_id = $1 AND order_id = $2 AND number = $3 AND status = 'open' AND session_expires_at <= clock()
""")
UNTIL_IT_ENDS = Command("""
UPDATE orders SET held_until = session_expires_at FROM payment_attempt AS attempt
WHERE orders.event_id = $1 AND orders.id = $2 AND attempt.event_id = $1 AND attempt.order_id = $2
  AND attempt.number = $3 AND attempt.status = 'open'
""")
EXTEND = Command("""
UPDATE orders SET held_until = clock() + interval '5 minutes', extended = true
WHERE event_id = $1 AND id = $2 AND status = 'paying' AND NOT extended
""")


async def give_up(till: Till, view: OrderView) -> OrderView:
    """The buyer gives up: every session is ended first, then the units go back. If it turns out paid, it is paid.

    Raises Unavailable when Stripe does not answer: the units then stay held until it does.
    """
    await end(till, view.order.event_id, view.order.id, "given_up")
    async with till.db.transaction() as connection:
        return await show_order(connection, view.order.code)


async def end_hold(till: Till, event_id: UUID, order_id: UUID) -> None:
    """The hold's time is over: a payment that is under way at this moment gets five minutes, once, and so does one that
    could not be made because Stripe was away until lately.

    Raises StripeProblem when Stripe does not say whether one is under way: then nothing is ended yet.
    """
    async with till.db.transaction() as connection:
        order = await LOCK_ORDER.first(connection, event_id, order_id)
        attempts = await ATTEMPTS.all(connection, event_id, order_id)
    if order is None or not order.hold_is_over or order.status not in ("held", "paying"):
        return
    if not order.extended and order.ended_reason is None and await _deserves_more_time(till, attempts):
        async with till.db.transaction() as connection:
            await EXTEND.run(connection, event_id, order_id)
        return
    await end(till, event_id, order_id, "hold_ended")


async def end(till: Till, event_id: UUID, order_id: UUID, reason: str) -> None:
    """Ends what is open of an order and releases it, unless it turns out paid. Raises Unavailable."""
    for attempt in await till.db.attempt(_end_what_is_ours, event_id, order_id, reason):
        if attempt.status in ("sending", "open"):
            await _end_attempt(till, AttemptRef(event_id, order_id, attempt.number), attempt.session_id)


async def _end_what_is_ours(
    connection: Connection, event_id: UUID, order_id: UUID, reason: str
) -> Sequence[AttemptState]:
    """Ends the attempts that Stripe never heard of, and the order when it has no others; returns the attempts."""
    order = await LOCK_ORDER.first(connection, event_id, order_id)
    if order is None or order.status not in ("held", "paying"):
        return ()
    logs.note(order=order.code)
    await NEVER_SENT.run(connection, event_id, order_id)
    await REASON.run(connection, event_id, order_id, reason)
    await end_when_nothing_is_open(connection, event_id, order_id)
    return await ATTEMPTS.all(connection, event_id, order_id)


async def _end_attempt(till: Till, ref: AttemptRef, session_id: str | None) -> None:
    if session_id is None:
        session_id = await _session_of_lost_answer(till, ref)
    if session_id is None:
        return
    try:
        session = await till.stripe_or_closed().expire_session(session_id)
    except StripeProblem as problem:
        if isinstance(problem, StripeRefused) and problem.code == "resource_missing":
            await _wait_until_it_ends(till, ref)
            return
        raise _no_answer() from problem
    await till.db.attempt(fulfil, till, session)


async def _wait_until_it_ends(till: Till, ref: AttemptRef) -> None:
    """A session of another account (the keys were changed) cannot be ended by us: the units stay held as long as it can
    be paid there."""
    key = (ref.event_id, ref.order_id, ref.number)
    async with till.db.transaction() as connection:
        await LOCK_ORDER.first(connection, ref.event_id, ref.order_id)
        if await ENDED_ELSEWHERE.run(connection, *key):
            await end_when_nothing_is_open(connection, ref.event_id, ref.order_id)
        else:
            await UNTIL_IT_ENDS.run(connection, *key)


async def _session_of_lost_answer(till: Till, ref: AttemptRef) -> str | None:
    """Repeats the call under its key to learn which session it made; None when it made none and the order is over."""
    await send_again(till, ref, at_once=True)
    attempt = await till.db.attempt(_end_when_refused, ref)
    if attempt.status == "refused":
        return None
    if attempt.session_id is None:
        raise _no_answer()
    return attempt.session_id


async def _end_when_refused(connection: Connection, ref: AttemptRef) -> AttemptState:
    await LOCK_ORDER.first(connection, ref.event_id, ref.order_id)
    attempts = await ATTEMPTS.all(connection, ref.event_id, ref.order_id)
    attempt = next(one for one in attempts if one.number == ref.number)
    if attempt.status == "refused":
        await NEVER_SENT.run(connection, ref.event_id, ref.order_id)
        await end_when_nothing_is_open(connection, ref.event_id, ref.order_id)
    return attempt


def _no_answer() -> Unavailable:
    return Unavailable("The payment service does not answer. Your tickets stay held; try again in a minute.")


async def _deserves_more_time(till: Till, attempts: list[AttemptState]) -> bool:
    payable = any(attempt.status in ("sending", "open") for attempt in attempts)
    return await _under_way(till, attempts) or (payable and (await till.breaker.state()).recently_back)


async def _under_way(till: Till, attempts: list[AttemptState]) -> bool:
    for attempt in attempts:
        if attempt.status == "open" and attempt.session_id is not None:
            try:
                session = await till.stripe_or_closed().retrieve_session(attempt.session_id)
            except StripeRefused:
                return False
            if session.status == "open" and session.payment_intent_status in ("requires_action", "processing"):
                return True
    return False
