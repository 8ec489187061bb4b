"""Refunds: money goes back, wholly or in part, at once, later or not at all."""

from typing import Any

from stripe_simulator import money
from stripe_simulator.api import metadata
from stripe_simulator.errors import InvalidParameter, NotAllowed
from stripe_simulator.payments import cards
from stripe_simulator.payments.balance import refund_failure_transaction, refund_transaction
from stripe_simulator.payments.cards import RefundOutcome
from stripe_simulator.settings import Settings
from stripe_simulator.shapes import shape
from stripe_simulator.store.record import Record
from stripe_simulator.store.unit import Unit

Json = dict[str, Any]

DISPUTED_FOR_GOOD = frozenset({"needs_response", "under_review", "lost"})


async def refund_charge(
    unit: Unit, settings: Settings, charge: Record, given: Json, *, outcome: RefundOutcome | None = None
) -> Record:
    """Give back `amount`, or all that is left. The charge must be locked.

    Raises InvalidParameter or NotAllowed when the charge cannot be refunded like this.
    """
    amount = await _refundable(unit, charge, given.get("amount"))
    outcome = outcome or await _outcome(unit, charge)
    refund = _new_refund(unit, charge, given, amount, "pending" if outcome == "pending" else "succeeded")
    charge.doc["amount_refunded"] += amount
    charge.doc["refunded"] = charge.doc["amount_refunded"] == charge.doc["amount"]
    unit.put(charge)
    unit.emit("refund.created", refund.doc)
    before = {"amount_refunded": charge.doc["amount_refunded"] - amount}
    if charge.doc["refunded"]:
        before["refunded"] = False
    unit.emit("charge.refunded", charge.doc, before)
    if outcome == "succeeds":
        unit.later("refund_updated", refund.id, unit.at + settings.refund_update_after)
    else:
        unit.later("refund_outcome", refund.id, unit.at + settings.refund_outcome_after, outcome=outcome)
    return refund


async def tell_refund_updated(unit: Unit, refund_id: str) -> None:
    """The network's reference came in: `refund.updated` and its old twin."""
    refund = await unit.lock("refund", refund_id)
    if refund is None or refund.doc["status"] != "succeeded":
        return
    details: Json = refund.doc["destination_details"]
    if details["type"] != "card":
        return
    before = {"destination_details": {**details, "card": dict(details["card"])}}
    details["card"].update(reference=unit.ids.characters(12), reference_status="available")
    unit.put(refund)
    _tell_update(unit, "refund.updated", refund.doc, before)


async def decide_refund(unit: Unit, refund_id: str, outcome: str) -> None:
    """A pending refund succeeds, or a refund fails and the money is back with the seller."""
    refund = await unit.lock("refund", refund_id)
    if refund is None or refund.doc["status"] in ("failed", "canceled"):
        return
    before = {"status": refund.doc["status"]}
    if outcome == "pending":
        refund.doc["status"] = "succeeded"
        refund.doc.pop("pending_reason", None)
        unit.put(refund)
        _tell_update(unit, "refund.updated", refund.doc, before)
        return
    await _take_back(unit, refund, status="failed", failure_reason="expired_or_canceled_card")
    _tell_update(unit, "refund.failed", refund.doc, None)


async def cancel_refund(unit: Unit, refund: Record) -> None:
    """A refund that is still pending is called off."""
    if refund.doc["status"] not in ("pending", "requires_action"):
        raise NotAllowed(f"Only a pending refund can be canceled, this one has a status of {refund.doc['status']}.")
    before = {"status": refund.doc["status"]}
    unit.no_longer("refund_outcome", refund.id)
    await _take_back(unit, refund, status="canceled", failure_reason="merchant_request")
    _tell_update(unit, "refund.updated", refund.doc, before)


def release_charge(unit: Unit, charge: Record) -> None:
    """A held amount goes back without ever having been taken."""
    charge.doc.update(amount_refunded=charge.doc["amount"], refunded=True)
    unit.put(charge)


def _tell_update(unit: Unit, event_type: str, refund: Json, previous: Json | None) -> None:
    unit.emit(event_type, refund, previous)
    unit.emit("charge.refund.updated", refund, previous)


async def _take_back(unit: Unit, refund: Record, *, status: str, failure_reason: str) -> None:
    refund.doc.update(status=status, failure_reason=failure_reason)
    refund.doc.pop("pending_reason", None)
    transaction = refund_failure_transaction(unit, refund.doc)
    refund.doc["failure_balance_transaction"] = transaction.id
    unit.put(refund)
    charge = await unit.lock("charge", refund.doc["charge"])
    assert charge is not None
    charge.doc["amount_refunded"] -= refund.doc["amount"]
    charge.doc["refunded"] = False
    unit.put(charge)


async def _refundable(unit: Unit, charge: Record, asked: int | None) -> int:
    """How much this refund gives back."""
    doc = charge.doc
    if asked is not None and asked < 1:
        raise InvalidParameter(
            "This value must be greater than or equal to 1.", code="parameter_invalid_integer", param="amount"
        )
    if doc["status"] != "succeeded" or not doc["captured"]:
        raise NotAllowed(
            "The charge was not captured. Cancel its PaymentIntent instead."
            if doc["status"] == "succeeded"
            else "The charge did not succeed, so there is nothing to refund."
        )
    left = doc["amount"] - doc["amount_refunded"]
    if left == 0:
        raise NotAllowed(f"Charge {charge.id} has already been refunded.", code="charge_already_refunded")
    if doc["disputed"]:
        await _refuse_disputed(unit, charge)
    if asked is not None and asked > left:
        currency = doc["currency"]
        raise NotAllowed(
            f"Refund amount ({money.display(asked, currency)}) is greater than unrefunded amount on charge "
            f"({money.display(left, currency)})",
            param="amount",
        )
    return left if asked is None else asked


async def _refuse_disputed(unit: Unit, charge: Record) -> None:
    for dispute in await unit.of_payment("dispute", charge.doc["payment_intent"]):
        if dispute.doc["charge"] == charge.id and dispute.doc["status"] in DISPUTED_FOR_GOOD:
            raise NotAllowed(f"Charge {charge.id} has been charged back.", code="charge_disputed")


async def _outcome(unit: Unit, charge: Record) -> RefundOutcome:
    method = await unit.find("payment_method", charge.doc["payment_method"])
    card = cards.by_name(method.hidden.get("card", "")) if method else None
    return card.refund if card else "succeeds"


def _new_refund(unit: Unit, charge: Record, given: Json, amount: int, status: str) -> Record:
    kind: str = charge.doc["payment_method_details"]["type"]
    doc = shape(
        "refund",
        id=unit.ids.related("re", charge.id),
        object="refund",
        amount=amount,
        charge=charge.id,
        created=unit.at,
        currency=charge.doc["currency"],
        customer=charge.doc["customer"],
        destination_details=_destination(kind),
        metadata=metadata.fresh(given.get("metadata")),
        payment_intent=charge.doc["payment_intent"],
        payment_method=charge.doc["payment_method"],
        reason=given.get("reason"),
        status=status,
        **({"pending_reason": "processing"} if status == "pending" else {}),
    )
    doc["balance_transaction"] = refund_transaction(unit, doc).id
    return unit.make("refund", doc)


def _destination(kind: str) -> Json:
    if kind != "card":
        return {"type": kind}
    return {
        "card": {"reference_status": "pending", "reference_type": "acquirer_reference_number", "type": "refund"},
        "type": "card",
    }
