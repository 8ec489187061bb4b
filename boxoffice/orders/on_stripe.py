"""What Stripe's events mean to us: type of event -> verb.

Everything is right with three types alone (`checkout.session.completed`, `payment_intent.succeeded`,
`payment_intent.payment_failed`); the others are faster than the repair that would find the same.
"""

from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from uuid import UUID

from boxoffice.foundation import logs
from boxoffice.foundation.db import Command, Connection, Query
from boxoffice.foundation.problems import Problem
from boxoffice.orders.fulfil import fulfil, read_marker
from boxoffice.orders.pay import APP
from boxoffice.orders.refund import settle_refund
from boxoffice.orders.till import Till
from boxoffice.payments import inbox
from boxoffice.payments.stripe import Event, Session, read_refund, read_session

SESSION_EVENTS = (
    "checkout.session.completed",
    "checkout.session.expired",
    "checkout.session.async_payment_succeeded",
    "checkout.session.async_payment_failed",
)
NEEDED = ("checkout.session.completed", "payment_intent.succeeded", "payment_intent.payment_failed")
"""With these alone everything ends right."""
REFUND_EVENTS = ("refund.created", "refund.updated", "refund.failed")
EVENTS = (*SESSION_EVENTS, "payment_intent.succeeded", "payment_intent.payment_failed", *REFUND_EVENTS)
"""Every type that is worked; others are written down and left alone."""

KNOWN_PAYMENT = Query(int, "SELECT 1 FROM payment WHERE event_id = $1 AND payment_intent_id = $2")
DECLINED = Command("""
UPDATE payment_attempt SET problem = $4
WHERE event_id = $1 AND order_id = $2 AND number = $3 AND status = 'open'
""")


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
        sessions = await _ask(till, event)
        return await till.db.attempt(_once, event, partial(_work, till=till, event=event, sessions=sessions))
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


async def _ask(till: Till, event: Event) -> list[Session]:
    """The sessions that an event is about, as Stripe says they are now; empty when it need not be asked."""
    stripe = till.stripe_or_closed()
    if event.account is not None:
        return []
    if event.type in SESSION_EVENTS and read_marker(event.object["metadata"]) is not None:
        return [await stripe.retrieve_session(event.object["id"])]
    if event.type == "payment_intent.succeeded":
        marker = read_marker(event.object["metadata"])
        if marker is None:
            return []
        async with till.db.transaction() as connection:
            if await KNOWN_PAYMENT.first(connection, marker[0], event.object["id"]) is not None:
                return []
        return await stripe.sessions_of_payment(event.object["id"])
    return []


async def _work(connection: Connection, till: Till, event: Event, sessions: list[Session]) -> str:
    if event.type in REFUND_EVENTS:
        return await _refund(connection, event)
    if event.type == "payment_intent.payment_failed":
        marker = read_marker(event.object["metadata"])
        if marker is None:
            return "foreign"
        error = event.object["last_payment_error"] or {}
        await DECLINED.run(connection, *marker, error.get("message"))
        return "declined"
    outcomes = [await fulfil(connection, till, session) for session in sessions]
    return ",".join(outcomes) or "nothing_to_do"


async def _refund(connection: Connection, event: Event) -> str:
    metadata: Mapping[str, str] = event.object["metadata"] or {}
    try:
        event_id, refund_id = UUID(metadata["event_id"]), UUID(metadata["refund_id"])
    except (KeyError, ValueError):
        return "foreign"
    return await settle_refund(connection, event_id, refund_id, read_refund(event.object))


def _final_session(event: Event) -> Session | None:
    if event.type not in SESSION_EVENTS or event.account is not None:
        return None
    session = read_session(event.object)
    return session if session.paid else None


async def _keep_failure(till: Till, event: Event, error: Exception) -> None:
    async with till.db.transaction() as connection:
        await inbox.failed(connection, event, f"{type(error).__name__}: {error}")
