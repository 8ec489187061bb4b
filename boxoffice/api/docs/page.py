"""`/api/docs`: a plain list of every address; where it was built and scripts run, a button opens the OpenAPI viewer."""

import hashlib
from functools import cache
from html import escape
from pathlib import Path
from typing import Any

from litestar import Request, Response, get
from litestar.params import FromPath

from boxoffice.edge.vendor_files import FOR_GOOD, vendor_url
from boxoffice.foundation.problems import NotFound

SCHEMA = "/api/openapi.json"
OWN_FILES = {"viewer.js": "text/javascript", "page.css": "text/css"}
METHODS = ("get", "post", "put", "patch", "delete")
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'none'; frame-ancestors 'none'; base-uri 'none'"
)


@get("/api/docs", include_in_schema=False)
async def show_docs(request: Request[Any, Any, Any]) -> Response[str]:
    """The page; what it lists is the document at /api/openapi.json."""
    html = _page(request.app.openapi_schema.to_schema())
    headers = {"Cache-Control": "no-cache", "Content-Security-Policy": POLICY, "X-Content-Type-Options": "nosniff"}
    return Response(html, media_type="text/html", headers=headers)


@get("/api/docs/{name:str}", include_in_schema=False)
async def show_docs_file(name: FromPath[str]) -> Response[bytes]:
    """The page's own module and style sheet. Raises NotFound."""
    if name not in OWN_FILES:
        raise NotFound("There is nothing at this address.")
    headers = {"Cache-Control": FOR_GOOD.to_header(), "X-Content-Type-Options": "nosniff"}
    return Response(_own(name), media_type=OWN_FILES[name], headers=headers)


def _page(schema: dict[str, Any]) -> str:
    script, style = (
        vendor_url("swagger-ui-dist", "swagger-ui-bundle.js"),
        vendor_url("swagger-ui-dist", "swagger-ui.css"),
    )
    built = script is not None and style is not None
    viewer = (
        f'<div id="viewer" data-schema="{SCHEMA}" data-script="{script}" data-style="{style}"></div>\n'
        f'<script type="module" src="{_own_url("viewer.js")}"></script>\n'
    )
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(schema['info']['title'])} API</title>\n"
        f'<link rel="icon" href="data:,">\n'
        f'<link rel="stylesheet" href="{_own_url("page.css")}">\n</head>\n<body>\n'
        f"<main>\n<h1>{escape(schema['info']['title'])} API</h1>\n"
        f'<p>The whole description for programs: <a href="{SCHEMA}">{SCHEMA}</a></p>\n'
        f"{viewer if built else ''}"
        f'<div id="plain">\n{"".join(_groups(schema))}</div>\n</main>\n</body>\n</html>\n'
    )


def _groups(schema: dict[str, Any]) -> list[str]:
    return [
        f"<h2>{escape(tag['name'])}</h2>\n<p>{escape(tag['description'])}</p>\n"
        f"<dl>\n{''.join(_entries(schema, tag['name']))}</dl>\n"
        for tag in schema["tags"]
    ]


def _entries(schema: dict[str, Any], tag: str) -> list[str]:
    return [
        f"<dt>{escape(operation['summary'])}<br><b>{method.upper()}</b> <code>{escape(path)}</code></dt>\n"
        f"<dd>{escape(operation.get('description', ''))}</dd>\n"
        for path, operations in sorted(schema["paths"].items())
        for method, operation in operations.items()
        if method in METHODS and tag in operation["tags"]
    ]


@cache
def _own(name: str) -> bytes:
    return (Path(__file__).parent / name).read_bytes()


def _own_url(name: str) -> str:
    return f"/api/docs/{name}?v={hashlib.sha256(_own(name)).hexdigest()[:12]}"
