"""Where a request comes from, as far as that can be believed."""

from ipaddress import ip_address
from typing import Any

from litestar.connection import ASGIConnection

from boxoffice.settings import Settings


def client_address(settings: Settings, connection: ASGIConnection[Any, Any, Any, Any]) -> str:
    """The address of the client. X-Forwarded-For is read from its end, and only as far as trusted proxies wrote it."""
    address = connection.client.host if connection.client else ""
    forwarded = [entry.strip() for entry in connection.headers.get("x-forwarded-for", "").split(",")]
    while forwarded and _is_trusted(settings, address):
        hop = forwarded.pop()
        if not _is_address(hop):
            break
        address = hop
    return address


def _is_trusted(settings: Settings, text: str) -> bool:
    return _is_address(text) and any(ip_address(text) in network for network in settings.trusted_proxies)


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True
