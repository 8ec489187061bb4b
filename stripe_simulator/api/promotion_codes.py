"""`/v1/promotion_codes`."""

from typing import Any

from stripe_simulator.api import listing, metadata
from stripe_simulator.api.call import Call
from stripe_simulator.api.change import change
from stripe_simulator.errors import MissingParameter, NoSuchObject, NotAllowed
from stripe_simulator.shapes import shape
from stripe_simulator.store import objects
from stripe_simulator.store.objects import Where

Json = dict[str, Any]

URL = "/v1/promotion_codes"
KIND = "promotion_code"


async def create(call: Call) -> Json:
    given = call.params
    coupon_id: str | None = given["promotion"].get("coupon")
    if coupon_id is None:
        raise MissingParameter("promotion[coupon]")
    if await call.unit.find("coupon", coupon_id) is None:
        raise NoSuchObject("coupon", coupon_id, param="promotion[coupon]", in_path=False)
    code = given.get("code") or call.unit.ids.characters(8).upper()
    for known in await objects.of_kind(call.world.database.pool, KIND):
        if known.doc["active"] and known.doc["code"].lower() == code.lower():
            raise NotAllowed("An active promotion code with this code already exists.", param="code")
    doc = shape(
        KIND,
        id=call.unit.ids.made("promo", call.at),
        object=KIND,
        active=given.get("active", True),
        code=code,
        created=call.at,
        customer=given.get("customer"),
        expires_at=given.get("expires_at"),
        livemode=False,
        max_redemptions=given.get("max_redemptions"),
        metadata=metadata.fresh(given.get("metadata")),
        promotion={"coupon": coupon_id, "type": "coupon"},
        restrictions=shape(
            "promotion_codes_resource_restrictions",
            **{"first_time_transaction": False, **(given.get("restrictions") or {})},
        ),
        times_redeemed=0,
    )
    call.unit.make(KIND, doc)
    call.unit.emit("promotion_code.created", doc)
    return doc


async def retrieve(call: Call) -> Json:
    return (await call.find(KIND, call.path["promotion_code"])).doc


async def update(call: Call) -> Json:
    return change(call, await call.lock(KIND, call.path["promotion_code"]), ("active",))


async def list_all(call: Call) -> Json:
    where = Where()
    if "active" in call.params:
        where.fields["active"] = str(call.params["active"]).lower()
    if "code" in call.params:
        where.fields["code"] = call.params["code"]
    if "coupon" in call.params:
        where.fields["promotion.coupon"] = call.params["coupon"]
    return await listing.page_of(call, KIND, URL, where)
