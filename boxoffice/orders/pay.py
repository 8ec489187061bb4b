"""Opening payments: a session at Stripe for each attempt, in turn, with `paying` committed before the call."""

import asyncio
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec

from boxoffice.foundation import logs
from boxoffice.foundation.db import Command, Connection, Query, as_moment
from boxoffice.orders.give_back import end_when_nothing_is_open
from boxoffice.orders.order import LINES, OrderView, show_order
from boxoffice.orders.place import Placed
from boxoffice.orders.till import Till
from boxoffice.payments.stripe import Stripe, StripeBusy, StripeProblem, StripeRefused, StripeTooFast
from boxoffice.payments.stripe_objects import Session

APP = "boxoffice"
WAIT_SECONDS_MAX = 2.0
ASK_EVERY_SECONDS = 0.15
SESSION_LIFE = timedelta(minutes=40)
TRIES_BEFORE_LISTING = 5
ASK_AWAY_AGAIN_SECONDS = 5.0


class Checkout(msgspec.Struct, frozen=True):
    """Where to pay, or when to ask again; `status` is the order's when it changed."""

    held_until: datetime
    url: str | None
    retry_after_seconds: float | None
    status: str | None = None


class AttemptRef(msgspec.Struct, frozen=True):
    """An attempt of an order, by its whole key."""

    event_id: UUID
    order_id: UUID
    number: int


class _Payable(msgspec.Struct, frozen=True):
    code: str
    email: str
    status: str
    currency: str
    held_until: datetime
    event_title: str
    at_the_door: bool
    now: datetime


class Sending(msgspec.Struct, frozen=True):
    """An attempt whose call is to be made: exactly these parameters under exactly this key, however often."""

    event_id: UUID
    order_id: UUID
    number: int
    idempotency_key: str
    parameters: str
    tries: int
    sent_at: datetime

    @property
    def ref(self) -> AttemptRef:
        """Its key."""
        return AttemptRef(self.event_id, self.order_id, self.number)


class Opened(msgspec.Struct, frozen=True):
    """A payment that can be made now: where, and how long the units are held for it."""

    url: str | None
    held_until: datetime


class _Latest(msgspec.Struct, frozen=True):
    number: int
    status: str
    session_url: str | None
    turn_at: datetime | None
    order_status: str
    held_until: datetime
    now: datetime


LOCK_PAYABLE = Query(
    _Payable,
    """
SELECT orders.code, orders.email, orders.status, orders.currency, orders.held_until, event.title AS event_title,
  EXISTS (SELECT FROM door_sale AS sale WHERE sale.event_id = orders.event_id AND order_id = orders.id) AS at_the_door,
  clock() AS now
FROM orders JOIN event ON event.id = orders.event_id WHERE event_id = $1 AND orders.id = $2 FOR UPDATE OF orders
""",
)
BEGIN = Query(
    Sending,
    """
UPDATE payment_attempt SET status = 'sending', parameters = $4, sent_at = clock(), tries = 1,
  next_try_at = clock() + interval '15 seconds'
WHERE event_id = $1 AND order_id = $2 AND number = $3 AND status = 'queued'
RETURNING event_id, order_id, number, idempotency_key, parameters, tries::integer, sent_at
""",
)
PAYING = Command("UPDATE orders SET status = 'paying' WHERE event_id = $1 AND id = $2 AND status = 'held'")
STORE = Command("""
UPDATE payment_attempt SET status = 'open', session_id = $4, session_url = $5, session_expires_at = $6, problem = NULL
WHERE event_id = $1 AND order_id = $2 AND number = $3 AND status = 'sending'
""")
STORED_BEFORE = Query(
    bool, "SELECT session_id = $4 FROM payment_attempt WHERE event_id = $1 AND order_id = $2 AND number = $3"
)
START_HOLD = Query(
    as_moment,
    """
UPDATE orders SET held_until = clock() + event.hold_minutes * interval '1 minute' FROM event
WHERE event.id = event_id AND event_id = $1 AND orders.id = $2 AND orders.status = 'paying'
  AND ended_reason IS NULL
RETURNING held_until
""",
)
TRY_AGAIN = Command("""
UPDATE payment_attempt SET next_try_at = clock() + $4::interval, problem = $5
WHERE event_id = $1 AND order_id = $2 AND number = $3 AND status = 'sending'
""")
CLAIM_SENDING = Query(
    Sending,
    """
UPDATE payment_attempt SET tries = tries + 1, next_try_at = clock() + interval '15 seconds'
WHERE event_id = $1 AND order_id = $2 AND number = $3 AND status = 'sending' AND (next_try_at <= clock() OR $4)
RETURNING event_id, order_id, number, idempotency_key, parameters, tries::integer, sent_at
""",
)
NEVER_SENT = Command("""
UPDATE payment_attempt SET status = 'expired' WHERE event_id = $1 AND order_id = $2 AND status = 'queued'
""")
REFUSE = Command("""
UPDATE payment_attempt SET status = 'refused', problem = $4
WHERE event_id = $1 AND order_id = $2 AND number = $3 AND status = 'sending'
""")
NEW_ATTEMPT = Command("""
INSERT INTO payment_attempt (event_id, order_id, number, idempotency_key, status, turn_at, created_at)
SELECT $1, $2, max(number) + 1, 'order:' || $2::uuid || ':attempt:' || max(number) + 1, 'queued', $3, clock()
FROM payment_attempt WHERE event_id = $1 AND order_id = $2
HAVING bool_and(status IN ('expired', 'refused'))
""")
LATEST = Query(
    _Latest,
    """
SELECT number::integer, payment_attempt.status, session_url, turn_at, orders.status AS order_status, held_until,
  clock() AS now
FROM payment_attempt JOIN orders ON orders.event_id = payment_attempt.event_id AND orders.id = order_id
WHERE payment_attempt.event_id = $1 AND order_id = $2 ORDER BY number DESC LIMIT 1
""",
)
END_REASON = Command("""
UPDATE orders SET ended_reason = $3 WHERE event_id = $1 AND id = $2 AND status = 'paying' AND ended_reason IS NULL
""")


