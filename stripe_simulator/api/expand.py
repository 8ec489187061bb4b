"""`expand[]`: an id becomes the object it names, up to four levels deep."""

from typing import Any, cast

from stripe_simulator.api.call import Call
from stripe_simulator.api.listing import listed
from stripe_simulator.errors import InvalidParameter
from stripe_simulator.facts import Node, facts

Json = dict[str, Any]

DEEPEST = 4
LISTS_ON_DEMAND = {("checkout.session", "line_items"), ("charge", "refunds")}
ON_DEMAND = {*LISTS_ON_DEMAND, ("payment_pages_checkout_session_total_details", "breakdown")}


def check(paths: list[str], answered: str | None) -> None:
    """Refuse a path that leads through a field which cannot be expanded. `answered` is a schema or `list:<schema>`."""
    for path in paths:
        steps = path.split(".")
        kind = answered or ""
        if kind.startswith("list:"):
            kind = kind.removeprefix("list:")
            if steps.pop(0) != "data" or not steps:
                raise _cannot(path)
        if len(steps) > DEEPEST:
            raise InvalidParameter(f"Expanding goes up to {DEEPEST} levels deep: {path}.", param="expand")
        _check_steps(kind, steps, path)


def _check_steps(kind: str, steps: list[str], path: str) -> None:
    node: Node = facts().objects.get(kind, {"p": {}})
    for number, step in enumerate(steps):
        child: Node | None = node.get("p", {}).get(step)
        expandable = child is not None and ("expands" in child or (kind, step) in ON_DEMAND)
        is_last = number == len(steps) - 1
        if child is None or (is_last and not expandable):
            raise _cannot(path)
        inside: Node = child.get("of", child)
        kinds: list[str] = inside.get("expands", [inside.get("ref", "")])
        kind = kinds[0] if kinds else ""
        node = facts().objects.get(kind, inside)


def _cannot(path: str) -> InvalidParameter:
    return InvalidParameter(f"This property cannot be expanded ({path}).", param="expand")


async def expanded(call: Call, doc: Json, paths: list[str]) -> Json:
    """The answer with every path expanded; the stored object stays as it was."""
    for path in paths:
        doc = cast("Json", await _followed(call, doc, path.split(".")))
    return doc


async def _followed(call: Call, value: Any, steps: list[str]) -> Any:
    if isinstance(value, list):
        return [await _followed(call, item, steps) for item in cast("list[Any]", value)]
    if not isinstance(value, dict) or not steps:
        return value
    doc = cast("Json", value)
    step, *rest = steps
    kind = str(doc.get("object", ""))
    if (kind, step) in LISTS_ON_DEMAND and step not in doc:
        child = await _list_on_demand(call, doc, step)
    else:
        child = await _opened(call, kind, step, doc.get(step))
    return {**doc, step: await _followed(call, child, rest)}


async def _opened(call: Call, kind: str, step: str, value: Any) -> Any:
    """The object that an id names; anything that is no id stays what it is."""
    if not isinstance(value, str):
        return value
    node = facts().objects.get(kind, {}).get("p", {}).get(step, {})
    for candidate in node.get("expands", EXPANDS_INSIDE.get(step, ())):
        record = await call.unit.find(candidate, value)
        if record is not None:
            return record.doc
    return value


EXPANDS_INSIDE = {"coupon": ("coupon",), "promotion_code": ("promotion_code",), "product": ("product",)}
"""Ids in parts of an object that carry no `object` name of their own."""


async def _list_on_demand(call: Call, doc: Json, step: str) -> Json:
    if step == "line_items":
        session = await call.unit.find("checkout.session", doc["id"])
        items: list[Json] = session.hidden["line_items"] if session else []
        return listed(items, f"/v1/checkout/sessions/{doc['id']}/line_items")
    refunds = [
        record.doc
        for record in await call.unit.of_payment("refund", str(doc["payment_intent"]))
        if record.doc["charge"] == doc["id"]
    ]
    return listed(refunds[::-1], f"/v1/charges/{doc['id']}/refunds")
