"""`/v1/prices`."""

from typing import Any

from stripe_simulator.api import listing
from stripe_simulator.api.call import Call
from stripe_simulator.api.change import change
from stripe_simulator.checkout.lines import new_price, new_product
from stripe_simulator.errors import InvalidParameter, NoSuchObject
from stripe_simulator.store.objects import Where

Json = dict[str, Any]

URL = "/v1/prices"
KIND = "price"
PLAIN = ("active", "lookup_key", "nickname", "tax_behavior")
NOT_SIMULATED = ("recurring", "tiers", "custom_unit_amount", "transform_quantity", "currency_options")


async def create(call: Call) -> Json:
    given = call.params
    for name in NOT_SIMULATED:
        if given.get(name):
            raise InvalidParameter("The simulator knows one-time prices per unit only.", param=name)
    if (given.get("product") is None) == (given.get("product_data") is None):
        raise InvalidParameter("Give `product` or `product_data`, exactly one of them.", param="product")
    product_id: str | None = given.get("product")
    if product_id is None:
        product = new_product(call.unit, given["product_data"])
        call.unit.emit("product.created", product)
        product_id = product["id"]
    elif await call.unit.find("product", product_id) is None:
        raise NoSuchObject("product", product_id, param="product", in_path=False)
    doc = new_price(call.unit, given, str(product_id))
    call.unit.emit("price.created", doc)
    return doc


async def retrieve(call: Call) -> Json:
    return (await call.find(KIND, call.path["price"])).doc


async def update(call: Call) -> Json:
    return change(call, await call.lock(KIND, call.path["price"]), PLAIN)


async def list_all(call: Call) -> Json:
    where = Where()
    for name in ("currency", "product", "type"):
        if name in call.params:
            where.fields[name] = call.params[name]
    if "active" in call.params:
        where.fields["active"] = str(call.params["active"]).lower()
    return await listing.page_of(call, KIND, URL, where)
