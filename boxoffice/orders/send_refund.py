"""The call that makes a decided refund, and a look at what became of those that wait."""

from uuid import UUID

import msgspec

from boxoffice.foundation import logs
from boxoffice.foundation.db import Command, Query
from boxoffice.orders.follow_disputes import drop_what_a_bank_took
from boxoffice.orders.from_outside import record_refunds
from boxoffice.orders.pay import APP
from boxoffice.orders.refund import LOCK_ORDER_OF, REFUND, RefundRow, refuse_refund, settle_refund
from boxoffice.orders.till import Till
from boxoffice.payments.stripe import StripeProblem, StripeRefused, StripeStuck

LOOKS_MAX = 20


class _Waiting(msgspec.Struct, frozen=True):
    event_id: UUID
    payment_intent_id: str


# Banks take days; each is looked at once a day.
LONG_PENDING = Query(
    _Waiting,
    """
UPDATE refund SET looked_at = clock()
WHERE (event_id, id) IN (SELECT event_id, id FROM refund
  WHERE status = 'pending' AND coalesce(looked_at, decided_at) < clock() - interval '1 day'
  ORDER BY decided_at LIMIT $1 FOR UPDATE SKIP LOCKED)
RETURNING event_id, payment_intent_id
""",
)
# Stripe keeps idempotency keys for a day at least.
IS_OLD = Query(bool, "SELECT decided_at < clock() - interval '20 hours' FROM refund WHERE event_id = $1 AND id = $2")
NEW_KEY = Command("""
UPDATE refund SET attempt = attempt + 1 WHERE event_id = $1 AND id = $2 AND attempt = $3 AND status = 'decided'
""")


async def send_refund(till: Till, event_id: UUID, refund_id: UUID) -> None:
    """Asks Stripe for a decided refund, with the decision as key. Raises StripeProblem: try again later.

    What Stripe refuses for good has either gone back by another refund, which is then written down, or has failed.
    After a day Stripe may have forgotten the key and would make a second one, so then its list is read first; and so it
    is when the key is stuck, before the next try takes a new one.
    """
    async with till.db.transaction() as connection:
        decided = await REFUND.first(connection, event_id, refund_id)
        is_old = await IS_OLD.first(connection, event_id, refund_id)
    if decided is not None and is_old and decided.status == "decided":
        await _compare(till, event_id, decided.payment_intent_id)
        async with till.db.transaction() as connection:
            decided = await REFUND.first(connection, event_id, refund_id)
    if decided is None or decided.status != "decided":
        return
    logs.note(payment_intent=decided.payment_intent_id)
    metadata = {
        "app": APP,
        "event_id": str(event_id),
        "refund_id": str(refund_id),
        "attempt": str(decided.attempt),
        "env": till.base_url,
    }
    stripe = till.stripe_or_closed()
    try:
        refund = await stripe.refund(decided.payment_intent_id, decided.amount_minor, metadata, decided.key)
    except StripeRefused as refused:
        if not refused.certain:
            raise
        await _refused(till, event_id, decided, str(refused))
        return
    except StripeStuck:
        await _compare(till, event_id, decided.payment_intent_id)
        async with till.db.transaction() as connection:
            await LOCK_ORDER_OF.first(connection, event_id, refund_id)
            await NEW_KEY.run(connection, event_id, refund_id, decided.attempt)
        raise
    await till.db.attempt(settle_refund, event_id, refund_id, refund)


async def look_at_refunds(till: Till) -> int:
    """Asks Stripe about refunds that have been pending for a day or more; returns how many payments were looked at."""
    if till.stripe is None:
        return 0
    async with till.db.transaction() as connection:
        waiting = {*await LONG_PENDING.all(connection, LOOKS_MAX)}
    for one in waiting:
        try:
            refunds = await till.stripe.refunds_of_payment(one.payment_intent_id)
        except StripeProblem:
            return len(waiting)
        await till.db.attempt(record_refunds, one.event_id, one.payment_intent_id, refunds)
    return len(waiting)


async def _refused(till: Till, event_id: UUID, decided: RefundRow, why: str) -> None:
    await _compare(till, event_id, decided.payment_intent_id)
    await till.db.attempt(refuse_refund, event_id, decided, why)
    await till.db.attempt(drop_what_a_bank_took, event_id, decided.payment_intent_id)


async def _compare(till: Till, event_id: UUID, intent: str) -> None:
    refunds = await till.stripe_or_closed().refunds_of_payment(intent)
    await till.db.attempt(record_refunds, event_id, intent, refunds)
