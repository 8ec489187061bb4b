"""What the OpenAPI document cannot see by itself: bodies that handlers read strictly, problems, and scanners' tokens.

A handler names its body as `opt={"body": TheStruct}`, and with `"items_max": 500` beside it takes a list of them too.
"""

from typing import Any, cast

import msgspec
from litestar import Litestar, Request
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.openapi.spec import (
    BaseSchemaObject,
    Components,
    OpenAPI,
    OpenAPIMediaType,
    OpenAPIResponse,
    Operation,
    Parameter,
    Reference,
    RequestBody,
    Schema,
    SecurityScheme,
    Tag,
)

from boxoffice.api.problem_json import ProblemBody

NIGHTS, ORDERS, DOOR, HEALTH = "Nights", "Orders", "Door", "Health"
TAGS = [
    Tag(NIGHTS, "What is on, and what tickets cost."),
    Tag(ORDERS, "Buying, and how an order stands."),
    Tag(DOOR, "Scanners: pairing, what they may let in, and what they scanned."),
    Tag(HEALTH, "For whoever runs the box office."),
]


SCANNER = "scanner"
OF_A_SCANNER = SecurityScheme(
    type="http", scheme="bearer", description="The `token` that a scanner was given when it was paired."
)
PROBLEM = "Anything else: `type` is stable for programs, `detail` is the sentence, `errors` names fields."


class DescribedApp(Litestar):
    """The application with a document that knows these; it is made when it is first asked for."""

    _is_described = False

    @property
    def openapi_schema(self) -> OpenAPI:
        """The OpenAPI document."""
        document = super().openapi_schema
        if not self._is_described:
            self._is_described = True
            document.components = document.components or Components()
            _describe_bodies(self, document, document.components)
            _describe_answers(document, document.components)
        return document


class DescribedJson(JsonRenderPlugin):
    """The described document, whoever asked for it first."""

    def render(self, request: Request[Any, Any, Any], openapi_schema: dict[str, Any]) -> bytes:  # noqa: ARG002 - of before it was described
        """The document as JSON."""
        return super().render(request, request.app.openapi_schema.to_schema())


def _describe_bodies(app: Litestar, document: OpenAPI, components: Components) -> None:
    for route in app.routes:
        for handler in getattr(route, "route_handlers", ()):
            kind = handler.opt.get("body")
            item = (document.paths or {}).get(route.path_format)
            if kind is None or item is None or item.post is None:
                continue
            one = _schema_of(kind, components)
            items_max = handler.opt.get("items_max")
            several = _Plain({"type": "array", "items": {"$ref": one.ref}, "maxItems": items_max})
            schema = one if items_max is None else Schema(one_of=[one, cast("Schema", several)])
            content = {"application/json": OpenAPIMediaType(schema=schema)}
            item.post.request_body = RequestBody(content=content, required=True)


def _describe_answers(document: OpenAPI, components: Components) -> None:
    content = {"application/problem+json": OpenAPIMediaType(schema=_schema_of(ProblemBody, components))}
    components.security_schemes = {SCANNER: OF_A_SCANNER}
    for item in (document.paths or {}).values():
        for operation in (item.get, item.post, item.put, item.delete):
            if operation is None or operation.responses is None:
                continue
            operation.responses.pop("400", None)  # the framework's own, which nobody is answered
            operation.responses["default"] = OpenAPIResponse(description=PROBLEM, content=content)
            if DOOR in (operation.tags or ()):
                _describe_token(operation)


def _describe_token(operation: Operation) -> None:
    parameters = operation.parameters or []
    others = [one for one in parameters if not isinstance(one, Parameter) or one.name != "Authorization"]
    if len(others) < len(parameters):
        operation.parameters = others
        operation.security = [{SCANNER: []}]


def _schema_of(kind: type[msgspec.Struct], components: Components) -> Reference:
    (reference,), schemas = msgspec.json.schema_components([kind], ref_template="#/components/schemas/{name}")
    for name, schema in schemas.items():
        components.schemas[name] = cast("Schema", _Plain(schema))
    return Reference(ref=reference["$ref"])


class _Plain(BaseSchemaObject):
    """A schema that is JSON already."""

    def __init__(self, schema: dict[str, Any]) -> None:
        self._schema = schema

    def to_schema(self) -> dict[str, Any]:
        return self._schema
