"""Customers."""

from typing import Any

from stripe_simulator.shapes import shape
from stripe_simulator.store.record import Record
from stripe_simulator.store.unit import Unit


def new_customer(unit: Unit, **fields: Any) -> Record:
    """A customer, with `customer.created`."""
    given = {name: value for name, value in fields.items() if value is not None}
    doc = shape(
        "customer",
        **{
            "id": unit.ids.short("cus"),
            "object": "customer",
            "balance": 0,
            "created": unit.at,
            "delinquent": False,
            "invoice_prefix": unit.ids.characters(8).upper(),
            "invoice_settings": shape("invoice_setting_customer_setting"),
            "livemode": False,
            "metadata": {},
            "next_invoice_sequence": 1,
            "preferred_locales": [],
            "tax_exempt": "none",
            **given,
        },
    )
    customer = unit.make("customer", doc)
    unit.emit("customer.created", doc)
    return customer
