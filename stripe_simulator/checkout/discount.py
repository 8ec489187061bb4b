"""A coupon or promotion code taken off the lines of a session."""

from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from stripe_simulator.checkout.rules import check_total
from stripe_simulator.errors import InvalidParameter, NoSuchObject
from stripe_simulator.store import objects
from stripe_simulator.store.record import Record
from stripe_simulator.store.unit import Unit

Json = dict[str, Any]


async def discounted(unit: Unit, items: list[Json], given: list[Json] | None) -> list[Json]:
    """Take the discount off `items` in place; answers the session's `discounts`."""
    if not given:
        return []
    if len(given) > 1:
        raise InvalidParameter("A Checkout Session takes at most one discount.", param="discounts")
    coupon, promotion_code = await _coupon(unit, given[0])
    take_off(items, reduction(items, coupon))
    return [{"coupon": None if promotion_code else coupon["id"], "promotion_code": promotion_code}]


def reduction(items: list[Json], coupon: Json) -> int:
    """How many minor units a coupon takes off."""
    subtotal = sum(item["amount_subtotal"] for item in items)
    if coupon["percent_off"] is not None:
        share = Decimal(str(coupon["percent_off"])) / 100
        return int((subtotal * share).quantize(Decimal(1), ROUND_HALF_UP))
    if coupon["currency"] != items[0]["currency"]:
        raise InvalidParameter(
            f"The coupon is in {coupon['currency']}, the session in {items[0]['currency']}.", param="discounts"
        )
    return min(coupon["amount_off"], subtotal)


def take_off(items: list[Json], amount: int) -> None:
    """Spread a reduction over the lines by their share; the parts add up to the whole."""
    subtotal = sum(item["amount_subtotal"] for item in items)
    left, left_of = amount, subtotal
    for item in items:
        part = left * item["amount_subtotal"] // left_of if left_of else 0
        left, left_of = left - part, left_of - item["amount_subtotal"]
        item.update(amount_discount=part, amount_total=item["amount_subtotal"] - part)


async def _coupon(unit: Unit, given: Json) -> tuple[Json, str | None]:
    if (given.get("coupon") is None) == (given.get("promotion_code") is None):
        raise InvalidParameter("Give a coupon or a promotion code.", param="discounts[0]")
    if given.get("coupon") is not None:
        return await _valid(unit, given["coupon"], "discounts[0][coupon]"), None
    code = await unit.find("promotion_code", given["promotion_code"])
    if code is None or not code.doc["active"]:
        raise NoSuchObject(
            "promotion code", given["promotion_code"], param="discounts[0][promotion_code]", in_path=False
        )
    return await _valid(unit, code.doc["promotion"]["coupon"], "discounts[0][promotion_code]"), code.id


async def _valid(unit: Unit, coupon_id: str, param: str) -> Json:
    coupon = await unit.find("coupon", coupon_id)
    if coupon is None:
        raise NoSuchObject("coupon", coupon_id, param=param, in_path=False)
    if not coupon.doc["valid"]:
        raise InvalidParameter("This coupon is no longer valid.", code="coupon_expired", param=param)
    return coupon.doc


async def redeem(unit: Unit, session: Record, code: str) -> None:
    """The buyer's own promotion code, typed on the page; replaces an earlier one. The session must be locked.

    Raises InvalidParameter or NoSuchObject for a code that does not exist or does not apply.
    """
    for known in await objects.of_kind(unit.reader(), "promotion_code"):
        if known.doc["code"].lower() == code.lower() and known.doc["active"]:
            break
    else:
        raise NoSuchObject("promotion code", code, param="code", in_path=False)
    items: list[Json] = session.hidden["line_items"]
    coupon = await _valid(unit, known.doc["promotion"]["coupon"], "code")
    amount = reduction(items, coupon)
    total = session.doc["amount_subtotal"] - amount
    check_total(total, session.doc["currency"])
    await _change_intent(unit, session, total)
    take_off(items, amount)
    session.doc.update(
        amount_total=total,
        discounts=[{"coupon": None, "promotion_code": known.id}],
        total_details={**session.doc["total_details"], "amount_discount": amount},
    )
    unit.put(session)


async def _change_intent(unit: Unit, session: Record, total: int) -> None:
    """An earlier attempt made the PaymentIntent: the next one is for the new amount."""
    intent_id = session.doc["payment_intent"]
    intent = await unit.lock("payment_intent", intent_id) if intent_id else None
    if intent is None:
        return
    if intent.doc["status"] not in ("requires_payment_method", "requires_confirmation") or total == 0:
        raise InvalidParameter("The payment has begun: its amount cannot change any more.", param="code")
    intent.doc["amount"] = total
    unit.put(intent)
