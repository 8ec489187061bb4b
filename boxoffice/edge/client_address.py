"""Where a request comes from, as far as that can be believed."""

from ipaddress import ip_address, ip_network
from typing import Any

from litestar.connection import ASGIConnection

from boxoffice.settings import Settings

IPV4 = 4


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


def client_network(settings: Settings, connection: ASGIConnection[Any, Any, Any, Any]) -> str:
    """The client's address, or the first half of one of IPv6: who has one has all that begin alike."""
    address = client_address(settings, connection)
    if not _is_address(address) or ip_address(address).version == IPV4:
        return address
    return str(ip_network(f"{address.partition('%')[0]}/64", strict=False))


def _is_trusted(settings: Settings, text: str) -> bool:
    return _is_address(text) and any(ip_address(text) in network for network in settings.trusted_proxies)


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True
