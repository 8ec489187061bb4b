"""`/v1/customers`."""

from typing import Any

from stripe_simulator.api import listing, metadata
from stripe_simulator.api.call import Call
from stripe_simulator.api.change import change
from stripe_simulator.errors import NoSuchObject
from stripe_simulator.payments.customer import new_customer
from stripe_simulator.shapes import shape
from stripe_simulator.store.objects import Where
from stripe_simulator.store.record import Record

Json = dict[str, Any]

URL = "/v1/customers"
KIND = "customer"
PLAIN = (
    "description",
    "email",
    "name",
    "phone",
    "preferred_locales",
    "tax_exempt",
    "balance",
    "business_name",
    "individual_name",
)


async def create(call: Call) -> Json:
    given = {name: call.params.get(name) for name in PLAIN}
    customer = new_customer(
        call.unit,
        metadata=metadata.fresh(call.params.get("metadata")),
        address=_address(call.params.get("address")),
        shipping=call.params.get("shipping"),
        **given,
    )
    return customer.doc


async def retrieve(call: Call) -> Json:
    return (await call.find(KIND, call.path["customer"])).doc


async def update(call: Call) -> Json:
    address = {"address": _address(call.params["address"])} if "address" in call.params else {}
    return change(call, await _living(call), PLAIN, **address)


async def delete(call: Call) -> Json:
    customer = await _living(call)
    call.unit.emit("customer.deleted", customer.doc)
    customer.doc = {"id": customer.id, "object": KIND, "deleted": True}
    return call.unit.put(customer).doc


async def list_all(call: Call) -> Json:
    where = Where()
    if "email" in call.params:
        where.fields["email"] = call.params["email"]
    return await listing.page_of(call, KIND, URL, where)


async def _living(call: Call) -> Record:
    customer = await call.lock(KIND, call.path["customer"])
    if customer.doc.get("deleted"):
        raise NoSuchObject(KIND, customer.id)
    return customer


def _address(given: Json | None) -> Json | None:
    return shape("address", **given) if given else None
