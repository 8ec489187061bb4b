"""`/v1/products`."""

from typing import Any

from stripe_simulator.api import listing
from stripe_simulator.api.call import Call
from stripe_simulator.api.change import change
from stripe_simulator.checkout.lines import new_price, new_product
from stripe_simulator.errors import NotAllowed
from stripe_simulator.store.objects import Where

Json = dict[str, Any]

URL = "/v1/products"
KIND = "product"
PLAIN = (
    "active",
    "default_price",
    "description",
    "images",
    "marketing_features",
    "name",
    "package_dimensions",
    "shippable",
    "statement_descriptor",
    "tax_code",
    "unit_label",
    "url",
)


async def create(call: Call) -> Json:
    chosen_id = call.params.get("id")
    if chosen_id and await call.unit.find(KIND, chosen_id):
        raise NotAllowed("Product already exists.", code="resource_already_exists", param="id")
    doc = new_product(call.unit, call.params)
    price_data: Json | None = call.params.get("default_price_data")
    if price_data:
        price = new_price(call.unit, price_data, doc["id"], "default_price_data")
        doc["default_price"] = price["id"]
        call.unit.emit("price.created", price)
    call.unit.emit("product.created", doc)
    return doc


async def retrieve(call: Call) -> Json:
    return (await call.find(KIND, call.path["id"])).doc


async def update(call: Call) -> Json:
    return change(call, await call.lock(KIND, call.path["id"]), PLAIN, updated=call.at)


async def delete(call: Call) -> Json:
    product = await call.lock(KIND, call.path["id"])
    call.unit.remove(KIND, product.id)
    call.unit.emit("product.deleted", product.doc)
    return {"id": product.id, "object": KIND, "deleted": True}


async def list_all(call: Call) -> Json:
    where = Where()
    if "active" in call.params:
        where.fields["active"] = str(call.params["active"]).lower()
    return await listing.page_of(call, KIND, URL, where)
