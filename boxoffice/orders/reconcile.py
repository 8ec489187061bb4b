"""Comparing what is written here with what Stripe says, both ways, and healing what the rules allow.

Nothing is decided here: what heals is the same verbs that a webhook would have used, so doing it twice changes nothing.
Time is gone through a day at a time and lists a page at a time, so that a year needs no more memory than its busiest
day. Objects of other software on the same account are counted and left alone.
"""

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec

from boxoffice.foundation import logs
from boxoffice.foundation.clock import now
from boxoffice.foundation.db import Command, Connection, Query
from boxoffice.foundation.jobs import enqueue
from boxoffice.foundation.written import write_money
from boxoffice.orders.compare_disputes import disputes_that_may_move, listed_disputes, waits_for_a_bank
from boxoffice.orders.comparison import UNDER_WAY, Compared, Comparison, Difference
from boxoffice.orders.from_outside import record_refunds
from boxoffice.orders.fulfil import fulfil, read_marker
from boxoffice.orders.refund import settle_refund
from boxoffice.orders.send_refund import send_refund
from boxoffice.orders.till import Till
from boxoffice.payments.stripe import StripeProblem
from boxoffice.payments.stripe_objects import Intent, ListedRefund, Refund, Session

WINDOW = ALL_DAY = timedelta(days=1)
BEFORE_PAYMENT = timedelta(hours=1)
"""A payment received at the beginning of the first window was begun before it."""
PAGE = 500
EVERY = timedelta(minutes=10)
EVERY_WHEN_QUIET = timedelta(days=1)
"""Banks ask about payments for months after the last of them."""
LOOK_BACK = timedelta(minutes=70)
"""A session lives 40 minutes, and the list is read every ten."""
LOOK_BACK_MAX = timedelta(days=7)


class _Attempt(msgspec.Struct, frozen=True):
    place: int
    order: str
    order_status: str
    status: str
    env: str | None


class _Payment(msgspec.Struct, frozen=True):
    event_id: UUID
    payment_intent_id: str
    order: str
    amount_minor: int
    currency: str
    received_at: datetime


class _Refund(msgspec.Struct, frozen=True):
    event_id: UUID
    id: UUID
    refund_id: str | None
    payment_intent_id: str
    order: str
    amount_minor: int
    currency: str
    status: str
    decided_at: datetime
    is_asked_for: bool


class _Unpaid(msgspec.Struct, frozen=True):
    order: str
    total_minor: int
    currency: str


