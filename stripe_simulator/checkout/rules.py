"""What a new Checkout Session must obey beyond the types of its parameters."""

import re
from typing import Any

from stripe_simulator import money
from stripe_simulator.api.call import Call
from stripe_simulator.errors import InvalidParameter, MissingParameter, UnknownParameter
from stripe_simulator.payments.intent import refuse_connected

Json = dict[str, Any]

SHORTEST_LIFE = 30 * 60
LONGEST_LIFE = 24 * 3600
MOST_CUSTOM_FIELDS = 3
OWN_PAGE_MODES = ("embedded_page", "elements", "form")
NOT_SIMULATED = ("optional_items", "setup_intent_data", "shipping_options", "subscription_data")
URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^\s/?#]+[^\s]*")
EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")


def check(call: Call) -> None:
    """Refuse what Stripe refuses, before anything is written."""
    given = call.params
    if call.is_endive and "payment_method_types" in given:
        raise UnknownParameter(["payment_method_types"])
    _check_mode(given)
    _check_urls(given)
    _check_buyer(given)
    _check_life(call)
    refuse_connected(given.get("payment_intent_data") or {}, "payment_intent_data")
    if given.get("discounts") and given.get("allow_promotion_codes") is not None:
        raise InvalidParameter("Give `discounts` or `allow_promotion_codes`, not both.", param="discounts")
    if len(given.get("custom_fields") or []) > MOST_CUSTOM_FIELDS:
        raise InvalidParameter(f"At most {MOST_CUSTOM_FIELDS} custom fields.", param="custom_fields")


def method_types(given: Json) -> list[str]:
    """The computed list of payment methods on offer: those asked for that the simulator knows."""
    known = ["card", "sepa_debit"]
    asked: list[str] = given.get("payment_method_types") or given.get("allowed_payment_method_types") or known
    excluded: list[str] = given.get("excluded_payment_method_types") or []
    offered = [kind for kind in known if kind in asked and kind not in excluded]
    if not offered:
        raise InvalidParameter(
            "None of these payment methods is simulated: use card or sepa_debit.", param="allowed_payment_method_types"
        )
    return offered


def check_total(total: int, currency: str) -> None:
    """A total is zero, or at least the currency's smallest charge, and not beyond the largest."""
    smallest = money.smallest_charge(currency)
    if 0 < total < smallest:
        least = money.display(smallest, currency)
        raise InvalidParameter(
            f"The Checkout Session's total amount due must add up to at least {least} {currency}",
            code="amount_too_small",
        )
    if total > money.LARGEST_AMOUNT:
        most = money.display(money.LARGEST_AMOUNT, currency)
        raise InvalidParameter(
            f"The Checkout Session's total amount must be no more than {most} {currency}", code="amount_too_large"
        )
    if currency in money.THREE_DECIMAL and total % 10:
        raise InvalidParameter(f"Amounts in {currency} must end in 0.", code="parameter_invalid_integer")


def _check_mode(given: Json) -> None:
    if given.get("mode") is None:
        raise MissingParameter("mode")
    if given["mode"] != "payment":
        raise InvalidParameter("The simulator takes payments only: mode must be payment.", param="mode")
    for name in NOT_SIMULATED:
        if given.get(name):
            raise InvalidParameter(f"The simulator does not know `{name}`.", param=name)
    if (given.get("after_expiration") or {}).get("recovery", {}).get("enabled"):
        raise InvalidParameter("The simulator offers no recovery of expired sessions.", param="after_expiration")
    if (given.get("invoice_creation") or {}).get("enabled"):
        raise InvalidParameter("The simulator writes no invoices.", param="invoice_creation")


def _check_urls(given: Json) -> None:
    own_page = given.get("ui_mode", "hosted_page") in OWN_PAGE_MODES
    refused = ("success_url", "cancel_url") if own_page else ("return_url",)
    for name in refused:
        if given.get(name):
            raise InvalidParameter(f"`{name}` cannot be used with this `ui_mode`.", param=name)
    if not own_page and given.get("success_url") is None:
        raise MissingParameter("success_url")
    for name in ("success_url", "cancel_url", "return_url"):
        if given.get(name) and not URL.fullmatch(given[name]):
            raise InvalidParameter("Not a valid URL", code="url_invalid", param=name)


def _check_buyer(given: Json) -> None:
    if given.get("customer") and given.get("customer_email"):
        raise InvalidParameter("Give `customer` or `customer_email`, not both.", param="customer_email")
    if given.get("customer") and given.get("customer_creation"):
        raise InvalidParameter("`customer_creation` makes no sense with a `customer`.", param="customer_creation")
    if given.get("customer_email") and not EMAIL.fullmatch(given["customer_email"]):
        raise InvalidParameter(
            f"Invalid email address: {given['customer_email']}", code="email_invalid", param="customer_email"
        )


def _check_life(call: Call) -> None:
    expires_at = call.params.get("expires_at")
    if expires_at is None:
        return
    if expires_at < call.at + SHORTEST_LIFE:
        raise InvalidParameter(
            "The `expires_at` timestamp must be at least 30 minutes from Checkout Session creation.",
            param="expires_at",
        )
    if expires_at > call.at + LONGEST_LIFE:
        raise InvalidParameter(
            "The `expires_at` timestamp must be less than 24 hours from Checkout Session creation.",
            param="expires_at",
        )
