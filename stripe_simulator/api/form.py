"""Form bodies and query strings as Stripe reads them: `a[b]=1`, `a[0][b]=1` and `a[][b]=1`."""

from collections.abc import Iterable
from typing import Any, cast
from urllib.parse import parse_qsl

from stripe_simulator.errors import InvalidParameter

Tree = dict[str, Any]

APPEND = ""
MOST_FIELDS = 20_000
DEEPEST = 12


def parse(text: str) -> Tree:
    """The nested values of a form; arrays stay numbered until the parameter's type is known."""
    try:
        return nested(parse_qsl(text, keep_blank_values=True, max_num_fields=MOST_FIELDS))
    except ValueError as error:
        raise InvalidParameter(f"The request has more than {MOST_FIELDS} fields.") from error


def nested(pairs: Iterable[tuple[str, str]]) -> Tree:
    """Pairs of bracketed names and values as one tree; a numbered or empty bracket makes a list."""
    root: Tree = {}
    for name, value in pairs:
        _insert(root, _steps(name), value)
    return cast("Tree", _with_lists(root))


def _steps(name: str) -> list[str]:
    head, bracket, rest = name.partition("[")
    steps = [head, *rest.removesuffix("]").split("][")] if bracket else [head]
    if len(steps) > DEEPEST:
        raise InvalidParameter(f"Parameters go up to {DEEPEST} levels deep.", param=head)
    return steps


def _insert(node: Tree, steps: list[str], value: str) -> None:
    step, *rest = steps
    if step == APPEND:
        step = _place(node, rest)
    if not rest:
        node[step] = value
        return
    child = node.get(step)
    if not isinstance(child, dict):
        child = node[step] = {}
    _insert(cast("Tree", child), rest, value)


def _place(node: Tree, rest: list[str]) -> str:
    """Where `[]` puts a value: the last element while it lacks this field, else a new one."""
    last = str(len(node) - 1)
    element = node.get(last)
    if rest and rest[0] != APPEND and isinstance(element, dict) and not _holds(cast("Tree", element), rest):
        return last
    return str(len(node))


def _holds(node: Tree, steps: list[str]) -> bool:
    step, *rest = steps
    if step == APPEND or step not in node:
        return False
    child = node[step]
    return not rest or not isinstance(child, dict) or _holds(cast("Tree", child), rest)


def _with_lists(node: Any) -> Any:
    if not isinstance(node, dict):
        return node
    tree = cast("Tree", node)
    children = {name: _with_lists(child) for name, child in tree.items()}
    if children and set(children) == {str(number) for number in range(len(children))}:
        return [children[str(number)] for number in range(len(children))]
    return children
