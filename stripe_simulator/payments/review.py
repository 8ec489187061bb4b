"""Reviews: a rule of Stripe's own checks asks a person to look at a payment that has succeeded."""

from stripe_simulator.shapes import shape
from stripe_simulator.store.record import Record
from stripe_simulator.store.unit import Unit


def open_review(unit: Unit, charge: Record) -> Record:
    """A payment waits for somebody's judgement; it is captured all the same."""
    doc = shape(
        "review",
        id=unit.ids.made("prv", unit.at),
        object="review",
        charge=charge.id,
        created=unit.at,
        livemode=False,
        open=True,
        opened_reason="rule",
        payment_intent=charge.doc["payment_intent"],
        reason="rule",
    )
    charge.doc["review"] = doc["id"]
    unit.put(charge)
    unit.emit("review.opened", doc)
    return unit.make("review", doc)


def close_review(unit: Unit, review: Record, reason: str) -> None:
    """Somebody judged, or the payment was refunded or disputed."""
    review.doc.update(open=False, closed_reason=reason, reason=reason)
    unit.put(review)
    unit.emit("review.closed", review.doc)
