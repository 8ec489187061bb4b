"""Apple's push service: "look at your passes again", by HTTP/2, shown who we are by the pass certificate."""

import asyncio
import ssl
from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import msgspec

from boxoffice.environment.variables import is_this_machine
from boxoffice.environment.wallets import AppleWalletSettings
from boxoffice.wallet.apple_devices import Phone
from boxoffice.wallet.not_told import NotTold

if TYPE_CHECKING:
    import httpx

SECONDS = 10
AT_ONCE = 50
GONE = 410
BAD_REQUEST = 400
GONE_REASONS = frozenset(["BadDeviceToken", "DeviceTokenNotForTopic", "Unregistered"])


class _Refusal(msgspec.Struct, frozen=True):
    reason: str = ""


class ApplePush:
    """A connection to the push service that is kept: opening one for each push would be taken for an attack."""

    def __init__(self, apple: AppleWalletSettings) -> None:
        self._apple = apple
        self._client: httpx.AsyncClient | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    async def push(self, phones: Iterable[Phone]) -> list[Phone]:
        """Pushes to each; returns those that are gone. Raises NotTold when some could not be told, the others were."""
        client = self._opened()
        turns = asyncio.Semaphore(AT_ONCE)

        async def one(phone: Phone) -> Phone | None:
            async with turns:
                return phone if await self._gone(client, phone) else None

        outcomes = await asyncio.gather(*(one(phone) for phone in phones), return_exceptions=True)
        gone: list[Phone] = []
        for outcome in outcomes:
            if isinstance(outcome, Phone):
                gone.append(outcome)
            elif isinstance(outcome, BaseException) and not isinstance(outcome, NotTold):
                raise outcome
        problem = next((outcome for outcome in outcomes if isinstance(outcome, NotTold)), None)
        if problem is not None:
            raise SomeNotTold(problem.detail, gone)
        return gone

    async def close(self) -> None:
        """Closes the connection."""
        client, self._client = self._client, None
        if client is not None and self._loop is asyncio.get_running_loop():
            await client.aclose()

    async def _gone(self, client: "httpx.AsyncClient", phone: Phone) -> bool:
        import httpx  # noqa: PLC0415 - slow to load, and few processes push

        headers = {"apns-topic": self._apple.pass_type_id, "apns-push-type": "background", "apns-priority": "5"}
        try:
            answer = await client.post(f"/3/device/{phone.push_token}", json={}, headers=headers)
        except (httpx.HTTPError, ssl.SSLError) as error:
            raise NotTold(f"Apple's push service does not answer ({type(error).__name__}).") from error
        if answer.is_success:
            return False
        reason = _reason(answer.content)
        if answer.status_code == GONE or (answer.status_code == BAD_REQUEST and reason in GONE_REASONS):
            return True
        raise NotTold(f"Apple's push service answered {answer.status_code} {reason}.")

    def _opened(self) -> "httpx.AsyncClient":
        import httpx  # noqa: PLC0415

        loop = asyncio.get_running_loop()
        if self._client is None or self._loop is not loop:
            base = self._apple.push_base
            at_home = is_this_machine(urlsplit(base).hostname or "")
            context = _context(self._apple)
            self._client = httpx.AsyncClient(
                base_url=base, http1=False, http2=True, verify=context, timeout=SECONDS, trust_env=not at_home
            )
            self._loop = loop
        return self._client


class SomeNotTold(NotTold):
    """Some could not be told; `gone` are those that Apple no longer knows."""

    def __init__(self, detail: str, gone: list[Phone]) -> None:
        super().__init__(detail)
        self.gone = gone


def _reason(content: bytes) -> str:
    try:
        return msgspec.json.decode(content, type=_Refusal).reason
    except msgspec.DecodeError:
        return ""


def _context(apple: AppleWalletSettings) -> ssl.SSLContext:
    """Python takes a certificate and its key from files only: they lie in a folder of our own for this moment."""
    import certifi  # noqa: PLC0415

    if apple.push_authority is None:
        context = ssl.create_default_context(cafile=certifi.where())
    else:
        context = ssl.create_default_context(cadata=apple.push_authority)
    with TemporaryDirectory(prefix="boxoffice-") as folder:
        certificate, key = Path(folder) / "certificate.pem", Path(folder) / "key.pem"
        certificate.write_text(apple.certificate)
        key.touch(mode=0o600)
        key.write_text(apple.key)
        context.load_cert_chain(certificate, key, apple.key_passphrase)
    return context
