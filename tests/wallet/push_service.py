"""A stand-in for Apple's push service: HTTP/2 over TLS, which asks callers for their certificate."""

import asyncio
import json
import ssl
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast

from cryptography import x509
from cryptography.x509.oid import NameOID
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import DataReceived, RequestReceived, StreamEnded

from tests.wallet.keys import Authority, certificate_pem, issue, key_pem

OF_THE_SERVICE = Authority("Authority of the stand-in")


@dataclass(frozen=True)
class Push:
    """One that came in: for which token, with which headers, and from whom."""

    token: str
    headers: dict[str, str]
    body: bytes
    caller: str


@dataclass
class PushService:
    """`answers`: what a token is answered, status and reason; 200 for all others. `down`: 503 for all."""

    port: int = 0
    pushes: list[Push] = field(default_factory=list[Push])
    connections: int = 0
    down: bool = False
    answers: dict[str, tuple[int, str]] = field(default_factory=dict[str, tuple[int, str]])

    @property
    def base(self) -> str:
        return f"https://127.0.0.1:{self.port}"

    @property
    def authority(self) -> str:
        return certificate_pem(OF_THE_SERVICE.certificate())

    @property
    def tokens(self) -> list[str]:
        return sorted(push.token for push in self.pushes)

    @asynccontextmanager
    async def running(self) -> AsyncGenerator["PushService"]:
        """Listens on loopback; only callers whose certificate Apple issued come in."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.set_alpn_protocols(["h2"])
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(cadata=certificate_pem(Authority().certificate()))
        served = issue(OF_THE_SERVICE, {NameOID.COMMON_NAME: "push"}, "push", address="127.0.0.1")
        with TemporaryDirectory() as folder:
            certificate, key = Path(folder) / "certificate", Path(folder) / "key"
            certificate.write_text(certificate_pem(served))
            key.write_text(key_pem("push"))
            context.load_cert_chain(certificate, key)
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=context)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        der = cast("bytes", writer.get_extra_info("ssl_object").getpeercert(binary_form=True))
        subject = x509.load_der_x509_certificate(der).subject
        caller = str(subject.get_attributes_for_oid(NameOID.USER_ID)[0].value)
        spoken = H2Connection(H2Configuration(client_side=False, header_encoding="utf-8"))
        spoken.initiate_connection()
        asked: dict[int, tuple[dict[str, str], bytearray]] = {}
        writer.write(spoken.data_to_send())
        while raw := await reader.read(65536):
            for event in spoken.receive_data(raw):
                if isinstance(event, RequestReceived):
                    headers = cast("list[tuple[str, str]]", event.headers)
                    asked[event.stream_id] = (dict(headers), bytearray())
                elif isinstance(event, DataReceived):
                    asked[event.stream_id][1].extend(event.data or b"")
                elif isinstance(event, StreamEnded):
                    self._answer(spoken, event.stream_id, *asked.pop(event.stream_id), caller)
            writer.write(spoken.data_to_send())
        writer.close()

    def _answer(self, spoken: H2Connection, stream: int, headers: dict[str, str], body: bytearray, caller: str) -> None:
        token = headers[":path"].removeprefix("/3/device/")
        status, reason = (503, "Shutdown") if self.down else self.answers.get(token, (200, ""))
        if status == 200:
            self.pushes.append(Push(token, headers, bytes(body), caller))
        told: dict[str, Any] = {"reason": reason} if reason else {}
        spoken.send_headers(stream, [(":status", str(status))])
        spoken.send_data(stream, json.dumps(told).encode() if told else b"", end_stream=True)
