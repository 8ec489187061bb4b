"""The table of facts about Stripe's API: request parameters, response shapes, what expands into what."""

from functools import cache
from pathlib import Path
from typing import Any, cast

import msgspec

Node = dict[str, Any]

TABLE = Path(__file__).with_name("facts.json")


class Facts:
    """`requests["POST /v1/refunds"]` is the node of its parameters; `objects["refund"]` its response shape."""

    def __init__(self, table: Node) -> None:
        self._stored: dict[str, Node] = table["shared"]
        self._resolved: dict[str, Node] = {}
        self.version: str = table["version"]
        self.requests: dict[str, Node] = self._whole(table["requests"])
        self.objects: dict[str, Node] = self._whole(table["objects"])

    def _whole(self, node: Any) -> Any:
        """The node with every `same` replaced by the subtree it names; subtrees stay shared in memory."""
        if isinstance(node, list):
            return [self._whole(child) for child in cast("list[Any]", node)]
        if not isinstance(node, dict):
            return node
        fields = cast("Node", node)
        name = fields.get("same")
        if len(fields) != 1 or not isinstance(name, str):
            return {key: self._whole(child) for key, child in fields.items()}
        if name not in self._resolved:
            self._resolved[name] = self._whole(self._stored[name])
        return self._resolved[name]


@cache
def facts() -> Facts:
    """The table, read once."""
    return Facts(msgspec.json.decode(TABLE.read_bytes()))
