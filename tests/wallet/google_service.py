"""A stand-in for Google: tokens for signed assertions, and the classes and objects of its Wallet API."""

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

from tests.wallet.jwt import claims_of
from tests.wallet.keys import ISSUER, SERVICE_ACCOUNT

Json = dict[str, Any]
PREFIX = "/walletobjects/v1/"


@dataclass
class GoogleService:
    """`kept` holds classes and objects by id, as they were told; `calls` what came in. `down`: 503 for all."""

    port: int = 0
    kept: dict[str, Json] = field(default_factory=dict[str, Json])
    calls: list[str] = field(default_factory=list[str])
    tokens: int = 0
    down: bool = False
    knows_the_account: bool = True

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def token_uri(self) -> str:
        return f"{self.base}/token"

    @asynccontextmanager
    async def running(self) -> AsyncGenerator["GoogleService"]:
        """Listens on loopback."""
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            try:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
            except asyncio.IncompleteReadError:
                break
            first, *lines = head.split("\r\n")
            headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
            body = await reader.readexactly(int(headers.get("content-length", "0")))
            method, path, _ = first.split(" ")
            status, answer = self._answer(method, path, headers, body)
            text = json.dumps(answer).encode()
            writer.write(f"HTTP/1.1 {status} x\r\nContent-Length: {len(text)}\r\n\r\n".encode() + text)
        writer.close()

    def _answer(self, method: str, path: str, headers: dict[str, str], body: bytes) -> tuple[int, Json]:
        if self.down:
            return 503, {}
        if path == "/token":
            return self._token(body)
        if headers.get("authorization") != f"Bearer token-{self.tokens}":
            return 401, {}
        self.calls.append(f"{method} {path.removeprefix(PREFIX)}")
        if not self.knows_the_account:
            return 403, {}
        if path == f"{PREFIX}issuer/{ISSUER}":
            return 200, {"issuerId": ISSUER, "name": "Tiefdruck"}
        told = json.loads(body)
        if method == "POST":
            if told["id"] in self.kept:
                return 409, {}
            self.kept[told["id"]] = told
            return 200, told
        kept = self.kept.get(path.rpartition("/")[2])
        if kept is None:
            return 404, {}
        kept.update(told)
        for name in [name for name, value in kept.items() if value is None]:
            del kept[name]
        return 200, kept

    def _token(self, body: bytes) -> tuple[int, Json]:
        form = parse_qs(body.decode())
        claims = claims_of(form["assertion"][0])
        good = (
            form["grant_type"] == ["urn:ietf:params:oauth:grant-type:jwt-bearer"]
            and claims["iss"] == SERVICE_ACCOUNT
            and claims["aud"] == self.token_uri
            and claims["scope"] == "https://www.googleapis.com/auth/wallet_object.issuer"
            and 0 < claims["exp"] - claims["iat"] <= 3600
        )
        if not good:
            return 400, {"error": "invalid_grant"}
        self.tokens += 1
        return 200, {"access_token": f"token-{self.tokens}", "expires_in": 3600, "token_type": "Bearer"}