KEEP_IN_LINE = Command("""
UPDATE orders SET held_until = greatest(held_until, $3::timestamptz + interval '2 minutes')
WHERE event_id = $1 AND id = $2 AND status = 'held'
""")
GIVE_TURN = Command("""
UPDATE payment_attempt SET turn_at = $3 WHERE event_id = $1 AND order_id = $2 AND status = 'queued'
""")
# A turn that nobody came for, or that never was given: taken now it would come on top of the others' turns.
LATE = Query(
    bool,
    """
SELECT turn_at IS NULL OR turn_at < clock() - interval '15 seconds' FROM payment_attempt
WHERE event_id = $1 AND order_id = $2 AND number = $3 AND status = 'queued'
""",
)
HOLD_ON = Command("""
UPDATE orders SET held_until = greatest(held_until, clock() + interval '2 minutes')
WHERE event_id = $1 AND id = $2 AND status IN ('held', 'paying') AND ended_reason IS NULL AND held_until > clock()
  AND created_at > clock() - interval '1 hour'
""")


async def open_payment(till: Till, event_id: UUID, placed: Placed) -> Checkout:
    """Opens the first payment of an order, waiting at most 2 s for its turn and for Stripe's answer.

    An order placed before under the same key is joined wherever it stands.
    """
    till.stripe_or_closed()
    if placed.fresh and placed.turn_seconds is not None:
        away = await till.breaker.away()
        if away or placed.turn_seconds > WAIT_SECONDS_MAX:
            return Checkout(placed.held_until, None, max(placed.turn_seconds, ASK_AWAY_AGAIN_SECONDS if away else 0.0))
        await asyncio.sleep(placed.turn_seconds)
        opened = await send(till, AttemptRef(event_id, placed.id, 1))
        if opened is not None:
            return Checkout(opened.held_until, opened.url, None, "paying")
    return await _wait_for_url(till, event_id, placed.id)


async def advance(till: Till, view: OrderView) -> OrderView:
    """What a poll of the order's page does: sends an attempt whose turn has come. Cheap when there is nothing to do.

    While Stripe is away the units stay held for whoever keeps looking, at most an hour: the time to pay begins with the
    address to pay at.
    """
    if view.order.status not in ("held", "paying") or not view.attempts or till.stripe is None:
        return view
    attempt = view.attempts[-1]
    if attempt.status not in ("queued", "sending"):
        return view
    ref = AttemptRef(view.order.event_id, view.order.id, attempt.number)
    if await till.breaker.away():
        async with till.db.transaction() as connection:
            await HOLD_ON.run(connection, ref.event_id, ref.order_id)
    elif attempt.status == "queued" and attempt.turn_at is not None and attempt.turn_at <= view.order.now:
        await send_in_turn(till, ref)
    elif attempt.status == "sending":
        await send_again(till, ref)
    else:
        return view
    async with till.db.transaction() as connection:
        return await show_order(connection, view.order.code)


