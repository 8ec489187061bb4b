"""What banks took back or asked about, compared with what is written here.

A dispute goes on for weeks after it was opened, and Stripe lists disputes by the moment of that alone. So each that may
still move is asked for by its id too, once a day by the worker: most move on a few times in their life.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from boxoffice.foundation.db import Connection, Query
from boxoffice.foundation.written import write_money
from boxoffice.orders.comparison import Comparison
from boxoffice.orders.dispute import record_dispute
from boxoffice.payments.dispute import DISPUTE_MOVES
from boxoffice.payments.stripe import StripeRefused
from boxoffice.payments.stripe_objects import Dispute

MAY_MOVE = tuple(status for status, moves in DISPUTE_MOVES.items() if moves)
MOVES_WITHIN = timedelta(days=180)
"""A dispute that has not moved for longer is asked for no more; a comparison since before it was opened still lists
it."""
PAGE = 500
NOTHING_CAME_OF_IT = ("known", "unknown_order", "dispute_unknown")


class _Dispute(msgspec.Struct, frozen=True):
    id: str
    event_id: UUID
    payment_intent_id: str
    order: str
    amount_minor: int
    currency: str
    status: str
    moved_at: datetime


class _Paid(msgspec.Struct, frozen=True):
    event_id: UUID
    payment_intent_id: str
    order: str


# These read across nights, as repair does.
_HERE = """
SELECT dispute.id, dispute.event_id, payment_intent_id, orders.code AS "order", amount_minor, dispute.currency,
  dispute.status, moved_at
FROM dispute JOIN orders ON orders.event_id = dispute.event_id AND orders.id = order_id
"""
KNOWN = Query(
    _Dispute,
    f"""
{_HERE}WHERE dispute.id = ANY($1)
""",
)
PAID = Query(
    _Paid,
    """
SELECT payment.event_id, payment_intent_id, orders.code AS "order"
FROM payment JOIN orders ON orders.event_id = payment.event_id AND orders.id = order_id
WHERE payment_intent_id = ANY($1)
""",
)
# Each has its time of day: that at which it was first written down.
THAT_MAY_MOVE = Query(
    _Dispute,
    f"""
{_HERE}WHERE dispute.status = ANY($1) AND moved_at >= $2 AND dispute.id > $5
  AND extract(epoch FROM $4::timestamptz - noted_at) % 86400 < extract(epoch FROM $4::timestamptz - $3::timestamptz)
ORDER BY dispute.id LIMIT $6
""",
)
POSTED = Query(
    str,
    """
SELECT DISTINCT ledger_entry.posting FROM unnest($1::text[]) AS named (posting)
JOIN ledger_entry ON ledger_entry.event_id = $2 AND ledger_entry.posting = named.posting
""",
)
WAITS_FOR_A_BANK = Query(
    bool,
    """
SELECT EXISTS (SELECT FROM dispute WHERE status = ANY($1) AND moved_at >= $2)
  OR EXISTS (SELECT FROM payment WHERE received_at >= $2)
