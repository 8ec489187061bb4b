"""Renders the page's templates with the headers that they need."""

from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from litestar.response import Response

TEMPLATES = Path(__file__).with_name("templates")


def page(template: str, *, status: int = 200, leads_to: str = "", **values: Any) -> Response[str]:
    """An HTML page. `leads_to` is the site that the form's redirect may end at."""
    policy = (
        f"default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self' {leads_to}; "
        "base-uri 'none'; frame-ancestors 'none'"
    )
    headers = {
        "Cache-Control": "no-store",
        "Content-Security-Policy": policy,
        "Referrer-Policy": "same-origin",
        "X-Content-Type-Options": "nosniff",
    }
    html = _environment().get_template(template).render(**values)
    return Response(html, status_code=status, media_type="text/html", headers=headers)


@cache
def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