async def send_in_turn(till: Till, ref: AttemptRef) -> None:
    """Makes the call of a queued attempt whose turn has come. One that comes late, as after an outage of Stripe's,
    takes a new turn: all at once would be more calls than Stripe allows."""
    if await till.pace.paused_seconds():
        return
    async with till.db.transaction() as connection:
        late = await LATE.first(connection, ref.event_id, ref.order_id, ref.number)
    if late:
        turn = await till.pace.turn()
        if turn.wait_seconds > WAIT_SECONDS_MAX:
            async with till.db.transaction() as connection:
                await KEEP_IN_LINE.run(connection, ref.event_id, ref.order_id, turn.at)
                await GIVE_TURN.run(connection, ref.event_id, ref.order_id, turn.at)
            return
        await asyncio.sleep(turn.wait_seconds)
    await send(till, ref)


async def send(till: Till, ref: AttemptRef) -> Opened | None:
    """Makes the call of a queued attempt, if nobody else has; what comes of it is in the database.

    Returns the payment when this call opened it, and None for everything else that may have come of it.
    """
    stripe = till.stripe_or_closed()
    async with till.db.transaction() as connection:
        sending = await _begin(connection, till, ref)
    return None if sending is None else await _call(till, stripe, sending)


async def send_again(till: Till, ref: AttemptRef, *, at_once: bool = False) -> None:
    """Repeats a call whose answer never came, with the same key and parameters, once its time has come."""
    stripe = till.stripe_or_closed()
    async with till.db.transaction() as connection:
        sending = await CLAIM_SENDING.first(connection, ref.event_id, ref.order_id, ref.number, at_once)
    if sending is None:
        return
    if sending.tries > TRIES_BEFORE_LISTING:
        await _look_for_session(till, stripe, sending)
    else:
        await _call(till, stripe, sending)


async def _begin(connection: Connection, till: Till, ref: AttemptRef) -> Sending | None:
    order = await LOCK_PAYABLE.first(connection, ref.event_id, ref.order_id)
    if order is None:
        return None
    if order.status not in ("held", "paying"):
        await NEVER_SENT.run(connection, ref.event_id, ref.order_id)  # or the worker would find it for ever
        return None
    if order.held_until <= order.now:
        return None
    logs.note(order=order.code)
    parameters = await _parameters(connection, till, ref, order)
    text = msgspec.json.encode(parameters).decode()
    sending = await BEGIN.first(connection, ref.event_id, ref.order_id, ref.number, text)
    if sending is not None:
        await PAYING.run(connection, ref.event_id, ref.order_id)
    return sending


async def _parameters(connection: Connection, till: Till, ref: AttemptRef, order: _Payable) -> dict[str, Any]:
    marker = {
        "app": APP,
        "env": till.base_url,
        "order": order.code,
        "event_id": str(ref.event_id),
        "order_id": str(ref.order_id),
        "attempt": str(ref.number),
    }
    lines = await LINES.all(connection, ref.event_id, ref.order_id)
    return {
        "mode": "payment",
        "submit_type": "book",
        "client_reference_id": str(ref.order_id),
        # Whoever pays at the door need not have told theirs: Stripe's page asks for it.
        **({"customer_email": order.email} if order.email else {}),
        # What settles days later lets nobody in tonight: cards alone, Apple Pay and Google Pay among them.
        **({"allowed_payment_method_types": ["card"]} if order.at_the_door else {}),
        "line_items": [
            {
                "quantity": line.quantity,
                "price_data": {
                    "currency": order.currency,
                    "unit_amount": line.unit_minor,
                    "product_data": {"name": f"{order.event_title}: {line.ticket_type}", "description": line.release},
                },
            }
            for line in lines
        ],
        "metadata": marker,
        "payment_intent_data": {"metadata": marker, "description": f"{order.event_title}, order {order.code}"},
        "success_url": f"{till.base_url}/orders/{order.code}/success?session_id={{CHECKOUT_SESSION_ID}}",
        "cancel_url": f"{till.base_url}/orders/{order.code}",
        "expires_at": int((order.now + SESSION_LIFE).timestamp()),
    }


async def _call(till: Till, stripe: Stripe, sending: Sending) -> Opened | None:
    ref = sending.ref
    try:
        session = await stripe.create_session(sending.parameters, sending.idempotency_key)
    except StripeRefused as refused:
        if refused.certain or sending.tries == 1:
            await _refused(till, ref, refused)
        else:
            await _try_again(till, sending, refused)
    except StripeProblem as problem:
        await _try_again(till, sending, problem)
    else:
        return await store(till, stripe, ref, session)
    return None


