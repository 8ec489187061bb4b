"""Checks a request against the facts: unknown, missing, wrong type, not one of, too long."""

import re
from typing import Any, cast

from stripe_simulator.errors import InvalidParameter, MissingParameter, UnknownParameter
from stripe_simulator.facts import Node
from stripe_simulator.money import CURRENCIES

Tree = dict[str, Any]

WHOLE_NUMBER = re.compile(r"-?\d{1,18}")
DECIMAL_NUMBER = re.compile(r"-?\d{1,18}(\.\d{1,12})?")
SCALARS = ("string", "integer", "boolean", "number")
LONGEST_STRING = 5000
METADATA_KEYS = 50
METADATA_KEY_LENGTH = 40
METADATA_VALUE_LENGTH = 500


def checked(node: Node, given: Tree) -> Tree:
    """The parameters with their own types; an empty string that unsets a field becomes None.

    Raises UnknownParameter, MissingParameter or InvalidParameter.
    """
    return _object(node, given, "")


def _object(node: Node, given: Tree, where: str) -> Tree:
    properties: dict[str, Node] = node["p"]
    unknown = [_name(where, name) for name in given if name not in properties]
    if unknown:
        raise UnknownParameter(unknown)
    for name in node.get("r", ()):
        if given.get(name) is None:
            raise MissingParameter(_name(where, name))
    return {
        name: _value(properties[name], value, _name(where, name)) for name, value in given.items() if value is not None
    }


def _value(node: Node, value: Any, where: str) -> Any:
    if value == "" and node.get("empty"):
        return None
    match node["t"]:
        case "object":
            return _object(node, _tree(value, where), where)
        case "map":
            return _map(_tree(value, where), where)
        case "array":
            return _array(node, value, where)
        case "any":
            return _any(node, value, where)
        case "integer":
            return _integer(node, value, where)
        case "boolean":
            return _boolean(value, where)
        case "number":
            return float(_text(value, where, DECIMAL_NUMBER, "decimal"))
        case _:
            return _string(node, value, where)


def _any(node: Node, value: Any, where: str) -> Any:
    options: list[Node] = node["of"]
    shapes = ("object", "map") if isinstance(value, dict) else ("array",) if isinstance(value, list) else SCALARS
    fitting = [option for option in options if option["t"] in shapes]
    if not fitting:
        return value if not options else _value(options[0], value, where)
    given = cast("Tree", value) if isinstance(value, dict) else {}
    knowing = [option for option in fitting if set(given) <= set(option.get("p", given))]
    return _value((knowing or fitting)[0], value, where)


def _tree(value: Any, where: str) -> Tree:
    if isinstance(value, list):
        value = {str(number): child for number, child in enumerate(cast("list[Any]", value))}
    if not isinstance(value, dict):
        raise InvalidParameter("Invalid object", param=where)
    return cast("Tree", value)


def _map(given: Tree, where: str) -> dict[str, str]:
    for key, value in given.items():
        if not isinstance(value, str | int | float):
            raise InvalidParameter(f"Invalid string: {where}[{key}] must be text", param=f"{where}[{key}]")
        if len(key) > METADATA_KEY_LENGTH:
            raise InvalidParameter(
                f"Metadata keys can be up to {METADATA_KEY_LENGTH} characters, this one has {len(key)}.", param=where
            )
        if len(str(value)) > METADATA_VALUE_LENGTH:
            raise InvalidParameter(
                f"Metadata values can be up to {METADATA_VALUE_LENGTH} characters, the one of '{key}' has "
                f"{len(str(value))}.",
                param=f"{where}[{key}]",
            )
    if len(given) > METADATA_KEYS:
        raise InvalidParameter(f"Metadata can have up to {METADATA_KEYS} keys.", param=where)
    return {key: str(value) for key, value in given.items()}


def _array(node: Node, value: Any, where: str) -> list[Any]:
    if value == "":
        return []
    if isinstance(value, dict) and all(key.isdigit() for key in cast("Tree", value)):
        numbered = cast("Tree", value)
        value = [numbered[key] for key in sorted(numbered, key=int)]
    if not isinstance(value, list):
        raise InvalidParameter("Invalid array", param=where)
    items = cast("list[Any]", value)
    return [_value(node["of"], item, f"{where}[{number}]") for number, item in enumerate(items)]


def _integer(node: Node, value: Any, where: str) -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    number = int(_text(value, where, WHOLE_NUMBER, "integer", code="parameter_invalid_integer"))
    if "enum" in node and number not in node["enum"]:
        raise _not_one_of(node["enum"], where)
    return number


def _boolean(value: Any, where: str) -> bool:
    if isinstance(value, bool):
        return value
    if value not in ("true", "false"):
        raise InvalidParameter(f"Invalid boolean: {value}", param=where)
    return value == "true"


def _text(value: Any, where: str, pattern: re.Pattern[str], kind: str, code: str | None = None) -> str:
    text = str(value)
    if not isinstance(value, str | int | float) or not pattern.fullmatch(text):
        raise InvalidParameter(f"Invalid {kind}: {text}", code=code, param=where)
    return text


def _string(node: Node, value: Any, where: str) -> str:
    if isinstance(value, bool | int | float):
        value = str(value).lower()
    if not isinstance(value, str):
        raise InvalidParameter("Invalid string", param=where)
    if value == "":
        raise InvalidParameter(
            f"You passed an empty string for '{where}', which cannot be unset. Leave it out or give a value.",
            code="parameter_invalid_empty",
            param=where,
        )
    if "enum" in node and value not in node["enum"]:
        raise _not_one_of(node["enum"], where)
    longest = node.get("max", LONGEST_STRING)
    if len(value) > longest:
        shown = value if len(value) < 40 else f"{value[:20]}...{value[-5:]}"
        raise InvalidParameter(f"Invalid string: {shown}; must be at most {longest} characters", param=where)
    if node.get("format") == "currency":
        return _currency(value, where)
    if node.get("format") == "decimal":
        return _text(value, where, DECIMAL_NUMBER, "decimal")
    return value


def _currency(value: str, where: str) -> str:
    if value.lower() not in CURRENCIES:
        raise InvalidParameter(f"Invalid currency: {value.lower()}.", param=where)
    return value.lower()


def _not_one_of(choices: list[Any], where: str) -> InvalidParameter:
    words = [str(choice) for choice in choices]
    if len(words) > 1:
        words[-1] = f"or {words[-1]}"
    listed = ", ".join(words) if len(words) > 2 else " ".join(words)
    return InvalidParameter(f"Invalid {where}: must be one of {listed}", param=where)


def _name(where: str, name: str) -> str:
    return f"{where}[{name}]" if where else name
