"""`POST /api/webhook`: Stripe's deliveries, by their raw bytes."""

from typing import Any

import msgspec
from litestar import Request, post
from litestar.di import NamedDependency

from boxoffice.box import BoxOffice
from boxoffice.foundation import logs
from boxoffice.foundation.db import LOST
from boxoffice.foundation.problems import Problem, Unavailable
from boxoffice.orders.on_stripe import note_event, receive
from boxoffice.payments.stripe import BadSignature, StripeProblem, verify
from boxoffice.payments.stripe_objects import read_event
from boxoffice.worker.tick import run_inline


class Refused(Problem):
    """The delivery is not one of ours; nothing was written."""

    status, type, title = 400, "bad_delivery", "Bad delivery"


class NotHandled(Problem):
    """The event is kept and will be worked again, by Stripe's next delivery or by our own repair."""

    status, type, title = 500, "not_handled", "Not handled"


class Received(msgspec.Struct, frozen=True):
    """`outcome` says in a word what came of the event."""

    outcome: str


@post("/api/webhook", status_code=200, include_in_schema=False)
async def webhook(box: NamedDependency[BoxOffice], request: Request[Any, Any, Any]) -> Received:
    """Verifies, handles once, answers 2xx only when the event is written down and worked."""
    stripe = box.settings.stripe
    if stripe is None:
        raise Unavailable("No Stripe keys are set: set STRIPE_SECRET_KEY and STRIPE_WEBHOOK_SECRET.")
    raw = await request.body()
    try:
        verify(raw, request.headers.get("stripe-signature", ""), stripe.webhook_secrets)
        event = read_event(raw)
    except BadSignature as error:
        raise Refused(
            "The signature does not fit. Check that STRIPE_WEBHOOK_SECRET is this endpoint's own secret "
            "(`stripe listen` prints another one than the Dashboard shows)."
        ) from error
    except ValueError as error:
        raise Refused("This is not a Stripe event.") from error
    note_event(event)
    try:
        outcome = await receive(box.till, event)
    except (Problem, *LOST):
        raise
    except StripeProblem as error:
        logs.warning("event waits for Stripe", problem=type(error).__name__)
        raise NotHandled("Stripe did not answer when asked about this event; it is kept and worked again.") from error
    except Exception as error:
        logs.error("event was not handled", problem=error)
        raise NotHandled("The work for this event failed; it is kept and worked again.") from error
    logs.note(outcome=outcome)
    await run_inline(box)
    return Received(outcome)
