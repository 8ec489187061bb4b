"""`/v1/refunds`."""

from typing import Any

from stripe_simulator.api import listing, metadata
from stripe_simulator.api.call import Call
from stripe_simulator.errors import InvalidParameter, NoSuchObject, NotAllowed
from stripe_simulator.payments.refund import cancel_refund, refund_charge
from stripe_simulator.store.objects import Where
from stripe_simulator.store.record import Record

Json = dict[str, Any]

URL = "/v1/refunds"
KIND = "refund"


async def create(call: Call) -> Json:
    charge = await _charge(call)
    return (await refund_charge(call.unit, call.world.settings, charge, call.params)).doc


async def retrieve(call: Call) -> Json:
    return (await call.find(KIND, call.path["refund"])).doc


async def update(call: Call) -> Json:
    refund = await call.lock(KIND, call.path["refund"])
    before = {"metadata": refund.doc["metadata"]}
    refund.doc["metadata"] = metadata.changed(refund.doc["metadata"], call.params)
    call.unit.put(refund)
    call.unit.emit("refund.updated", refund.doc, before)
    call.unit.emit("charge.refund.updated", refund.doc, before)
    return refund.doc


async def cancel(call: Call) -> Json:
    refund = await call.lock(KIND, call.path["refund"])
    await cancel_refund(call.unit, refund)
    return refund.doc


async def list_all(call: Call) -> Json:
    columns = {name: call.params[name] for name in ("charge", "payment_intent") if name in call.params}
    return await listing.page_of(call, KIND, URL, Where(columns=columns))


async def _charge(call: Call) -> Record:
    """The charge that is refunded, locked."""
    given = call.params
    for name in ("reverse_transfer", "refund_application_fee"):
        if given.get(name):
            raise InvalidParameter("The simulator knows no connected accounts.", param=name)
    if given.get("charge") is not None:
        charge = await call.unit.lock("charge", given["charge"])
        if charge is None:
            raise NoSuchObject("charge", given["charge"], param="charge", in_path=False)
        return charge
    if given.get("payment_intent") is None:
        raise InvalidParameter("One of the following params should be provided: charge, payment_intent.")
    intent = await call.unit.find("payment_intent", given["payment_intent"])
    if intent is None:
        raise NoSuchObject("payment_intent", given["payment_intent"], param="payment_intent", in_path=False)
    if intent.doc["status"] == "requires_capture":
        raise NotAllowed("The payment was not captured. Cancel the PaymentIntent instead.")
    charge_id = intent.doc["latest_charge"]
    charge = await call.unit.lock("charge", charge_id) if charge_id else None
    if charge is None or charge.doc["status"] != "succeeded":
        raise NotAllowed(f"This PaymentIntent ({intent.id}) does not have a successful charge to refund.")
    return charge
