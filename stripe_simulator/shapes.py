"""Answers in the shape of Stripe's: every nullable key of the schema is there, null unless a value was given."""

from collections.abc import Iterator
from functools import cache
from typing import Any, cast

from stripe_simulator.facts import Node, facts

Json = dict[str, Any]


def shape(schema: str, **values: Any) -> Json:
    """An object of this schema: `id` and `object` first, then by name; nullable keys without a value are null."""
    template, optional = _template(schema)
    made = {**template, **values}
    for key in optional:
        if key not in values:
            del made[key]
    return made


@cache
def _template(schema: str) -> tuple[Json, tuple[str, ...]]:
    properties: dict[str, Node] = facts().objects[schema]["p"]
    names = sorted(properties, key=lambda name: (name != "id", name != "object", name))
    optional = tuple(name for name in names if not properties[name].get("null"))
    return dict.fromkeys(names), optional


def misshapen(schema: str, value: Any, where: str = "") -> Iterator[str]:
    """What is wrong with an answer: unknown or missing keys, types, choices. Empty when it is right."""
    where = where or schema
    if not isinstance(value, dict):
        yield f"{where}: not an object but {value!r}"
        return
    fields = cast("Json", value)
    node = facts().objects[schema]
    yield from _fields(node, fields, where)


def _fields(node: Node, fields: Json, where: str) -> Iterator[str]:
    properties: dict[str, Node] = node["p"]
    for name in fields:
        if name not in properties:
            yield f"{where}.{name}: not in the schema"
    for name, child in properties.items():
        if name in fields:
            yield from _value(child, fields[name], f"{where}.{name}")
        elif (name in node.get("r", ()) or child.get("null")) and name not in INCLUDED_ON_DEMAND:
            yield f"{where}.{name}: missing"


INCLUDED_ON_DEMAND = ("line_items", "refunds")
"""Lists inside an object that are absent until they are expanded."""

PYTHON_TYPES: dict[str, type | tuple[type, ...]] = {
    "string": str,
    "integer": int,
    "boolean": bool,
    "number": (int, float),
    "array": list,
    "object": dict,
    "map": dict,
}


def _value(node: Node, value: Any, where: str) -> Iterator[str]:
    kind = node["t"]
    if value is None:
        if not node.get("null"):
            yield f"{where}: null, which the schema does not allow"
    elif "expands" in node and isinstance(value, dict):
        yield from _expanded(node, cast("Json", value), where)
    elif kind == "ref":
        yield from misshapen(node["ref"], value, where)
    elif kind != "any" and (
        not isinstance(value, PYTHON_TYPES[kind]) or (kind == "integer" and isinstance(value, bool))
    ):
        yield f"{where}: {value!r} is no {kind}"
    elif "enum" in node and value not in node["enum"]:
        yield f"{where}: {value!r} is not one of {node['enum']}"
    elif kind == "array" and "of" in node:
        for number, item in enumerate(cast("list[Any]", value)):
            yield from _value(node["of"], item, f"{where}[{number}]")
    elif kind == "object" and "p" in node:
        yield from _fields(node, cast("Json", value), where)


def _expanded(node: Node, value: Json, where: str) -> Iterator[str]:
    name = str(value.get("object"))
    if value.get("deleted"):
        return
    if name not in node["expands"]:
        yield f"{where}: expanded into {name}, which is not one of {node['expands']}"
        return
    yield from misshapen(name, value, where)
