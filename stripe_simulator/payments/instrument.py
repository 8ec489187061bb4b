"""PaymentMethods: what a buyer pays with. The number itself is never kept, only the test card's name."""

import hashlib
from dataclasses import dataclass
from typing import Any

from stripe_simulator.payments import cards
from stripe_simulator.payments.bank_debits import BANK_DEBITS, BankDebit
from stripe_simulator.payments.cards import TestCard
from stripe_simulator.shapes import shape
from stripe_simulator.store.record import Record
from stripe_simulator.store.unit import Unit

Json = dict[str, Any]

DEFAULT_EXPIRY = (12, 2034)
FINGERPRINT_LENGTH = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Billing:
    """Who pays, as entered on the page or sent through the API."""

    email: str | None = None
    name: str | None = None
    phone: str | None = None
    country: str | None = None
    postal_code: str | None = None
    line1: str | None = None
    line2: str | None = None
    city: str | None = None
    state: str | None = None

    def shaped(self) -> Json:
        """As `billing_details`."""
        return shape(
            "billing_details", address=self.address(), email=self.email, name=self.name, phone=self.phone, tax_id=None
        )

    def address(self) -> Json:
        """As `address`."""
        return shape(
            "address",
            city=self.city,
            country=self.country,
            line1=self.line1,
            line2=self.line2,
            postal_code=self.postal_code,
            state=self.state,
        )

    @classmethod
    def from_params(cls, given: Json | None) -> "Billing":
        """From the `billing_details` of a request."""
        given = given or {}
        address: Json = given.get("address") or {}
        return cls(
            email=given.get("email"),
            name=given.get("name"),
            phone=given.get("phone"),
            **{key: address.get(key) for key in ("country", "postal_code", "line1", "line2", "city", "state")},
        )


def card_method(
    unit: Unit, card: TestCard, billing: Billing, *, expiry: tuple[int, int] = DEFAULT_EXPIRY, **fields: Any
) -> Record:
    """A new PaymentMethod for a test card."""
    doc = _method(unit, "card", billing, card=_card_shape(card, billing, expiry), **fields)
    return unit.make("payment_method", doc, card=card.name)


def debit_method(unit: Unit, debit: BankDebit, billing: Billing) -> Record:
    """A new PaymentMethod for a test bank account."""
    account = shape(
        "payment_method_sepa_debit",
        bank_code="37040044",
        branch_code="",
        country="DE",
        fingerprint=unit.ids.characters(FINGERPRINT_LENGTH),
        generated_from=shape("sepa_debit_generated_from"),
        last4=debit.last4,
    )
    doc = _method(unit, "sepa_debit", billing, sepa_debit=account)
    return unit.make("payment_method", doc, debit=debit.name)


def card_of(method: Record) -> TestCard | None:
    """The test card behind a PaymentMethod; None for a bank debit."""
    name = method.hidden.get("card")
    if name is None:
        return None
    return cards.by_name(name) or cards.unlisted(method.doc["card"]["last4"])


def debit_of(method: Record) -> BankDebit:
    """The test bank account behind a PaymentMethod."""
    return BANK_DEBITS[method.hidden["debit"]]


def _method(unit: Unit, kind: str, billing: Billing, **fields: Any) -> Json:
    return shape(
        "payment_method",
        **{
            "id": unit.ids.made("pm", unit.at),
            "object": "payment_method",
            "allow_redisplay": "unspecified",
            "billing_details": billing.shaped(),
            "created": unit.at,
            "livemode": False,
            "metadata": {},
            "type": kind,
            **fields,
        },
    )


def _card_shape(card: TestCard, billing: Billing, expiry: tuple[int, int]) -> Json:
    return shape(
        "payment_method_card",
        brand=card.brand,
        checks=shape("payment_method_card_checks", **checks(card, billing)),
        country=card.country,
        display_brand=card.brand,
        exp_month=expiry[0],
        exp_year=expiry[1],
        fingerprint=fingerprint(card),
        funding=card.funding,
        last4=card.last4,
        networks=shape("networks", available=[card.brand], preferred=None),
        regulated_status="unregulated",
        three_d_secure_usage={"supported": True},
    )


def checks(card: TestCard, billing: Billing) -> Json:
    """What the bank said to security code, postcode and street."""
    return {
        "address_line1_check": "pass" if billing.line1 else None,
        "address_postal_code_check": card.postal_check if billing.postal_code else None,
        "cvc_check": card.cvc_check,
    }


def fingerprint(card: TestCard) -> str:
    """The same for the same card, so that receivers can recognise it."""
    seed = f"{card.name}{card.last4}".encode()
    return hashlib.blake2s(seed, digest_size=FINGERPRINT_LENGTH // 2).hexdigest()