# These read across nights, as repair does.
ATTEMPTS = Query(
    _Attempt,
    """
SELECT marked.place::integer AS place, orders.code AS "order", orders.status AS order_status, attempt.status,
  attempt.parameters::jsonb #>> '{metadata,env}' AS env
FROM unnest($1::uuid[], $2::uuid[], $3::integer[]) WITH ORDINALITY AS marked (event_id, order_id, number, place)
JOIN orders ON orders.event_id = marked.event_id AND orders.id = marked.order_id
JOIN payment_attempt AS attempt ON attempt.event_id = marked.event_id AND attempt.order_id = marked.order_id
  AND attempt.number = marked.number
""",
)
_PAYMENT = """
SELECT payment.event_id, payment_intent_id, orders.code AS "order", amount_minor, payment.currency, received_at
FROM payment JOIN orders ON orders.event_id = payment.event_id AND orders.id = order_id
"""
PAYMENTS = Query(
    _Payment,
    f"""
{_PAYMENT}WHERE payment_intent_id = ANY($1)
""",
)
PAYMENTS_HERE = Query(
    _Payment,
    f"""
{_PAYMENT}WHERE received_at >= $1 AND received_at < $2 AND (received_at, payment_intent_id) > ($1, $3)
ORDER BY received_at, payment_intent_id LIMIT $4
""",
)
_REFUND = """
SELECT refund.event_id, refund.id, refund_id, payment_intent_id, orders.code AS "order", amount_minor, refund.currency,
  refund.status, decided_at, EXISTS (SELECT FROM job WHERE job.name = 'send_refund' AND subject = refund.id::text
    AND done_at IS NULL AND parked_at IS NULL) AS is_asked_for
FROM refund JOIN orders ON orders.event_id = refund.event_id AND orders.id = order_id
"""
REFUNDS = Query(
    _Refund,
    f"""
{_REFUND}WHERE refund_id = ANY($1) OR refund.id = ANY($2::uuid[])
""",
)
REFUNDS_HERE = Query(
    _Refund,
    f"""
{_REFUND}WHERE decided_at >= $1 AND decided_at < $2 AND (decided_at, refund.id) > ($1, $3)
ORDER BY decided_at, refund.id LIMIT $4
""",
)
UNPAID_HERE = Query(
    _Unpaid,
    """
SELECT code AS "order", total_minor, currency FROM orders
WHERE status IN ('paid', 'part_refunded') AND total_minor > 0 AND paid_at >= $1 AND paid_at < $2
  AND NOT EXISTS (SELECT FROM payment WHERE payment.event_id = orders.event_id AND payment.order_id = orders.id
    AND purpose = 'kept')
""",
)
READ_UNTIL = Query(
    lambda moment: moment,
    """
INSERT INTO event_list_mark AS mark (name, read_until) VALUES ('reconciled', clock() - $1::interval)
ON CONFLICT (name) DO UPDATE SET read_until = mark.read_until RETURNING read_until
""",
)
MARK_READ = Command("UPDATE event_list_mark SET read_until = $1 WHERE name = 'reconciled' AND read_until < $1")
ANYTHING = Query(
    bool,
    """
SELECT EXISTS (SELECT FROM orders WHERE status IN ('held', 'paying', 'settling', 'in_review'))
  OR EXISTS (SELECT FROM payment WHERE received_at >= $1) OR EXISTS (SELECT FROM refund WHERE decided_at >= $1)
""",
)

ZERO = UUID(int=0)


async def reconcile(
    till: Till,
    since: datetime,
    until: datetime,
    tell: Callable[[Difference], None],
    *,
    fix: bool,
    asked_since: datetime | None = None,
    show_progress: Callable[[Compared], None] = lambda _: None,
) -> Compared:
    """Compares everything between the two moments, and tells each difference once; `fix` heals what can be.

    Disputes that were opened before and may still move are asked for one by one: those whose time of day has come since
    `asked_since`, or all. Raises StripeProblem when Stripe does not answer.
    """
    run = _Run(till, until, tell, fix=fix)
    disputes: set[str] = set()
    start, before = since, await run.intents(since - BEFORE_PAYMENT, since)
    while start < until:
        end = min(start + WINDOW, until)
        await run.sessions(start, end)
        listed = await run.intents(start, end)
        await run.payments_here(start, end, before | listed)
        refunds = await run.refunds(start, end)
        await run.refunds_here(start, end, refunds)
        disputes |= await listed_disputes(run, start, end)
        start, before = end, listed
        run.compared.until = end
        show_progress(run.compared)
    await disputes_that_may_move(run, asked_since or until - ALL_DAY, disputes)
    return run.compared


async def reconcile_recent(till: Till) -> int:
    """What the worker does by itself: heals the last hour or so, every ten minutes while something is going on, and
    once a day while a bank may still take back what was sold.

    What is left raises an alarm, once. Returns how many differences there were.
    """
    if till.stripe is None or await till.breaker.away():
        return 0
    async with till.db.transaction() as connection:
        read_until = await READ_UNTIL.first(connection, LOOK_BACK)
        moment = await now(connection)
        assert read_until is not None
        since = max(read_until - LOOK_BACK, moment - LOOK_BACK_MAX)
        if not await _is_time(connection, moment, moment - read_until, since):
            return 0
    found: list[Difference] = []
    try:
        await reconcile(till, since, moment, found.append, fix=True, asked_since=read_until)
    except StripeProblem as problem:
        logs.warning("comparing with Stripe waits", problem=type(problem).__name__)
        return 0
    async with till.db.transaction() as connection:
        for one in found:
            logs.warning("Stripe and we differed", kind=one.kind, order=one.order, about=one.about, healed=one.healed)
            if one.healed is None:
                await enqueue(connection, "alarm", f"reconcile:{one.kind}:{one.about}", {"text": one.words})
        await MARK_READ.run(connection, moment)
    return len(found)


