"""A PaymentIntent is given up; money that was only held goes back to the buyer."""

from stripe_simulator.payments.refund import release_charge
from stripe_simulator.store.record import Record
from stripe_simulator.store.unit import Unit


def cancel_intent(unit: Unit, intent: Record, *, reason: str | None) -> None:
    """-> canceled, with `payment_intent.canceled`."""
    unit.no_longer("release_authorization", intent.id)
    intent.doc.update(
        amount_capturable=0,
        canceled_at=unit.at,
        cancellation_reason=reason,
        next_action=None,
        status="canceled",
    )
    unit.put(intent)
    unit.emit("payment_intent.canceled", intent.doc)


async def release_authorization(unit: Unit, intent_id: str) -> None:
    """Nobody captured a held payment in time: `charge.expired`, `payment_intent.canceled`."""
    intent = await unit.lock("payment_intent", intent_id)
    if intent is None or intent.doc["status"] != "requires_capture":
        return
    charge = await unit.lock("charge", intent.doc["latest_charge"])
    if charge is not None:
        release_charge(unit, charge)
        unit.emit("charge.expired", charge.doc)
    cancel_intent(unit, intent, reason="automatic")
