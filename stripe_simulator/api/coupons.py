"""`/v1/coupons`."""

from typing import Any

from stripe_simulator.api import listing, metadata
from stripe_simulator.api.call import Call
from stripe_simulator.api.change import change
from stripe_simulator.errors import InvalidParameter, MissingParameter, NotAllowed
from stripe_simulator.shapes import shape

Json = dict[str, Any]

URL = "/v1/coupons"
KIND = "coupon"


async def create(call: Call) -> Json:
    given = call.params
    if (given.get("percent_off") is None) == (given.get("amount_off") is None):
        raise InvalidParameter("Give `percent_off` or `amount_off`, exactly one of them.", param="percent_off")
    if given.get("amount_off") is not None and given.get("currency") is None:
        raise MissingParameter("currency")
    if not 0 < float(given.get("percent_off") or 1) <= 100:
        raise InvalidParameter("A coupon takes more than 0 and at most 100 percent off.", param="percent_off")
    coupon_id = given.get("id") or call.unit.ids.characters(8)
    if await call.unit.find(KIND, coupon_id):
        raise NotAllowed("Coupon already exists.", code="resource_already_exists", param="id")
    doc = shape(
        KIND,
        id=coupon_id,
        object=KIND,
        amount_off=given.get("amount_off"),
        created=call.at,
        currency=given.get("currency"),
        duration=given.get("duration", "once"),
        duration_in_months=given.get("duration_in_months"),
        livemode=False,
        max_redemptions=given.get("max_redemptions"),
        metadata=metadata.fresh(given.get("metadata")),
        name=given.get("name"),
        percent_off=given.get("percent_off"),
        redeem_by=given.get("redeem_by"),
        times_redeemed=0,
        valid=True,
    )
    call.unit.make(KIND, doc)
    call.unit.emit("coupon.created", doc)
    return doc


async def retrieve(call: Call) -> Json:
    return (await call.find(KIND, call.path["coupon"])).doc


async def update(call: Call) -> Json:
    return change(call, await call.lock(KIND, call.path["coupon"]), ("name",))


async def delete(call: Call) -> Json:
    coupon = await call.lock(KIND, call.path["coupon"])
    call.unit.remove(KIND, coupon.id)
    call.unit.emit("coupon.deleted", coupon.doc)
    return {"id": coupon.id, "object": KIND, "deleted": True}


async def list_all(call: Call) -> Json:
    return await listing.page_of(call, KIND, URL)
