"""HEAD on every public address: what GET says, without the body."""

import asyncio
from itertools import product
from urllib.parse import urlsplit

import pytest

from tests.shop import SLUG, Shop

PAGES = (
    *("/", f"/events/{SLUG}", f"/events/{SLUG}/poster.svg", "/tickets", "/static/app.css", "/api/docs"),
    *("/api/v1/events", f"/api/v1/events/{SLUG}", "/api/openapi.json", "/healthz", "/readyz"),
)
OF_EACH_REQUEST = ("date", "x-request-id")


@pytest.mark.parametrize("path", [*PAGES, "/events/none-such", "/none-such"])
async def test_head_says_what_get_says(shop: Shop, path: str) -> None:
    for accept, coding in product(("text/html", "*/*"), ("gzip", "identity")):
        asked = {"Accept": accept, "Accept-Encoding": coding}
        got = await shop.web.get(path, headers=asked)
        head = await shop.web.head(path, headers=asked)
        assert head.status_code == got.status_code == (404 if "none-such" in path else 200)
        assert head.content == b""
        assert _lasting(dict(head.headers)) == _lasting(dict(got.headers))
        assert int(head.headers["content-length"]) == got.num_bytes_downloaded


async def test_nothing_follows_the_headers_on_the_wire(shop: Shop) -> None:
    port = urlsplit(shop.url).port
    reader, writer = await asyncio.open_connection("localhost", port)
    for _ in range(2):
        writer.write(b"HEAD / HTTP/1.1\r\nHost: localhost\r\n\r\n")
    writer.write(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    said = await asyncio.wait_for(reader.read(), 20)
    writer.close()
    assert said.count(b"HTTP/1.1 200") == 3
    assert b"<html" not in said.lower()


async def test_an_address_without_get_has_no_head(shop: Shop) -> None:
    assert (await shop.web.head("/api/webhook")).status_code == (await shop.web.get("/api/webhook")).status_code == 405


def _lasting(headers: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name not in OF_EACH_REQUEST}
