"""A buyer presses Pay: the session's PaymentIntent is made or taken up again, and the attempt decides."""

from dataclasses import dataclass, field
from typing import Any

from stripe_simulator.checkout.expire import expire
from stripe_simulator.errors import NoSuchObject
from stripe_simulator.payments.attempt import Attempt, Attempting, attempt, fail_authentication, message_of
from stripe_simulator.payments.bank_debits import BankDebit
from stripe_simulator.payments.cards import TestCard
from stripe_simulator.payments.customer import new_customer
from stripe_simulator.payments.instrument import DEFAULT_EXPIRY, Billing, card_method, debit_method
from stripe_simulator.payments.intent import new_intent
from stripe_simulator.shapes import shape
from stripe_simulator.store.record import Record
from stripe_simulator.store.unit import Unit
from stripe_simulator.world import World

Json = dict[str, Any]

PAYABLE = frozenset({"requires_payment_method", "requires_confirmation", "requires_action"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Payment:
    """What the buyer pays with and says about themselves. Without a means only a free session can be completed."""

    means: TestCard | BankDebit | Record | None = None
    billing: Billing = field(default_factory=Billing)
    expiry: tuple[int, int] = DEFAULT_EXPIRY


@dataclass(frozen=True, slots=True)
class Paid:
    """What came of pressing Pay.

    `outcome`: `succeeded`, `processing`, `requires_capture`, `free`, `declined`, `requires_action`; or, when there was
    nothing to pay, `complete`, `expired`, `busy`.
    """

    outcome: str
    session: Record
    intent: Record | None = None
    message: str | None = None

    @property
    def completed(self) -> bool:
        return self.session.doc["status"] == "complete"


async def pay(world: World, unit: Unit, session_id: str, payment: Payment) -> Paid:
    """One press of Pay. Raises NoSuchObject if there is no such session."""
    session = await payable_session(world, unit, session_id)
    if session.doc["status"] != "open":
        return Paid(session.doc["status"], session)
    if session.doc["amount_total"] == 0:
        return await _complete_free(unit, session, payment.billing)
    intent, is_new = await _intent_of(unit, session)
    if intent.doc["status"] not in PAYABLE:
        return Paid("busy", session, intent)
    method = _method(unit, payment)
    trying = Attempting(unit, world.settings, intent, method, is_new=is_new)
    return await _concluded(trying, session, attempt(trying))


async def authenticate(world: World, unit: Unit, session_id: str, *, proved: bool) -> Paid:
    """The buyer comes back from the bank's 3-D Secure page."""
    session = await payable_session(world, unit, session_id)
    if session.doc["status"] != "open" or session.doc["payment_intent"] is None:
        return Paid(session.doc["status"], session)
    intent = await unit.lock("payment_intent", session.doc["payment_intent"])
    assert intent is not None
    if intent.doc["status"] != "requires_action":
        return Paid("busy", session, intent)
    method = await unit.find("payment_method", intent.doc["payment_method"])
    assert method is not None
    trying = Attempting(unit, world.settings, intent, method, authenticated=True)
    return await _concluded(trying, session, attempt(trying) if proved else fail_authentication(trying))


async def payable_session(world: World, unit: Unit, session_id: str) -> Record:
    """The session, locked; if its time is over it is expired here and now."""
    session = await unit.lock("checkout.session", session_id)
    if session is None:
        raise NoSuchObject("checkout.session", session_id)
    if session.doc["status"] == "open" and session.doc["expires_at"] <= unit.at:
        await expire(world, unit, session)
    return session


async def _intent_of(unit: Unit, session: Record) -> tuple[Record, bool]:
    """The session's PaymentIntent, and whether it was made just now: every attempt uses the same one."""
    known = session.doc["payment_intent"]
    if known is not None:
        intent = await unit.lock("payment_intent", known)
        assert intent is not None
        return intent, False
    given: Json = session.hidden["payment_intent_data"]
    doc = session.doc
    intent = new_intent(
        unit,
        given,
        amount=doc["amount_total"],
        currency=doc["currency"],
        customer=doc["customer"],
        checkout_session=session.id,
    )
    doc["payment_intent"] = intent.id
    unit.put(session)
    return intent, True


def _method(unit: Unit, payment: Payment) -> Record:
    means = payment.means
    if isinstance(means, Record):
        return means
    if isinstance(means, BankDebit):
        return debit_method(unit, means, payment.billing)
    assert means is not None, "a session that costs something needs a means of payment"
    return card_method(unit, means, payment.billing, expiry=payment.expiry)


async def _concluded(trying: Attempting, session: Record, result: Attempt) -> Paid:
    """The session follows what the attempt did to the PaymentIntent."""
    if result.decline is not None:
        return Paid("declined", session, trying.intent, message_of(result.decline))
    if result.outcome == "requires_action":
        return Paid("requires_action", session, trying.intent)
    if session.doc["customer"] is None and session.doc["customer_creation"] == "always":
        customer = _customer(trying.unit, trying.method.doc["billing_details"])
        trying.intent.doc["customer"] = session.doc["customer"] = customer.id
        if result.charge:
            result.charge.doc["customer"] = customer.id
    status = "paid" if result.outcome == "succeeded" else "unpaid"
    complete(trying.unit, session, trying.method.doc["billing_details"], payment_status=status)
    if result.outcome == "processing":
        trying.emit("payment_intent.processing")
        trying.tell_if_new()
    return Paid(result.outcome, session, trying.intent)


def complete(unit: Unit, session: Record, billing: Json, *, payment_status: str) -> None:
    """The session is done: `checkout.session.completed`."""
    doc = session.doc
    address: Json = billing["address"] or {}
    doc.update(
        customer_details=shape(
            "payment_pages_checkout_session_customer_details",
            address=address,
            email=doc["customer_email"] or billing["email"],
            name=billing["name"],
            phone=billing["phone"],
            tax_exempt="none",
            tax_ids=[],
        ),
        payment_status=payment_status,
        status="complete",
        url=None,
    )
    if doc["consent_collection"]:
        doc["consent"] = {
            "promotions": None,
            "terms_of_service": "accepted" if doc["consent_collection"].get("terms_of_service") == "required" else None,
        }
    unit.put(session)
    unit.no_longer("expire_session", session.id)
    unit.emit("checkout.session.completed", doc)


async def _complete_free(unit: Unit, session: Record, billing: Billing) -> Paid:
    """Nothing to pay: no PaymentIntent, but always a customer."""
    if session.doc["customer"] is None:
        session.doc["customer"] = _customer(unit, billing.shaped()).id
    complete(unit, session, billing.shaped(), payment_status="no_payment_required")
    return Paid("free", session)


def _customer(unit: Unit, billing: Json) -> Record:
    return new_customer(unit, address=billing["address"], email=billing["email"], name=billing["name"])
