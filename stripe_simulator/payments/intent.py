"""PaymentIntents: one payment from its first attempt to its end."""

from typing import Any

from stripe_simulator.api import metadata
from stripe_simulator.errors import InvalidParameter
from stripe_simulator.shapes import shape
from stripe_simulator.store.record import Record
from stripe_simulator.store.unit import Unit

Json = dict[str, Any]

COPIED = (
    "application_fee_amount",
    "description",
    "on_behalf_of",
    "receipt_email",
    "setup_future_usage",
    "shipping",
    "statement_descriptor",
    "statement_descriptor_suffix",
    "transfer_data",
    "transfer_group",
)
"""Parameters that stand in the PaymentIntent as they were given."""

CONNECTED = ("application_fee_amount", "on_behalf_of", "transfer_data")


def copied(given: Json) -> Json:
    """Those of the copied parameters that were given; a shipping address gets its whole shape."""
    kept = {name: given[name] for name in COPIED if given.get(name) is not None}
    if "shipping" in kept:
        shipping: Json = kept["shipping"]
        kept["shipping"] = shape("shipping", **{**shipping, "address": shape("address", **shipping["address"])})
    return kept


def refuse_connected(given: Json, where: str = "") -> None:
    """The simulator has one account: nothing can be passed on to another."""
    for name in CONNECTED:
        if given.get(name):
            param = f"{where}[{name}]" if where else name
            raise InvalidParameter("The simulator knows no connected accounts.", param=param)


def new_intent(unit: Unit, given: Json, *, amount: int, currency: str, customer: str | None, **hidden: Any) -> Record:
    """A PaymentIntent without a means of payment; `given` holds the parameters that are copied."""
    intent_id = unit.ids.payment("pi", unit.at)
    doc = shape(
        "payment_intent",
        id=intent_id,
        object="payment_intent",
        amount=amount,
        amount_capturable=0,
        amount_details={"tip": {}},
        amount_received=0,
        automatic_payment_methods={"allow_redirects": "always", "enabled": True},
        capture_method=given.get("capture_method", "automatic_async"),
        client_secret=f"{intent_id}_secret_{unit.ids.characters(25)}",
        confirmation_method="automatic",
        created=unit.at,
        currency=currency,
        customer=customer,
        livemode=False,
        metadata=metadata.fresh(given.get("metadata")),
        payment_method_options={
            "card": shape("payment_intent_payment_method_options_card", request_three_d_secure="automatic")
        },
        payment_method_types=["card"],
        status="requires_payment_method",
        **copied(given),
    )
    return unit.make("payment_intent", doc, **hidden)
