"""A database that is away is answered 503 with the moment to ask again, whatever way it is away."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any, cast
from urllib.parse import urlsplit

import pytest
from httpx import ASGITransport, AsyncClient, Response

from boxoffice.app import create_app
from boxoffice.box import BoxOffice
from boxoffice.foundation.db import Database
from boxoffice.settings import Settings
from tests.conftest import SECRET_KEY
from tests.pgbouncer import POOLER


@asynccontextmanager
async def client_of(database_url: str) -> AsyncGenerator[AsyncClient]:
    """A client of a box office on that database."""
    box = BoxOffice.from_settings(
        Settings.from_environment({"DATABASE_URL": database_url, "SECRET_KEY": SECRET_KEY} | POOLER)
    )
    transport = ASGITransport(app=cast("Any", create_app(box)), raise_app_exceptions=False)
    async with AsyncClient(transport=transport, base_url="http://localhost") as http:
        yield http
    await box.db.close()


def refused_for_now(answer: Response) -> bool:
    return answer.status_code == 503 and int(answer.headers["retry-after"]) > 0


async def test_without_a_database_the_process_lives_but_is_not_ready() -> None:
    async with client_of("postgresql://nobody@127.0.0.1:1/none") as http:
        assert (await http.get("/healthz")).status_code == 200
        ready = await http.get("/readyz")
    assert ready.status_code == 503
    assert "DATABASE_URL" in ready.json()["detail"]


@pytest.mark.parametrize("code", ["53300", "57P03"])  # too many connections, and a server that is starting up
async def test_a_server_that_takes_no_connection(code: str) -> None:
    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(8)  # may we speak TLS?
        writer.write(b"N")
        await reader.read(1024)
        message = b"SFATAL\0C" + code.encode() + b"\0Mnot now\0\0"
        writer.write(b"E" + (len(message) + 4).to_bytes(4, "big") + message)
        writer.close()

    server = await asyncio.start_server(refuse, "127.0.0.1", 0)
    async with server, client_of(f"postgresql://me@127.0.0.1:{server.sockets[0].getsockname()[1]}/any") as http:
        assert refused_for_now(await http.get("/readyz"))
        answer = await http.get("/api/v1/events")
        page = await http.get("/", headers={"Accept": "text/html"})
    assert refused_for_now(answer)
    assert answer.json()["type"] == "unavailable"
    assert refused_for_now(page)


async def test_a_server_that_takes_no_writes(db: Database, direct_url: str) -> None:
    async with db.transaction() as connection:
        name = urlsplit(direct_url).path[1:]
        await connection.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    async with client_of(direct_url) as http:
        assert (await http.get("/api/v1/events")).status_code == 200
        assert refused_for_now(await http.post("/tickets/login", data={"email": "mara@example.org"}))
