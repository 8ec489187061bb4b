"""One attempt to pay a PaymentIntent: succeeds, is declined, asks the buyer to prove who they are, or waits.

Events come in the order in which deliveries were seen; `payment_intent.created` comes late when the hosted page
made the PaymentIntent with its first attempt.
"""

from dataclasses import dataclass
from typing import Any

from stripe_simulator.payments.balance import charge_transaction
from stripe_simulator.payments.cards import Decline, TestCard
from stripe_simulator.payments.charge import new_charge
from stripe_simulator.payments.dispute import open_dispute, warn_of_fraud
from stripe_simulator.payments.instrument import card_of
from stripe_simulator.settings import Settings
from stripe_simulator.store.record import Record
from stripe_simulator.store.unit import Unit

Json = dict[str, Any]

AUTHENTICATION_FAILED = Decline(code="payment_intent_authentication_failure")
AUTHENTICATION_MESSAGE = "The bank could not confirm that it is you who pays. Try again or choose another card."


@dataclass(frozen=True, slots=True)
class Attempt:
    """`outcome` is the PaymentIntent's new status; `decline` says why it went back to `requires_payment_method`."""

    outcome: str
    decline: Decline | None = None
    charge: Record | None = None


@dataclass(slots=True)
class Attempting:
    """What an attempt works with. `is_new`: the PaymentIntent was made by this very attempt."""

    unit: Unit
    settings: Settings
    intent: Record
    method: Record
    is_new: bool = False
    authenticated: bool = False
    off_session: bool = False

    def emit(self, event_type: str) -> None:
        self.unit.emit(event_type, self.intent.doc)

    def tell_if_new(self) -> None:
        if self.is_new:
            self.emit("payment_intent.created")


def attempt(trying: Attempting) -> Attempt:
    """Try to take the money."""
    doc = trying.intent.doc
    doc.update(payment_method=trying.method.id, last_payment_error=None, next_action=None)
    trying.unit.put(trying.intent)
    card = card_of(trying.method)
    if card is None:
        return _wait_for_bank(trying)
    if not trying.authenticated and _asks(card, trying.off_session):
        return _decline_off_session(trying) if trying.off_session else _ask_buyer(trying)
    if card.decline is not None:
        return _decline(trying, card.decline)
    return _take(trying, card)


def fail_authentication(trying: Attempting) -> Attempt:
    """The buyer did not prove who they are: no charge is made."""
    _turn_down(trying, AUTHENTICATION_FAILED, charge=None)
    return Attempt("requires_payment_method", AUTHENTICATION_FAILED)


def message_of(decline: Decline) -> str:
    """What the buyer reads."""
    return AUTHENTICATION_MESSAGE if decline is AUTHENTICATION_FAILED else decline.message


def _asks(card: TestCard, off_session: bool) -> bool:
    return card.challenge == "always" or (card.challenge == "unless_off_session" and not off_session)


def _ask_buyer(trying: Attempting) -> Attempt:
    trying.intent.doc.update(
        status="requires_action",
        next_action={"type": "use_stripe_sdk", "use_stripe_sdk": {"type": "three_d_secure_redirect"}},
    )
    trying.emit("payment_intent.requires_action")
    trying.tell_if_new()
    return Attempt("requires_action")


def _decline_off_session(trying: Attempting) -> Attempt:
    return _decline(trying, Decline(code="authentication_required", decline_code="authentication_required"))


def _decline(trying: Attempting, decline: Decline) -> Attempt:
    charge = new_charge(
        trying.unit,
        trying.intent.doc,
        trying.method,
        status="failed",
        captured=False,
        decline=decline,
        authenticated=trying.authenticated,
    )
    trying.intent.doc["latest_charge"] = charge.id
    trying.unit.emit("charge.failed", charge.doc)
    _turn_down(trying, decline, charge)
    return Attempt("requires_payment_method", decline, charge)


def _turn_down(trying: Attempting, decline: Decline, charge: Record | None) -> None:
    error: Json = {
        "charge": charge.id if charge else None,
        "code": decline.code,
        "decline_code": decline.decline_code,
        "message": message_of(decline),
        "payment_method": trying.method.doc,
        "type": "card_error" if charge else "invalid_request_error",
    }
    trying.intent.doc.update(
        last_payment_error={key: value for key, value in error.items() if value is not None},
        next_action=None,
        payment_method=None,
        status="requires_payment_method",
    )
    trying.unit.put(trying.intent)
    trying.emit("payment_intent.payment_failed")
    trying.tell_if_new()


def _take(trying: Attempting, card: TestCard) -> Attempt:
    doc, unit = trying.intent.doc, trying.unit
    manual = doc["capture_method"] == "manual"
    charge = new_charge(
        unit, doc, trying.method, status="succeeded", captured=not manual, authenticated=trying.authenticated
    )
    doc["latest_charge"] = charge.id
    if manual:
        return _hold(trying, charge)
    if doc["capture_method"] == "automatic":
        transaction = charge_transaction(unit, charge.doc, doc["amount"], at_once=card.available_at_once)
        charge.doc["balance_transaction"] = transaction.id
    else:
        unit.later("charge_updated", charge.id, unit.at + trying.settings.charge_update_after)
    unit.emit("charge.succeeded", charge.doc)
    for to_come in card.disputes:
        open_dispute(unit, charge, reason=to_come.reason, inquiry=to_come.inquiry)
    if card.fraud_warning:
        warn_of_fraud(unit, charge)
    doc.update(amount_received=doc["amount"], status="succeeded")
    trying.emit("payment_intent.succeeded")
    trying.tell_if_new()
    return Attempt("succeeded", charge=charge)


def _hold(trying: Attempting, charge: Record) -> Attempt:
    unit, doc = trying.unit, trying.intent.doc
    doc.update(amount_capturable=doc["amount"], status="requires_capture")
    unit.emit("charge.succeeded", charge.doc)
    trying.emit("payment_intent.amount_capturable_updated")
    trying.tell_if_new()
    unit.later("release_authorization", trying.intent.id, unit.at + trying.settings.authorization_lasts)
    return Attempt("requires_capture", charge=charge)


def _wait_for_bank(trying: Attempting) -> Attempt:
    unit, doc = trying.unit, trying.intent.doc
    charge = new_charge(unit, doc, trying.method, status="pending", captured=True)
    doc.update(latest_charge=charge.id, status="processing", payment_method_types=["card", "sepa_debit"])
    unit.later("settle", trying.intent.id, unit.at + trying.settings.settlement_after)
    return Attempt("processing", charge=charge)
