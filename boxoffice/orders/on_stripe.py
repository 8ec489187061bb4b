"""What Stripe's events mean to us: type of event -> verb.

Everything is right with three types alone (`checkout.session.completed`, `payment_intent.succeeded`,
`payment_intent.payment_failed`); the others are faster than the repair that would find the same.
"""

from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from uuid import UUID

import msgspec

from boxoffice.foundation import logs
from boxoffice.foundation.db import Command, Connection, Query
from boxoffice.foundation.problems import Problem
from boxoffice.orders.dispute import record_dispute
from boxoffice.orders.fraud_sign import record_fraud_sign
from boxoffice.orders.from_outside import record_refunds
from boxoffice.orders.fulfil import fulfil, read_marker, whose
from boxoffice.orders.pay import APP
from boxoffice.orders.refund import settle_refund
from boxoffice.orders.till import Till
from boxoffice.payments import inbox
from boxoffice.payments.payout import PAYOUT_EVENTS, note_payout
from boxoffice.payments.stripe import Stripe, StripeRefused
from boxoffice.payments.stripe_objects import Dispute, Event, Refund, Session, id_of, read_refund, read_session

SESSION_EVENTS = (
    "checkout.session.completed",
    "checkout.session.expired",
    "checkout.session.async_payment_succeeded",
    "checkout.session.async_payment_failed",
)
NEEDED = ("checkout.session.completed", "payment_intent.succeeded", "payment_intent.payment_failed")
"""With these alone everything ends right."""
REFUND_EVENTS = ("refund.created", "refund.updated", "refund.failed", "charge.refunded")
DISPUTE_EVENTS = (
    "charge.dispute.created",
    "charge.dispute.updated",
    "charge.dispute.closed",
    "charge.dispute.funds_withdrawn",
    "charge.dispute.funds_reinstated",
)
FRAUD_EVENTS = ("radar.early_fraud_warning.created", "review.opened", "review.closed")
ABOUT_A_PAYMENT = (*REFUND_EVENTS, *DISPUTE_EVENTS, *FRAUD_EVENTS)
"""Their objects need not carry anything of ours: the payment that they are about does."""
EVENTS = (
    *SESSION_EVENTS,
    "payment_intent.succeeded",
    "payment_intent.payment_failed",
    *ABOUT_A_PAYMENT,
    *PAYOUT_EVENTS,
)
"""Every type that is worked; others are written down and left alone."""

KNOWN_REFUND = Query(int, "SELECT 1 FROM refund WHERE event_id = $1 AND id = $2")
KNOWN_PAYMENT = Query(int, "SELECT 1 FROM payment WHERE event_id = $1 AND payment_intent_id = $2")
DECLINED = Command("""
UPDATE payment_attempt SET problem = $4
WHERE event_id = $1 AND order_id = $2 AND number = $3 AND status = 'open'
""")


class _Asked(msgspec.Struct, frozen=True):
    """What Stripe says now of what an event is about."""

    sessions: list[Session] = msgspec.field(default_factory=list[Session])
    payment_intent: str = ""
    paid: bool = False
    metadata: Mapping[str, str] = msgspec.field(default_factory=dict[str, str])
    refunds: list[Refund] = msgspec.field(default_factory=list[Refund])
    dispute: Dispute | None = None


class NotReceivedYet(Problem):
    """The payment that an event is about was made, and its session does not say so yet. Nothing is lost: the event
    stays unhandled and is worked again."""

    status, type, title = 503, "not_received_yet", "Not received yet"


class WrongMode(Problem):
    """A test event on a live box office, or the reverse."""

    status, type, title = 400, "wrong_mode", "Wrong mode"


def note_event(event: Event) -> None:
    """Log lines from here on name the event, and the order that our metadata on its object names."""
    metadata: Mapping[str, str] = event.object.get("metadata") or {}
    logs.note(stripe_event=event.id, type=event.type)
    if metadata.get("app") == APP:
        logs.note(order=metadata.get("order"), order_id=metadata.get("order_id"))


async def receive(till: Till, event: Event) -> str:
    """Handles a verified event once and says in a word what came of it. Raises WrongMode, before anything is written.

    A paid session's snapshot is final: event and work are one transaction. Anything less certain is written down first
    and then asked of Stripe. Work that fails leaves the event unhandled, with the error, and raises.
    """
    if event.livemode != till.livemode:
        raise WrongMode(
            "This event is of the other mode (test or live). Each mode has an endpoint and secret of its own."
        )
    session = _final_session(event)
    if session is None:
        async with till.db.transaction() as connection:
            if not await inbox.keep(connection, event):
                return "duplicate"
        return await work(till, event)
    try:
        return await till.db.attempt(_once, event, partial(fulfil, till=till, session=session))
    except Exception as error:
        await _keep_failure(till, event, error)
        raise


async def work(till: Till, event: Event) -> str:
    """Works an event that is written down and not handled. Raises what went wrong, after noting it."""
    try:
        asked = await _ask(till, event)
        return await till.db.attempt(_once, event, partial(_work, till=till, event=event, asked=asked))
    except Exception as error:
        await _keep_failure(till, event, error)
        raise


