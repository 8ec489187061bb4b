"""`/v1/checkout/sessions`."""

from typing import Any

from stripe_simulator.api import listing, metadata
from stripe_simulator.api.call import Call
from stripe_simulator.checkout.create import create_session
from stripe_simulator.checkout.expire import expire as expire_session
from stripe_simulator.errors import NotAllowed
from stripe_simulator.store.objects import Where

Json = dict[str, Any]

URL = "/v1/checkout/sessions"
KIND = "checkout.session"


async def create(call: Call) -> Json:
    return (await create_session(call)).doc


async def retrieve(call: Call) -> Json:
    return (await call.find(KIND, call.path["session"])).doc


async def update(call: Call) -> Json:
    session = await call.lock(KIND, call.path["session"])
    for name in ("line_items", "shipping_options", "collected_information"):
        if name in call.params:
            raise NotAllowed(f"The simulator does not change the `{name}` of a session.", param=name)
    session.doc["metadata"] = metadata.changed(session.doc["metadata"], call.params)
    given: Json = call.params.get("payment_intent_data") or {}
    if given:
        if session.doc["status"] != "open":
            raise NotAllowed("Only an open session takes `payment_intent_data`.", param="payment_intent_data")
        kept: Json = session.hidden["payment_intent_data"]
        kept = {**kept, **given, "metadata": metadata.changed(kept.get("metadata"), given)}
        session.hidden["payment_intent_data"] = kept
    return call.unit.put(session).doc


async def expire(call: Call) -> Json:
    session = await call.lock(KIND, call.path["session"])
    await expire_session(call.world, call.unit, session)
    return session.doc


async def list_all(call: Call) -> Json:
    where = Where()
    for name in ("payment_intent", "customer"):
        if name in call.params:
            where.columns[name] = call.params[name]
    if "status" in call.params:
        where.fields["status"] = call.params["status"]
    details: Json = call.params.get("customer_details") or {}
    if "email" in details:
        where.fields["customer_details.email"] = details["email"]
    return await listing.page_of(call, KIND, URL, where)


async def line_items(call: Call) -> Json:
    session = await call.find(KIND, call.path["session"])
    items: list[Json] = session.hidden["line_items"]
    return listing.page_of_given(call.params, items, f"{URL}/{session.id}/line_items", "line_item")