async def _is_time(connection: Connection, moment: datetime, passed: timedelta, since: datetime) -> bool:
    if passed < EVERY:
        return False
    if await ANYTHING.first(connection, since):
        return True
    return passed >= EVERY_WHEN_QUIET and await waits_for_a_bank(connection, moment)


class _Run(Comparison):
    """One comparison of sessions, payments and refunds."""

    async def sessions(self, since: datetime, until: datetime) -> None:
        """Sessions that have come to another end than we know. What they were paid is seen with their payments."""
        async for page in self.stripe.session_pages(since, until):
            attempts = await self._attempts([one.metadata for one in page])
            for session, attempt in zip(page, attempts, strict=True):
                self.compared.sessions += 1
                if attempt is None:
                    self.compared.foreign += 1
                else:
                    await self._session(session, attempt)

    async def _session(self, session: Session, attempt: _Attempt) -> None:
        about, money = session.id, (session.amount_total, session.currency)
        if session.status == "open" and attempt.status in ("expired", "refused"):
            words = f"order {attempt.order} has ended ({attempt.order_status}), and its session can still be paid"
            healed = await self._settled(await self.stripe.expire_session(session.id)) if self.fix else None
            self.found("session_open", about, attempt.order, words, money, healed)
        elif session.status == "expired" and attempt.status in ("open", "sending"):
            words = f"the session of order {attempt.order} has ended, and the order still waits for it"
            healed = await self._settled(session) if self.fix else None
            self.found("session_ended", about, attempt.order, words, money, healed)
        elif session.status == "complete" and not session.paid and attempt.status in ("open", "sending", "refused"):
            words = (
                f"{write_money(*money)} is on its way from a bank, and order {attempt.order} is {attempt.order_status}"
            )
            healed = await self._settled(await self.stripe.retrieve_session(session.id)) if self.fix else None
            self.found("session_complete", about, attempt.order, words, money, healed)

    async def intents(self, since: datetime, until: datetime) -> set[str]:
        """Payments that Stripe has and we have not, or of another amount; the ids of all that were paid."""
        paid: set[str] = set()
        async for page in self.stripe.intent_pages(since, until):
            received = [one for one in page if one.status == "succeeded"]
            paid.update(one.id for one in received)
            known = await self._payments(one.id for one in received)
            attempts = await self._attempts([one.metadata for one in received])
            for intent, attempt in zip(received, attempts, strict=True):
                self.compared.payments += 1
                await self._intent(intent, known.get(intent.id), attempt)
        return paid

    async def _intent(self, intent: Intent, known: _Payment | None, attempt: _Attempt | None) -> None:
        money = (intent.received_minor, intent.currency)
        if known is not None:
            if money != (known.amount_minor, known.currency):
                here = write_money(known.amount_minor, known.currency)
                words = f"{write_money(*money)} was paid for order {known.order} at Stripe, {here} is written here"
                self.found("amount", intent.id, known.order, words, money)
        elif attempt is not None:
            await self._not_received(intent, attempt)
        elif read_marker(intent.metadata) and intent.metadata.get("env") == self.till.base_url:
            order = intent.metadata.get("order", "")
            words = f"{write_money(*money)} was paid for order {order}, which is not in this database"
            self.found("unknown_order", intent.id, None, words, money)
        else:
            self.compared.foreign += 1

    async def _not_received(self, intent: Intent, attempt: _Attempt) -> None:
        if intent.paid_at is not None and self.is_under_way(intent.paid_at):
            return
        money = (intent.received_minor, intent.currency)
        healed = None
        if self.fix:
            sessions = await self.stripe.sessions_of_payment(intent.id)
            outcomes = [await self._settled(session) for session in sessions]
            healed = ",".join(one for one in outcomes if one) or None
        words = f"{write_money(*money)} was paid for order {attempt.order}, and here it is {attempt.order_status}"
        self.found("not_received", intent.id, attempt.order, words, money, healed)

    async def payments_here(self, since: datetime, until: datetime, listed: set[str]) -> None:
        """Payments that are written here and that Stripe has not; and paid orders without any."""
        moment, last = since, ""
        until = min(until, self.until - UNDER_WAY)
        while True:
            async with self.till.db.transaction() as connection:
                page = await PAYMENTS_HERE.all(connection, moment, until, last, PAGE)
            for payment in page:
                if payment.payment_intent_id in listed:
                    continue
                # It was begun in another window, or it is not there.
                intent = await self.stripe.retrieve_intent(payment.payment_intent_id)
                if intent is None or intent.status != "succeeded":
                    money = (payment.amount_minor, payment.currency)
                    words = f"{write_money(*money)} is written as paid for order {payment.order}, without such a charge"
                    self.found("no_charge", payment.payment_intent_id, payment.order, words, money)
            if len(page) < PAGE:
                break
            moment, last = page[-1].received_at, page[-1].payment_intent_id
        async with self.till.db.transaction() as connection:
            unpaid = await UNPAID_HERE.all(connection, since, until)
        for one in unpaid:
            money = (one.total_minor, one.currency)
            words = f"order {one.order} over {write_money(*money)} has tickets, and no payment is written for it"
            self.found("no_payment", one.order, one.order, words, money)

    async def refunds(self, since: datetime, until: datetime) -> set[str]:
        """Refunds that Stripe has and we have not, or that came out otherwise; the ids of all."""
        seen: set[str] = set()
        async for page in self.stripe.refund_pages(since, until):
            seen.update(one.refund.id for one in page)
            known = await self._refunds_of(page)
            payments = await self._payments(one.payment_intent for one in page if one.payment_intent)
            for listed in page:
                self.compared.refunds += 1
                ours = known.get(listed.refund.id) or known.get(listed.refund.metadata.get("refund_id", ""))
                await self._refund(listed, ours, payments.get(listed.payment_intent or ""))
        return seen

    async def _refund(self, listed: ListedRefund, ours: _Refund | None, payment: _Payment | None) -> None:
        money = (listed.refund.amount_minor, listed.refund.currency)
        if ours is not None:
            await self._refund_known(listed, ours)
        elif payment is None:
            self.compared.foreign += 1
        elif not self.is_under_way(listed.created_at) and listed.refund.outcome != "failed":
            healed = await self._recorded(payment) if self.fix else None
            words = f"{write_money(*money)} of order {payment.order} was refunded at Stripe, and nothing here says so"
            self.found("refund_unknown", listed.refund.id, payment.order, words, money, healed)

    async def _refund_known(self, listed: ListedRefund, ours: _Refund) -> None:
        refund = listed.refund
        money = (refund.amount_minor, refund.currency)
        if money != (ours.amount_minor, ours.currency):
            here = write_money(ours.amount_minor, ours.currency)
            words = f"{write_money(*money)} of order {ours.order} was refunded at Stripe, {here} is written here"
            self.found("refund_amount", refund.id, ours.order, words, money)
        theirs = refund.outcome
        if theirs == ours.status:
            return
        if self.is_under_way(listed.created_at):
            return
        healed = await self._refund_settled(ours, listed.refund) if self.fix else None
        words = f"the refund of {write_money(*money)} for order {ours.order} is {theirs} at Stripe, {ours.status} here"
        self.found("refund_status", refund.id, ours.order, words, money, healed)

    async def refunds_here(self, since: datetime, until: datetime, listed: set[str]) -> None:
        """Refunds that were decided here and that Stripe has not."""
        moment, last = since, ZERO
        until = min(until, self.until - UNDER_WAY)
        while True:
            async with self.till.db.transaction() as connection:
                page = await REFUNDS_HERE.all(connection, moment, until, last, PAGE)
            for ours in page:
                if ours.status == "decided":
                    await self._decided(ours)
                elif ours.refund_id and ours.refund_id.startswith("re_") and ours.refund_id not in listed:
                    await self._not_listed(ours)
            if len(page) < PAGE:
                return
            moment, last = page[-1].decided_at, page[-1].id

    async def _decided(self, ours: _Refund) -> None:
        if ours.is_asked_for:
            self.compared.under_way += 1
            return
        money = (ours.amount_minor, ours.currency)
        healed = None
        if self.fix:
            # Looked for first: after a day Stripe may have forgotten the key under which it was sent.
            there = await self.stripe.refunds_of_payment(ours.payment_intent_id)
            same = next((one for one in there if one.metadata.get("refund_id") == str(ours.id)), None)
            if same is not None:
                healed = await self._refund_settled(ours, same)
            else:
                await send_refund(self.till, ours.event_id, ours.id)
                healed = "sent"
        words = f"{write_money(*money)} of order {ours.order} should go back, and Stripe was not told"
        self.found("refund_not_sent", str(ours.id), ours.order, words, money, healed)

    async def _not_listed(self, ours: _Refund) -> None:
        assert ours.refund_id is not None
        if await self.stripe.retrieve_refund(ours.refund_id) is None:
            money = (ours.amount_minor, ours.currency)
            words = (
                f"{write_money(*money)} of order {ours.order} is written as {ours.status} refund, and Stripe has none"
            )
            self.found("refund_missing", ours.refund_id, ours.order, words, money)

    async def _settled(self, session: Session) -> str | None:
        """What the session asked for, once it is done; None when nothing came of it."""
        outcome = await self.till.db.attempt(fulfil, self.till, session)
        return None if outcome in ("foreign", "unknown_order", "open") else outcome

    async def _refund_settled(self, ours: _Refund, refund: Refund) -> str | None:
        outcome = await self.till.db.attempt(settle_refund, ours.event_id, ours.id, refund)
        return None if outcome == "known" else outcome

    async def _recorded(self, payment: _Payment) -> str | None:
        refunds = await self.stripe.refunds_of_payment(payment.payment_intent_id)
        outcome = await self.till.db.attempt(record_refunds, payment.event_id, payment.payment_intent_id, refunds)
        return None if outcome == "unknown_order" else outcome

    async def _attempts(self, marked: list[Any]) -> list[_Attempt | None]:
        """The attempt that each metadata names; None for another application's, and for another box office's."""
        markers = [read_marker(metadata) for metadata in marked]
        places = [place for place, marker in enumerate(markers) if marker is not None]
        keys = [marker for marker in markers if marker is not None]
        async with self.till.db.transaction() as connection:
            found = await ATTEMPTS.all(
                connection, [key[0] for key in keys], [key[1] for key in keys], [key[2] for key in keys]
            )
        attempts: list[_Attempt | None] = [None] * len(marked)
        for one in found:
            place = places[one.place - 1]
            if marked[place].get("env") in (self.till.base_url, one.env):
                attempts[place] = one
        return attempts

    async def _payments(self, ids: Iterable[str]) -> dict[str, _Payment]:
        async with self.till.db.transaction() as connection:
            return {one.payment_intent_id: one for one in await PAYMENTS.all(connection, list(ids))}

    async def _refunds_of(self, page: list[ListedRefund]) -> dict[str, _Refund]:
        """Ours, by Stripe's id and by our own."""
        named = [_uuid(one.refund.metadata.get("refund_id", "")) for one in page]
        async with self.till.db.transaction() as connection:
            found = await REFUNDS.all(connection, [one.refund.id for one in page], [one for one in named if one])
        return {key: one for one in found for key in (str(one.id), one.refund_id) if key}


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
