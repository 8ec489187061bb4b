"""What the buyer typed: read, checked, turned into a payment. Card number and security code are forgotten at once."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from stripe_simulator.checkout.pay import Payment
from stripe_simulator.checkout.rules import EMAIL
from stripe_simulator.checkout_page.countries import CODES, POSTCODE_NEEDED
from stripe_simulator.payments import cards
from stripe_simulator.payments.bank_debits import BANK_DEBITS, BankDebit
from stripe_simulator.payments.cards import TestCard
from stripe_simulator.payments.instrument import DEFAULT_EXPIRY, Billing

Json = dict[str, Any]

KEPT = ("email", "method", "debit", "name", "country", "postal_code", "phone", "terms")
SHORTEST_NUMBER = 12
LONGEST_NUMBER = 19
LONGEST_TEXT = 200
FURTHEST_YEAR = 50


@dataclass(slots=True)
class Entries:
    """`kept` goes back into the form, `errors` stands beside its fields, by field name in the order of the page."""

    kept: dict[str, str]
    custom: dict[str, str] = field(default_factory=dict[str, str])
    errors: dict[str, str] = field(default_factory=dict[str, str])
    payment: Payment | None = None


def read(form: Mapping[str, str], session: Json, now: float) -> Entries:
    """The payment that the form describes, or what is wrong with it."""
    kept = {name: form.get(name, "").strip()[:LONGEST_TEXT] for name in KEPT}
    kept["method"] = kept["method"] if kept["method"] in session["payment_method_types"] else "card"
    entries = Entries(kept)
    kept["email"] = session["customer_email"] or kept["email"]
    if not EMAIL.fullmatch(kept["email"]):
        entries.errors["email"] = "Enter an e-mail address such as name@example.com."
    means, expiry = _means(form, entries, session, now)
    if session["amount_total"]:
        _check_holder(entries)
    _check_terms(entries, session)
    _read_custom_fields(form, entries, session)
    if not entries.errors:
        entries.payment = Payment(means=means, billing=_billing(kept), expiry=expiry)
    return entries


def _means(
    form: Mapping[str, str], entries: Entries, session: Json, now: float
) -> tuple[TestCard | BankDebit | None, tuple[int, int]]:
    if session["amount_total"] == 0:
        return None, DEFAULT_EXPIRY
    if entries.kept["method"] == "sepa_debit":
        return BANK_DEBITS.get(entries.kept["debit"], BANK_DEBITS["bank_debit"]), DEFAULT_EXPIRY
    card = _card(form.get("number", ""), entries)
    expiry = _expiry(form.get("expiry", ""), entries, now)
    code = form.get("cvc", "").strip()
    length = card.cvc_length if card else 3
    if not (code.isdigit() and len(code) == length):
        entries.errors["cvc"] = f"Enter the {length} digits of the security code."
    return card, expiry


def _card(typed: str, entries: Entries) -> TestCard | None:
    number = "".join(typed.replace("-", " ").split())
    if not number:
        entries.errors["number"] = "Enter the card number."
        return None
    well_formed = number.isascii() and number.isdigit() and SHORTEST_NUMBER <= len(number) <= LONGEST_NUMBER
    if not well_formed or not cards.is_luhn_valid(number):
        entries.errors["number"] = "This card number is not right. Check its digits."
        return None
    return cards.BY_NUMBER.get(number) or cards.unlisted(number)


def _expiry(typed: str, entries: Entries, now: float) -> tuple[int, int]:
    digits = "".join(character for character in typed if character.isdigit())
    month_text, slash, year_text = (part.strip() for part in typed.partition("/"))
    if not slash:
        month_text, year_text = digits[:2], digits[2:]
    if not (month_text.isdigit() and year_text.isdigit() and len(year_text) in (2, 4)):
        entries.errors["expiry"] = "Enter month and year, such as 08 / 34."
        return DEFAULT_EXPIRY
    today = datetime.fromtimestamp(now, UTC)
    month, year = int(month_text), int(year_text) + (2000 if len(year_text) == 2 else 0)
    if not 1 <= month <= 12:
        entries.errors["expiry"] = "This month does not exist. Check the expiry date."
    elif (year, month) < (today.year, today.month):
        entries.errors["expiry"] = "This date is past. Check the expiry date or use another card."
    elif year > today.year + FURTHEST_YEAR:
        entries.errors["expiry"] = "This year is too far away. Check the expiry date."
    return month, year


def _check_holder(entries: Entries) -> None:
    kept = entries.kept
    if not kept["name"]:
        entries.errors["name"] = "Enter the name of whoever pays."
    if kept["country"] not in CODES:
        entries.errors["country"] = "Choose a country."
    elif kept["country"] in POSTCODE_NEEDED and not kept["postal_code"] and kept["method"] == "card":
        entries.errors["postal_code"] = "Enter the postcode of the billing address."


def _check_terms(entries: Entries, session: Json) -> None:
    asked = (session["consent_collection"] or {}).get("terms_of_service") == "required"
    if asked and not entries.kept["terms"]:
        entries.errors["terms"] = "Accept the terms to go on."


def _read_custom_fields(form: Mapping[str, str], entries: Entries, session: Json) -> None:
    for custom in session["custom_fields"]:
        name = f"custom_{custom['key']}"
        value = form.get(name, "").strip()[:LONGEST_TEXT]
        entries.custom[custom["key"]] = value
        if not value and not custom["optional"]:
            entries.errors[name] = "This field is needed."
        elif value and custom["type"] == "numeric" and not value.isdigit():
            entries.errors[name] = "Digits only."


def _billing(kept: dict[str, str]) -> Billing:
    return Billing(
        email=kept["email"],
        name=kept["name"] or None,
        phone=kept["phone"] or None,
        country=kept["country"] or None,
        postal_code=kept["postal_code"] or None,
    )
