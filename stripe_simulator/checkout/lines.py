"""Line items: what is bought, at which price, and what it adds up to."""

from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from stripe_simulator.api import metadata
from stripe_simulator.errors import InvalidParameter, MissingParameter, NoSuchObject
from stripe_simulator.shapes import shape
from stripe_simulator.store.unit import Unit

Json = dict[str, Any]

MOST_LINES = 100


async def line_items(unit: Unit, given: list[Json]) -> list[Json]:
    """The items of a session, in order; all in one currency. Writes the prices and products made inline."""
    if not given:
        raise MissingParameter("line_items")
    if len(given) > MOST_LINES:
        raise InvalidParameter(
            f"A Checkout Session can have up to {MOST_LINES} line items, these are {len(given)}.", param="line_items"
        )
    items = [await _item(unit, line, f"line_items[{number}]") for number, line in enumerate(given)]
    currencies = {item["currency"] for item in items}
    if len(currencies) > 1:
        raise InvalidParameter(
            f"All line items must be in one currency, these are in {', '.join(sorted(currencies))}.",
            param="line_items",
        )
    return items


async def _item(unit: Unit, line: Json, where: str) -> Json:
    quantity = line.get("quantity")
    if quantity is None:
        raise MissingParameter(f"{where}[quantity]")
    if quantity < 1:
        raise InvalidParameter(
            "This value must be greater than or equal to 1.",
            code="parameter_invalid_integer",
            param=f"{where}[quantity]",
        )
    if line.get("tax_rates"):
        raise NoSuchObject("tax rate", line["tax_rates"][0], param=f"{where}[tax_rates][0]", in_path=False)
    price, name, unit_amount = await _price(unit, line, where)
    amount = int((unit_amount * quantity).quantize(Decimal(1), ROUND_HALF_UP))
    return shape(
        "item",
        id=unit.ids.made("li", unit.at),
        object="item",
        adjustable_quantity=_adjustable(line.get("adjustable_quantity")),
        amount_discount=0,
        amount_subtotal=amount,
        amount_tax=0,
        amount_total=amount,
        currency=price["currency"],
        description=name,
        metadata=metadata.fresh(line.get("metadata")),
        price=price,
        quantity=quantity,
    )


def _adjustable(given: Json | None) -> Json | None:
    if not given or not given["enabled"]:
        return None
    return {"enabled": True, "maximum": given.get("maximum", 99), "minimum": given.get("minimum", 0)}


async def _price(unit: Unit, line: Json, where: str) -> tuple[Json, str, Decimal]:
    """The price object, the product's name and the unit amount."""
    if (line.get("price") is None) == (line.get("price_data") is None):
        raise InvalidParameter(f"Give `{where}[price]` or `{where}[price_data]`, exactly one of them.", param=where)
    if line.get("price_data") is not None:
        return await _inline_price(unit, line["price_data"], f"{where}[price_data]")
    price = await unit.find("price", line["price"])
    if price is None:
        raise NoSuchObject("price", line["price"], param=f"{where}[price]", in_path=False)
    if not price.doc["active"]:
        raise InvalidParameter("The price is inactive. Activate it or use another.", param=f"{where}[price]")
    if price.doc["type"] != "one_time":
        raise InvalidParameter("A payment takes one-time prices only.", param=f"{where}[price]")
    product = await unit.find("product", price.doc["product"])
    name = product.doc["name"] if product else price.doc["nickname"] or ""
    return price.doc, name, Decimal(price.doc["unit_amount_decimal"])


async def _inline_price(unit: Unit, given: Json, where: str) -> tuple[Json, str, Decimal]:
    if given.get("recurring"):
        raise InvalidParameter("A payment takes one-time prices only.", param=f"{where}[recurring]")
    if (given.get("product") is None) == (given.get("product_data") is None):
        raise InvalidParameter(f"Give `{where}[product]` or `{where}[product_data]`, exactly one of them.", param=where)
    if given.get("product") is not None:
        product = await unit.find("product", given["product"])
        if product is None:
            raise NoSuchObject("product", given["product"], param=f"{where}[product]", in_path=False)
        product_doc = product.doc
    else:
        product_doc = new_product(unit, {**given["product_data"], "active": False})
    price = new_price(unit, {**given, "active": False}, product_doc["id"], where)
    return price, product_doc["name"], Decimal(price["unit_amount_decimal"])


def new_product(unit: Unit, given: Json) -> Json:
    """A product."""
    doc = shape(
        "product",
        id=given.get("id") or unit.ids.short("prod"),
        object="product",
        active=given.get("active", True),
        created=unit.at,
        description=given.get("description"),
        images=given.get("images") or [],
        livemode=False,
        marketing_features=given.get("marketing_features") or [],
        metadata=metadata.fresh(given.get("metadata")),
        name=given["name"],
        package_dimensions=given.get("package_dimensions"),
        shippable=given.get("shippable"),
        statement_descriptor=given.get("statement_descriptor"),
        tax_code=given.get("tax_code"),
        unit_label=given.get("unit_label"),
        updated=unit.at,
        url=given.get("url"),
    )
    unit.make("product", doc)
    return doc


def new_price(unit: Unit, given: Json, product: str, where: str = "") -> Json:
    """A one-time price from `unit_amount` or `unit_amount_decimal`."""
    amount = _unit_amount(given, where)
    whole = amount == amount.to_integral_value()
    doc = shape(
        "price",
        id=unit.ids.made("price", unit.at),
        object="price",
        active=given.get("active", True),
        billing_scheme="per_unit",
        created=unit.at,
        currency=given["currency"],
        livemode=False,
        lookup_key=given.get("lookup_key"),
        metadata=metadata.fresh(given.get("metadata")),
        nickname=given.get("nickname"),
        product=product,
        tax_behavior=given.get("tax_behavior", "unspecified"),
        type="one_time",
        unit_amount=int(amount) if whole else None,
        unit_amount_decimal=str(int(amount)) if whole else str(amount),
    )
    unit.make("price", doc)
    return doc


def _unit_amount(given: Json, where: str) -> Decimal:
    whole, decimal = given.get("unit_amount"), given.get("unit_amount_decimal")
    name = f"{where}[unit_amount]" if where else "unit_amount"
    if (whole is None) == (decimal is None):
        raise InvalidParameter("Give `unit_amount` or `unit_amount_decimal`, exactly one of them.", param=name)
    amount = Decimal(str(whole if decimal is None else decimal))
    if amount < 0:
        raise InvalidParameter("Invalid non-negative integer", code="parameter_invalid_integer", param=name)
    return amount