""",
)


async def listed_disputes(run: Comparison, since: datetime, until: datetime) -> set[str]:
    """Disputes that were opened between the two and that we have not heard of, or see differently; the ids of all."""
    seen: set[str] = set()
    async for page in run.stripe.dispute_pages(since, until):
        seen.update(one.id for one in page)
        known = await _known(run, (one.id for one in page))
        paid = await _paid(run, (one.payment_intent for one in page if one.payment_intent))
        for theirs in page:
            run.compared.disputes += 1
            ours, payment = known.get(theirs.id), paid.get(theirs.payment_intent or "")
            if ours is not None:
                await _compare(run, theirs, ours)
            elif payment is None:
                run.compared.foreign += 1
            elif not run.is_under_way(theirs.created_at):
                await _unheard(run, theirs, payment)
    return seen


async def disputes_that_may_move(run: Comparison, since: datetime, listed: set[str]) -> None:
    """Asks for those that are written here and were not listed, if their time of day has come since `since`."""
    last = ""
    while True:
        async with run.till.db.transaction() as connection:
            oldest = run.until - MOVES_WITHIN
            page = await THAT_MAY_MOVE.all(connection, list(MAY_MOVE), oldest, since, run.until, last, PAGE)
        for ours in page:
            if ours.id not in listed:
                await _ask(run, ours)
        if len(page) < PAGE:
            return
        last = page[-1].id


async def waits_for_a_bank(connection: Connection, moment: datetime) -> bool:
    """Whether a bank may still say something about what was sold here."""
    return bool(await WAITS_FOR_A_BANK.first(connection, list(MAY_MOVE), moment - MOVES_WITHIN))


async def _ask(run: Comparison, ours: _Dispute) -> None:
    run.compared.disputes += 1
    try:
        theirs = await run.stripe.retrieve_dispute(ours.id)
    except StripeRefused as refused:
        if refused.code != "resource_missing":
            raise
        money = (ours.amount_minor, ours.currency)
        words = f"a dispute over {write_money(*money)} of order {ours.order} is written here, and Stripe has none"
        run.found("dispute_missing", ours.id, ours.order, words, money)
        return
    await _compare(run, theirs, ours)


async def _unheard(run: Comparison, theirs: Dispute, payment: _Paid) -> None:
    healed = await _recorded(run, theirs, payment.event_id, payment.payment_intent_id)
    money = (theirs.amount_minor, theirs.currency)
    words = (
        f"{write_money(*money)} of order {payment.order} is disputed at Stripe ({_in_words(theirs.status)}), and "
        f"nothing here says so"
    )
    run.found("dispute_unknown", theirs.id, payment.order, words, money, healed)


async def _compare(run: Comparison, theirs: Dispute, ours: _Dispute) -> None:
    money, order = (theirs.amount_minor, theirs.currency), ours.order
    if theirs.status != ours.status:
        if run.is_under_way(max(theirs.created_at, ours.moved_at)):
            return
        healed = await _recorded(run, theirs, ours.event_id, ours.payment_intent_id)
        words = (
            f"the dispute over {write_money(*money)} of order {order} is {_in_words(theirs.status)} at Stripe, "
            f"{_in_words(ours.status)} here"
        )
        run.found("dispute_status", theirs.id, order, words, money, healed)
        return
    unposted = await _unposted(run, theirs, ours)
    if unposted and not run.is_under_way(ours.moved_at):
        await _recorded(run, theirs, ours.event_id, ours.payment_intent_id)
        left = await _unposted(run, theirs, ours) if run.fix else unposted
        words = f"{_moved(unposted)} for the dispute of order {order} at Stripe, and the books here do not say so"
        run.found("dispute_funds", theirs.id, order, words, money, None if left else "posted")
    if money != (ours.amount_minor, ours.currency):
        here = write_money(ours.amount_minor, ours.currency)
        words = f"{write_money(*money)} of order {order} is disputed at Stripe, {here} is written here"
        run.found("dispute_amount", theirs.id, order, words, money)


async def _recorded(run: Comparison, theirs: Dispute, event_id: UUID, intent: str) -> str | None:
    """What its event would have done, with the dispute as it is now; None when nothing came of it."""
    if not run.fix:
        return None
    dispute = await run.stripe.retrieve_dispute(theirs.id)
    outcome = await run.till.db.attempt(record_dispute, event_id, intent, dispute)
    return None if outcome in NOTHING_CAME_OF_IT else outcome


async def _unposted(run: Comparison, theirs: Dispute, ours: _Dispute) -> dict[str, tuple[int, str]]:
    """What moved at Stripe and not in the books: posting -> what was taken, negative when it came back."""
    moved = {f"dispute:{one.id}": (-one.amount_minor, one.currency) for one in theirs.movements}
    moved |= {f"dispute_fee:{one.id}": (one.fee_minor, one.currency) for one in theirs.movements}
    moved = {posting: amount for posting, amount in moved.items() if amount[0]}
    async with run.till.db.transaction() as connection:
        posted = set(await POSTED.all(connection, list(moved), ours.event_id))
    return {posting: amount for posting, amount in moved.items() if posting not in posted}


def _moved(unposted: dict[str, tuple[int, str]]) -> str:
    """`€12.00 and a fee of €20.00 were taken`."""
    parts: list[str] = []
    for posting, (minor, currency) in unposted.items():
        fee = "a fee of " if posting.startswith("dispute_fee:") else ""
        parts.append(f"{fee}{write_money(abs(minor), currency)} {'was taken' if minor > 0 else 'came back'}")
    return " and ".join(parts)


async def _known(run: Comparison, ids: Iterable[str]) -> dict[str, _Dispute]:
    async with run.till.db.transaction() as connection:
        return {one.id: one for one in await KNOWN.all(connection, list(ids))}


async def _paid(run: Comparison, intents: Iterable[str]) -> dict[str, _Paid]:
    async with run.till.db.transaction() as connection:
        return {one.payment_intent_id: one for one in await PAID.all(connection, list(intents))}


def _in_words(status: str) -> str:
    return status.replace("_", " ")
