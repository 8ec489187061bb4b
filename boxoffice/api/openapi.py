"""The bodies that handlers read strictly by themselves, told to the OpenAPI document.

A handler names its body as `opt={"body": TheStruct}`.
"""

from typing import Any, cast

import msgspec
from litestar import Litestar
from litestar.openapi.spec import (
    BaseSchemaObject,
    Components,
    OpenAPI,
    OpenAPIMediaType,
    Reference,
    RequestBody,
    Schema,
    Tag,
)

NIGHTS, ORDERS, DOOR, HEALTH = "Nights", "Orders", "Door", "Health"
TAGS = [
    Tag(NIGHTS, "What is on, and what tickets cost."),
    Tag(ORDERS, "Buying, and how an order stands."),
    Tag(DOOR, "Scanners: pairing, what they may let in, and what they scanned."),
    Tag(HEALTH, "For whoever runs the box office."),
]


class DescribedApp(Litestar):
    """The application with a document that knows these bodies; it is made when it is first asked for."""

    _bodies_described = False

    @property
    def openapi_schema(self) -> OpenAPI:
        """The OpenAPI document."""
        document = super().openapi_schema
        if not self._bodies_described:
            self._bodies_described = True
            _describe_bodies(self, document)
        return document


def _describe_bodies(app: Litestar, document: OpenAPI) -> None:
    document.components = document.components or Components()
    for route in app.routes:
        for handler in getattr(route, "route_handlers", ()):
            kind = handler.opt.get("body")
            item = (document.paths or {}).get(route.path_format)
            if kind is None or item is None or item.post is None:
                continue
            (reference,), schemas = msgspec.json.schema_components([kind], ref_template="#/components/schemas/{name}")
            for name, schema in schemas.items():
                document.components.schemas[name] = cast("Schema", _Plain(schema))
            content = {"application/json": OpenAPIMediaType(schema=Reference(ref=reference["$ref"]))}
            item.post.request_body = RequestBody(content=content, required=True)


class _Plain(BaseSchemaObject):
    """A schema that is JSON already."""

    def __init__(self, schema: dict[str, Any]) -> None:
        self._schema = schema

    def to_schema(self) -> dict[str, Any]:
        return self._schema
