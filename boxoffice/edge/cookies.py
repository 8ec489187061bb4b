"""Cookies: HttpOnly and Lax always; `Secure` and `__Host-` exactly when people come over https."""

from typing import Any

from litestar.connection import ASGIConnection
from litestar.datastructures import Cookie

from boxoffice.settings import Settings


def cookie_name(settings: Settings, name: str) -> str:
    """`name` as browsers store it: `__Host-` keeps other hosts and plain http from setting it."""
    return f"__Host-{name}" if settings.secure else name


def cookie(settings: Settings, name: str, value: str, seconds: int | None) -> Cookie:
    """A cookie for the whole site; `seconds` None ends it with the browser."""
    return Cookie(
        key=cookie_name(settings, name),
        value=value,
        max_age=seconds,
        path="/",
        httponly=True,
        samesite="lax",
        secure=settings.secure,
    )


def forgotten(settings: Settings, name: str) -> Cookie:
    """Takes the cookie back."""
    return cookie(settings, name, "", 0)


def cookie_value(settings: Settings, connection: ASGIConnection[Any, Any, Any, Any], name: str) -> str:
    """What the browser sent under that name, or the empty string."""
    return connection.cookies.get(cookie_name(settings, name), "")
