"""`/v1/charges`."""

from typing import Any

from stripe_simulator.api import listing, metadata
from stripe_simulator.api.call import Call
from stripe_simulator.errors import NotAllowed
from stripe_simulator.store.objects import Where

Json = dict[str, Any]

URL = "/v1/charges"
KIND = "charge"
CHANGEABLE = ("customer", "description", "fraud_details", "receipt_email", "shipping", "transfer_group")


async def create(call: Call) -> Json:
    del call
    raise NotAllowed("The simulator makes charges from PaymentIntents only.")


async def retrieve(call: Call) -> Json:
    return (await call.find(KIND, call.path["charge"])).doc


async def update(call: Call) -> Json:
    charge = await call.lock(KIND, call.path["charge"])
    before = {"metadata": charge.doc["metadata"]}
    charge.doc["metadata"] = metadata.changed(charge.doc["metadata"], call.params)
    for name in CHANGEABLE:
        if name in call.params:
            before[name] = charge.doc[name]
            charge.doc[name] = call.params[name]
    call.unit.put(charge)
    call.unit.emit("charge.updated", charge.doc, before)
    return charge.doc


async def list_all(call: Call) -> Json:
    where = Where(columns={name: call.params[name] for name in ("payment_intent", "customer") if name in call.params})
    if "transfer_group" in call.params:
        where.fields["transfer_group"] = call.params["transfer_group"]
    return await listing.page_of(call, KIND, URL, where)