async def _once(connection: Connection, event: Event, verb: Callable[[Connection], Awaitable[str]]) -> str:
    """What the event asks for, and that it is handled; nothing when it is."""
    if not await inbox.keep(connection, event):
        return "duplicate"
    outcome = await verb(connection)
    await inbox.handled(connection, event, outcome)
    return outcome


async def _ask(till: Till, event: Event) -> _Asked:
    """What an event is about as Stripe says it is now; empty when it need not be asked."""
    if event.account is not None:
        return _Asked()
    stripe = till.stripe_or_closed()
    if event.type in SESSION_EVENTS and read_marker(event.object["metadata"]) is not None:
        return _Asked([await stripe.retrieve_session(event.object["id"])])
    if event.type == "payment_intent.succeeded":
        marker = read_marker(event.object["metadata"])
        known = marker is None or await _knows(till, KNOWN_PAYMENT, marker[0], event.object["id"])
        return _Asked([] if known else await stripe.sessions_of_payment(event.object["id"]))
    if event.type in ABOUT_A_PAYMENT and not await _is_our_refund(till, event):
        try:
            return await _ask_about_payment(till, stripe, event)
        except StripeRefused as refused:
            if refused.code != "resource_missing":
                raise
    return _Asked()


async def _ask_about_payment(till: Till, stripe: Stripe, event: Event) -> _Asked:
    """The payment of a refund from outside, a dispute or a warning, found by what its payment intent carries."""
    dispute = await stripe.retrieve_dispute(event.object["id"]) if event.type in DISPUTE_EVENTS else None
    intent = dispute.payment_intent if dispute else id_of(event.object.get("payment_intent"))
    charge = dispute.charge if dispute else id_of(event.object.get("charge"))
    if intent is None and charge:
        intent = await stripe.payment_of_charge(charge)
    payment = await stripe.retrieve_intent(intent) if intent else None
    marker = read_marker(payment.metadata) if payment else None
    if intent is None or payment is None or marker is None:
        return _Asked()
    known = await _knows(till, KNOWN_PAYMENT, marker[0], intent)
    return _Asked(
        sessions=[] if known else await stripe.sessions_of_payment(intent),
        payment_intent=intent,
        paid=payment.status == "succeeded",
        metadata=payment.metadata,
        refunds=await stripe.refunds_of_payment(intent) if event.type in REFUND_EVENTS else [],
        dispute=dispute,
    )


async def _is_our_refund(till: Till, event: Event) -> bool:
    named = _our_refund(event)
    return named is not None and await _knows(till, KNOWN_REFUND, *named)


def _our_refund(event: Event) -> tuple[UUID, UUID] | None:
    """Night and refund that our metadata on a refund names."""
    metadata: Mapping[str, str] = event.object.get("metadata") or {}
    if event.object.get("object") != "refund":
        return None
    try:
        return UUID(metadata["event_id"]), UUID(metadata["refund_id"])
    except (KeyError, ValueError):
        return None


async def _knows(till: Till, known: Query[int], *key: object) -> bool:
    async with till.db.transaction() as connection:
        return await known.first(connection, *key) is not None


async def _work(connection: Connection, till: Till, event: Event, asked: _Asked) -> str:
    outcomes = [await fulfil(connection, till, session) for session in asked.sessions]
    if event.account is None and event.type in PAYOUT_EVENTS:
        return await note_payout(connection, event)
    if event.type == "payment_intent.payment_failed":
        marker = read_marker(event.object["metadata"])
        if marker is None:
            return "foreign"
        error = event.object["last_payment_error"] or {}
        await DECLINED.run(connection, *marker, error.get("message"))
        return "declined"
    if event.type in ABOUT_A_PAYMENT:
        outcomes.append(await _about_a_payment(connection, till, event, asked))
    return ",".join(outcomes) or "nothing_to_do"


async def _about_a_payment(connection: Connection, till: Till, event: Event, asked: _Asked) -> str:
    ours = _our_refund(event)
    if ours is not None and not asked.payment_intent and await KNOWN_REFUND.first(connection, *ours):
        return await settle_refund(connection, *ours, read_refund(event.object))
    stranger = await whose(connection, till, asked.metadata)
    if stranger is not None:
        return stranger
    marker = read_marker(asked.metadata)
    assert marker is not None
    key = (marker[0], asked.payment_intent)
    if asked.paid and await KNOWN_PAYMENT.first(connection, *key) is None:
        raise NotReceivedYet(f"Payment {asked.payment_intent} is not received yet.")
    if event.type in REFUND_EVENTS:
        return await record_refunds(connection, *key, asked.refunds)
    if asked.dispute is not None:
        return await record_dispute(connection, *key, asked.dispute)
    return await record_fraud_sign(connection, *key, event.object)


def _final_session(event: Event) -> Session | None:
    if event.type not in SESSION_EVENTS or event.account is not None:
        return None
    session = read_session(event.object)
    return session if session.paid else None


async def _keep_failure(till: Till, event: Event, error: Exception) -> None:
    async with till.db.transaction() as connection:
        await inbox.failed(connection, event, f"{type(error).__name__}: {error}")
