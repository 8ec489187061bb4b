"""Charges: one attempt to take the money of a payment."""

from typing import Any

from stripe_simulator.payments.cards import Decline, TestCard
from stripe_simulator.payments.instrument import card_of, fingerprint
from stripe_simulator.shapes import shape
from stripe_simulator.store.record import Record
from stripe_simulator.store.unit import Unit

Json = dict[str, Any]

RISK_SCORES = {"normal": 12, "elevated": 67, "highest": 92}
NETWORK_DECLINES = {"insufficient_funds": "51", "lost_card": "41", "stolen_card": "43", "expired_card": "54"}


def new_charge(
    unit: Unit,
    intent: Json,
    method: Record,
    *,
    status: str,
    captured: bool,
    decline: Decline | None = None,
    authenticated: bool = False,
) -> Record:
    """A charge for the whole amount of a PaymentIntent; the caller puts what the attempt changed."""
    succeeded = status == "succeeded"
    charge_id = unit.ids.related("ch", intent["id"])
    doc = shape(
        "charge",
        id=charge_id,
        object="charge",
        amount=intent["amount"],
        amount_captured=intent["amount"] if captured and succeeded else 0,
        amount_refunded=0,
        application_fee_amount=intent["application_fee_amount"],
        billing_details=method.doc["billing_details"],
        calculated_statement_descriptor=_descriptor(intent),
        captured=captured and status != "failed",
        created=unit.at,
        currency=intent["currency"],
        customer=intent["customer"],
        description=intent["description"],
        disputed=False,
        failure_code=decline.code if decline else None,
        failure_message=decline.message if decline else None,
        fraud_details={},
        livemode=False,
        metadata=intent["metadata"],
        on_behalf_of=intent["on_behalf_of"],
        outcome=_outcome(card_of(method), decline),
        paid=succeeded,
        payment_intent=intent["id"],
        payment_method=method.id,
        payment_method_details=_details(method, intent, authenticated=authenticated),
        radar_options={},
        receipt_email=intent["receipt_email"],
        receipt_url=f"https://pay.stripe.com/receipts/payment/{charge_id}" if succeeded else None,
        refunded=False,
        shipping=intent["shipping"],
        statement_descriptor=intent["statement_descriptor"],
        statement_descriptor_suffix=intent["statement_descriptor_suffix"],
        status=status,
        transfer_data=intent["transfer_data"],
        transfer_group=intent["transfer_group"],
    )
    del doc["refunds"]
    return unit.make("charge", doc)


def _descriptor(intent: Json) -> str:
    suffix = intent["statement_descriptor_suffix"]
    return f"SIMULATED* {suffix}" if suffix else "SIMULATED"


def _outcome(card: TestCard | None, decline: Decline | None) -> Json:
    """What bank and risk check said; a bank debit has no risk check."""
    risk: Json = {"risk_level": "not_assessed"}
    if card is not None:
        risk = {"risk_level": card.risk, "risk_score": RISK_SCORES[card.risk]}
    if decline is None:
        said: Json = {
            "network_status": "approved_by_network",
            "seller_message": "Payment complete.",
            "type": "authorized",
        }
    elif card is not None and card.blocked:
        said = {
            "network_status": "not_sent_to_network",
            "reason": "highest_risk_level",
            "seller_message": "Blocked for its high risk.",
            "type": "blocked",
        }
    else:
        said = _refusal(decline)
    return shape("charge_outcome", **risk, **said)


def _refusal(decline: Decline) -> Json:
    reason = decline.decline_code or decline.code
    return {
        "advice_code": "do_not_try_again" if reason in ("lost_card", "stolen_card") else "try_again_later",
        "network_decline_code": NETWORK_DECLINES.get(reason, "01"),
        "network_status": "declined_by_network",
        "reason": reason,
        "seller_message": "The bank declined the payment.",
        "type": "issuer_declined",
    }


def _details(method: Record, intent: Json, *, authenticated: bool) -> Json:
    """What the charge remembers about the means of payment."""
    card = card_of(method)
    if card is None:
        debit: Json = method.doc["sepa_debit"]
        kept = {key: debit[key] for key in ("bank_code", "branch_code", "country", "fingerprint", "last4")}
        details = shape("payment_method_details_sepa_debit", **kept)
        return shape("payment_method_details", sepa_debit=details, type="sepa_debit")
    return shape("payment_method_details", card=_card_details(card, method, intent, authenticated), type="card")


def _card_details(card: TestCard, method: Record, intent: Json, authenticated: bool) -> Json:
    kept: Json = method.doc["card"]
    return shape(
        "payment_method_details_card",
        amount_authorized=intent["amount"],
        authorization_code="123456",
        brand=card.brand,
        checks=shape("payment_method_details_card_checks", **kept["checks"]),
        country=card.country,
        exp_month=kept["exp_month"],
        exp_year=kept["exp_year"],
        fingerprint=fingerprint(card),
        funding=card.funding,
        last4=card.last4,
        network=card.brand,
        network_token={"used": False},
        regulated_status="unregulated",
        three_d_secure=_three_d_secure() if authenticated else None,
    )


def _three_d_secure() -> Json:
    return shape(
        "three_d_secure_details_charge",
        authentication_flow="challenge",
        electronic_commerce_indicator="05",
        result="authenticated",
        version="2.2.0",
    )
