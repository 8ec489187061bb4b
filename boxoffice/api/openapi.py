"""The bodies that handlers read strictly by themselves, told to the OpenAPI document.

A handler names its body as `opt={"body": TheStruct}`.
"""

from typing import Any, cast

import msgspec
from litestar import Litestar
from litestar.openapi.spec import BaseSchemaObject, Components, OpenAPIMediaType, Reference, RequestBody, Schema


def describe_bodies(app: Litestar) -> None:
    """Adds each handler's request body and its schemas to the app's document."""
    document = app.openapi_schema
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
