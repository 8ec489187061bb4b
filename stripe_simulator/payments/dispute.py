"""Disputes: the buyer's bank takes the money back, the seller answers, someone wins."""

from typing import Any

from stripe_simulator.payments.balance import dispute_transaction
from stripe_simulator.shapes import shape
from stripe_simulator.store.record import Record
from stripe_simulator.store.unit import Unit

Json = dict[str, Any]

ANSWER_DAYS = 7
NETWORK_REASONS = {"fraudulent": "10.4", "product_not_received": "13.1"}
OPEN_STATUSES = frozenset({"needs_response", "warning_needs_response"})
CLOSED_STATUSES = frozenset({"won", "lost", "warning_closed", "prevented"})


def open_dispute(
    unit: Unit, charge: Record, *, reason: str = "fraudulent", inquiry: bool = False, amount: int | None = None
) -> Record:
    """The bank asks (inquiry: no money moves) or takes the money."""
    doc = _new(unit, charge, reason, amount, inquiry=inquiry)
    dispute = unit.make("dispute", doc)
    charge.doc["disputed"] = True
    unit.put(charge)
    if not inquiry:
        transaction = dispute_transaction(unit, doc, won=False)
        doc["balance_transactions"] = [transaction.doc]
    unit.emit("charge.dispute.created", doc)
    if not inquiry:
        unit.emit("charge.dispute.funds_withdrawn", doc)
    return dispute


def add_evidence(unit: Unit, dispute: Record, charge: Record, given: Json, *, submit: bool) -> None:
    """The seller answers; submitting puts the dispute under review."""
    doc = dispute.doc
    doc["evidence"] = {**doc["evidence"], **given}
    doc["evidence_details"]["has_evidence"] = any(
        value for name, value in doc["evidence"].items() if name != "enhanced_evidence"
    )
    if submit:
        doc["evidence_details"]["submission_count"] += 1
        if doc["status"] in OPEN_STATUSES:
            doc["status"] = "warning_under_review" if doc["status"].startswith("warning") else "under_review"
    unit.put(dispute)
    unit.emit("charge.dispute.updated", doc, {"evidence": {}})
    unit.emit("charge.updated", charge.doc, {})


def escalate(unit: Unit, dispute: Record) -> None:
    """An inquiry becomes a chargeback: now the money is taken."""
    doc = dispute.doc
    doc.update(status="needs_response", is_charge_refundable=False)
    doc["payment_method_details"]["card"]["case_type"] = "chargeback"
    doc["balance_transactions"] = [dispute_transaction(unit, doc, won=False).doc]
    unit.put(dispute)
    unit.emit("charge.dispute.updated", doc, {"status": "warning_needs_response"})
    unit.emit("charge.dispute.funds_withdrawn", doc)


def close_dispute(unit: Unit, dispute: Record, outcome: str) -> None:
    """`won` gives the money back, `lost` keeps it away, `warning_closed` ends an inquiry."""
    doc = dispute.doc
    doc.update(status=outcome)
    unit.put(dispute)
    if outcome == "won" and doc["balance_transactions"]:
        doc["balance_transactions"] = [*doc["balance_transactions"], dispute_transaction(unit, doc, won=True).doc]
        unit.emit("charge.dispute.funds_reinstated", doc)
    unit.emit("charge.dispute.closed", doc)


def prevent(unit: Unit, dispute: Record, charge: Record) -> None:
    """Dispute prevention gives the rest of the money back before the bank takes it; no fee, nothing to answer."""
    doc = dispute.doc
    doc.update(status="prevented", is_charge_refundable=False)
    unit.put(dispute)
    unit.emit("charge.dispute.updated", doc, {"status": "warning_needs_response"})
    unit.emit("charge.dispute.closed", doc)
    charge.doc["disputed"] = False
    unit.put(charge)


def outcome_of_test_evidence(text: str | None) -> str | None:
    """What a test answer decides: `won`, `lost`, `escalated`, or nothing."""
    return {
        "winning_evidence": "won",
        "losing_evidence": "lost",
        "escalate_inquiry_evidence": "escalated",
    }.get(text or "")


def warn_of_fraud(unit: Unit, charge: Record) -> Json:
    """The bank reports fraud before any dispute."""
    warning: Json = {
        "id": unit.ids.made("issfr", unit.at),
        "object": "radar.early_fraud_warning",
        "actionable": True,
        "charge": charge.id,
        "created": unit.at,
        "fraud_type": "misc",
        "livemode": False,
        "payment_intent": charge.doc["payment_intent"],
    }
    unit.emit("radar.early_fraud_warning.created", warning)
    return warning


def _new(unit: Unit, charge: Record, reason: str, amount: int | None, *, inquiry: bool) -> Json:
    card: Json = (charge.doc["payment_method_details"] or {}).get("card") or {}
    return shape(
        "dispute",
        id=unit.ids.made("du", unit.at),
        object="dispute",
        amount=charge.doc["amount"] if amount is None else amount,
        balance_transactions=[],
        charge=charge.id,
        created=unit.at,
        currency=charge.doc["currency"],
        enhanced_eligibility_types=[],
        evidence=shape("dispute_evidence", enhanced_evidence={}),
        evidence_details=shape(
            "dispute_evidence_details",
            due_by=unit.at + ANSWER_DAYS * 86_400,
            enhanced_eligibility={},
            has_evidence=False,
            past_due=False,
            submission_count=0,
        ),
        is_charge_refundable=inquiry,
        livemode=False,
        metadata={},
        payment_intent=charge.doc["payment_intent"],
        payment_method_details={
            "card": shape(
                "dispute_payment_method_details_card",
                brand=card.get("brand") or "visa",
                case_type="inquiry" if inquiry else "chargeback",
                network=card.get("network") or "visa",
                network_reason_code=NETWORK_REASONS.get(reason, "10.4"),
            ),
            "type": "card",
        },
        reason=reason,
        status="warning_needs_response" if inquiry else "needs_response",
    )
