"""Whose address a request comes from: proxies are believed as far as they are trusted, and nobody else."""

from dataclasses import replace
from ipaddress import ip_network
from typing import Any, cast

import pytest
from litestar.connection import ASGIConnection

from boxoffice.edge.client_address import client_address, client_network
from boxoffice.settings import Settings


def connection(peer: str, forwarded: str | None) -> ASGIConnection[Any, Any, Any, Any]:
    headers = [] if forwarded is None else [(b"x-forwarded-for", forwarded.encode())]
    scope = {"type": "http", "client": (peer, 1), "headers": headers, "path": "/", "query_string": b""}
    return ASGIConnection(cast("Any", scope))


@pytest.mark.parametrize(
    ("trusted", "peer", "forwarded", "believed"),
    [
        ("", "203.0.113.9", "198.51.100.1", "203.0.113.9"),
        ("10.0.0.0/8", "10.0.0.1", "198.51.100.1", "198.51.100.1"),
        ("10.0.0.0/8", "10.0.0.1", "1.1.1.1, 198.51.100.1", "198.51.100.1"),
        ("10.0.0.0/8", "10.0.0.1", "198.51.100.1, 10.0.0.7", "198.51.100.1"),
        ("10.0.0.0/8", "10.0.0.1", "nonsense", "10.0.0.1"),
        ("10.0.0.0/8", "10.0.0.1", None, "10.0.0.1"),
        ("10.0.0.0/8", "203.0.113.9", "198.51.100.1", "203.0.113.9"),
        ("::1/128", "::1", "2001:db8::7", "2001:db8::7"),
    ],
)
def test_client_address(trusted: str, peer: str, forwarded: str | None, believed: str, settings: Settings) -> None:
    networks = tuple(ip_network(one) for one in trusted.split(",") if one)
    assert client_address(replace(settings, trusted_proxies=networks), connection(peer, forwarded)) == believed


@pytest.mark.parametrize(
    ("peer", "network"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", ""),
    ],
)
def test_all_addresses_of_one_ipv6_line_are_one_client(peer: str, network: str, settings: Settings) -> None:
    assert client_network(settings, connection(peer, None)) == network
