"""What comes after an attempt: the fee of a charge is known, a bank debit settles or comes back, a hold is captured."""

from stripe_simulator.payments.attempt import message_of
from stripe_simulator.payments.balance import charge_transaction
from stripe_simulator.payments.cards import Decline
from stripe_simulator.payments.instrument import card_of, debit_of
from stripe_simulator.store.record import Record
from stripe_simulator.store.unit import Unit


async def tell_charge_updated(unit: Unit, charge_id: str) -> None:
    """The balance transaction of an asynchronously captured charge: `charge.updated`."""
    charge = await unit.lock("charge", charge_id)
    if charge is None or charge.doc["balance_transaction"] is not None:
        return
    method = await unit.find("payment_method", charge.doc["payment_method"])
    card = card_of(method) if method else None
    transaction = charge_transaction(
        unit, charge.doc, charge.doc["amount_captured"], at_once=bool(card and card.available_at_once)
    )
    charge.doc["balance_transaction"] = transaction.id
    unit.put(charge)
    unit.emit("charge.updated", charge.doc, {"balance_transaction": None})


async def settle(unit: Unit, intent_id: str, *, outcome: str | None = None) -> bool:
    """A delayed payment ends, as the test account says unless `outcome` (`succeeded`, `failed`) does.

    Answers False if the PaymentIntent was not waiting.
    """
    session, intent = await lock_payment(unit, intent_id)
    if intent is None or intent.doc["status"] != "processing":
        return False
    charge = await unit.lock("charge", intent.doc["latest_charge"])
    method = await unit.find("payment_method", intent.doc["payment_method"])
    assert charge is not None
    assert method is not None
    unit.no_longer("settle", intent_id)
    debit = debit_of(method)
    arrives = debit.settles if outcome is None else outcome == "succeeded"
    if arrives:
        _arrive(unit, intent, charge)
    else:
        _come_back(unit, intent, charge, method, Decline(code=debit.failure_code or "insufficient_funds"))
    if session is not None:
        session.doc["payment_status"] = "paid" if arrives else "unpaid"
        unit.put(session)
        unit.emit(f"checkout.session.async_payment_{'succeeded' if arrives else 'failed'}", session.doc)
    return True


def _arrive(unit: Unit, intent: Record, charge: Record) -> None:
    amount: int = intent.doc["amount"]
    charge.doc.update(amount_captured=amount, paid=True, status="succeeded")
    charge.doc["balance_transaction"] = charge_transaction(unit, charge.doc, amount).id
    intent.doc.update(amount_received=amount, status="succeeded")
    unit.put(charge)
    unit.put(intent)
    unit.emit("charge.succeeded", charge.doc)
    unit.emit("payment_intent.succeeded", intent.doc)


def _come_back(unit: Unit, intent: Record, charge: Record, method: Record, decline: Decline) -> None:
    charge.doc.update(
        captured=False, failure_code=decline.code, failure_message=message_of(decline), paid=False, status="failed"
    )
    intent.doc.update(
        last_payment_error={
            "charge": charge.id,
            "code": decline.code,
            "message": message_of(decline),
            "payment_method": method.doc,
            "type": "card_error",
        },
        payment_method=None,
        status="requires_payment_method",
    )
    unit.put(charge)
    unit.put(intent)
    unit.emit("charge.failed", charge.doc)
    unit.emit("payment_intent.payment_failed", intent.doc)


async def capture(unit: Unit, session: Record | None, intent: Record, amount: int) -> None:
    """Take a held amount, or a part of it; the rest goes back. Session and PaymentIntent must be locked."""
    charge = await unit.lock("charge", intent.doc["latest_charge"])
    assert charge is not None
    charge.doc.update(amount_captured=amount, amount_refunded=charge.doc["amount"] - amount, captured=True)
    charge.doc["balance_transaction"] = charge_transaction(unit, charge.doc, amount).id
    intent.doc.update(amount_capturable=0, amount_received=amount, status="succeeded")
    unit.put(charge)
    unit.put(intent)
    unit.no_longer("release_authorization", intent.id)
    unit.emit("charge.captured", charge.doc)
    unit.emit("payment_intent.succeeded", intent.doc)
    if session is not None:
        session.doc["payment_status"] = "paid"
        unit.put(session)


async def lock_payment(unit: Unit, intent_id: str) -> tuple[Record | None, Record | None]:
    """The session, if the payment has one, and the PaymentIntent, locked in the order that everyone keeps."""
    sessions = await unit.of_payment("checkout.session", intent_id)
    session = await unit.lock("checkout.session", sessions[0].id) if sessions else None
    return session, await unit.lock("payment_intent", intent_id)