async def store(till: Till, stripe: Stripe, ref: AttemptRef, session: Session) -> Opened | None:
    """Keeps an attempt's session; a session that nobody waits for any more is ended at once.

    Returns the payment when its hold began with this.
    """
    key = (ref.event_id, ref.order_id, ref.number)
    async with till.db.transaction() as connection:
        order = await LOCK_PAYABLE.first(connection, ref.event_id, ref.order_id)  # the order first, as a webhook does
        stored = await STORE.run(connection, *key, session.id, session.url, session.expires_at)
        held_until = await START_HOLD.first(connection, ref.event_id, ref.order_id) if stored else None
        known = stored == 1 or await STORED_BEFORE.first(connection, *key, session.id)
    code = order.code if order else None
    logs.note(order=code, session=logs.tail(session.id))
    logs.info("payment opened" if known else "nobody waits for this payment", order=code, attempt=ref.number)
    if not known:
        with suppress(StripeProblem):  # open for 40 minutes at most; money on it is honoured or goes back
            await stripe.expire_session(session.id)
    return None if held_until is None else Opened(session.url, held_until)


async def _try_again(till: Till, sending: Sending, problem: StripeProblem) -> None:
    if isinstance(problem, StripeTooFast):
        await till.pace.pause()
    turn = await till.pace.turn()
    wait = turn.wait_seconds + (
        await till.breaker.away() if isinstance(problem, StripeBusy) else 2 ** min(sending.tries, 6)
    )
    ref = sending.ref
    logs.warning("a call waits for Stripe", order_id=str(ref.order_id), problem=type(problem).__name__)
    async with till.db.transaction() as connection:
        await TRY_AGAIN.run(
            connection, ref.event_id, ref.order_id, ref.number, timedelta(seconds=wait), str(problem)[:500]
        )


async def _refused(till: Till, ref: AttemptRef, refused: StripeRefused) -> None:
    """Nothing was made. Sent too late: a new attempt takes its turn. Anything else would be refused again."""
    turn = await till.pace.turn()
    async with till.db.transaction() as connection:
        order = await LOCK_PAYABLE.first(connection, ref.event_id, ref.order_id)
        await REFUSE.run(connection, ref.event_id, ref.order_id, ref.number, str(refused)[:500])
        logs.warning("Stripe refuses the payment", order=order.code if order else None, code=refused.code)
        if order is not None and refused.param == "expires_at":
            await NEW_ATTEMPT.run(connection, ref.event_id, ref.order_id, turn.at)
        else:
            logs.error("Stripe refused to open a payment", order_id=str(ref.order_id), problem=refused)
            await END_REASON.run(connection, ref.event_id, ref.order_id, "payment_refused")
            await end_when_nothing_is_open(connection, ref.event_id, ref.order_id)


async def _look_for_session(till: Till, stripe: Stripe, sending: Sending) -> None:
    """A failure stored under the key comes back for ever: look for the session itself, else start a new attempt."""
    ref = sending.ref
    mine: dict[str, str] = msgspec.json.decode(sending.parameters)["metadata"]
    try:
        sessions = await stripe.sessions_since(sending.sent_at - timedelta(minutes=1))
    except StripeProblem as problem:
        await _try_again(till, sending, problem)
        return
    for session in sessions:
        if mine.items() <= dict(session.metadata).items():
            await store(till, stripe, ref, session)
            return
    turn = await till.pace.turn()
    async with till.db.transaction() as connection:
        await LOCK_PAYABLE.first(connection, ref.event_id, ref.order_id)
        await REFUSE.run(connection, ref.event_id, ref.order_id, ref.number, "no session was made")
        await NEW_ATTEMPT.run(connection, ref.event_id, ref.order_id, turn.at)


async def _wait_for_url(till: Till, event_id: UUID, order_id: UUID) -> Checkout:
    loop = asyncio.get_running_loop()
    deadline = loop.time() + WAIT_SECONDS_MAX
    while True:
        async with till.db.transaction() as connection:
            latest = await LATEST.first(connection, event_id, order_id)
        assert latest is not None
        if latest.status == "open" or latest.order_status not in ("held", "paying"):
            return Checkout(latest.held_until, latest.session_url, None, latest.order_status)
        waiting = (latest.turn_at - latest.now) / timedelta(seconds=1) if latest.turn_at else 0.0
        if waiting > WAIT_SECONDS_MAX or loop.time() > deadline:
            return Checkout(latest.held_until, None, max(1.0, waiting), latest.order_status)
        await asyncio.sleep(ASK_EVERY_SECONDS)
