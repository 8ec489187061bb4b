"""Google's REST API for passes, as the issuer's service account."""

import asyncio
from datetime import datetime
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import msgspec

from boxoffice.environment.variables import is_this_machine
from boxoffice.environment.wallets import GoogleWalletSettings
from boxoffice.wallet.google_pass import Json
from boxoffice.wallet.not_told import NotTold

if TYPE_CHECKING:
    import httpx

SECONDS = 10
SCOPE = "https://www.googleapis.com/auth/wallet_object.issuer"
GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
TOKEN_SECONDS = 3600
RENEWED_BEFORE_SECONDS = 300
UNAUTHORISED, NOT_FOUND = 401, 404
CLASS, OBJECT = "eventTicketClass", "eventTicketObject"


class _Token(msgspec.Struct, frozen=True):
    access_token: str
    expires_in: int = TOKEN_SECONDS


class GoogleRefuses(NotTold):
    """An answer that trying again will hardly change; `status` of Google's is in the sentence, and here."""

    def __init__(self, detail: str, answered: int) -> None:
        super().__init__(detail)
        self.answered = answered


class GoogleWallet:
    """Calls with a token that is asked for when it is needed, and kept while it is good."""

    def __init__(self, google: GoogleWalletSettings) -> None:
        self._google = google
        self._client: httpx.AsyncClient | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._token = ""
        self._renew_at = 0.0

    async def put(self, kind: str, told: Json, patch: Json, now: datetime) -> None:
        """Makes Google's class or object be as told. One that nobody saved is made: a link given before names it and
        would bring what it said then. `patch` is what an existing one is told. Raises NotTold."""
        path = f"/walletobjects/v1/{kind}"
        answer = await self._call("PATCH", f"{path}/{told['id']}", now, patch)
        if answer.status_code == NOT_FOUND:
            answer = await self._call("POST", path, now, told)
        _taken(answer)

    async def issuer(self, now: datetime) -> str:
        """The issuer account's name. Raises NotTold."""
        answer = await self._call("GET", f"/walletobjects/v1/issuer/{self._google.issuer_id}", now, None)
        _taken(answer)
        return str(msgspec.json.decode(answer.content, type=dict[str, object]).get("name", ""))

    async def close(self) -> None:
        """Closes the connections."""
        client, self._client = self._client, None
        if client is not None and self._loop is asyncio.get_running_loop():
            await client.aclose()

    async def _call(self, method: str, path: str, now: datetime, body: Json | None) -> "httpx.Response":
        import httpx  # noqa: PLC0415 - slow to load, and few processes call

        client = self._opened()
        try:
            token = await self._access(client, now)
            answer = await client.request(
                method, f"{self._google.api_base}{path}", json=body, headers={"Authorization": f"Bearer {token}"}
            )
        except httpx.HTTPError as error:
            raise NotTold(f"Google Wallet does not answer ({type(error).__name__}).") from error
        if answer.status_code == UNAUTHORISED:
            self._token = ""
        return answer

    async def _access(self, client: "httpx.AsyncClient", now: datetime) -> str:
        from boxoffice.wallet.google_keys import signed_token  # noqa: PLC0415 - its cryptography is slow to load

        loop = asyncio.get_running_loop()
        if not self._token or loop.time() > self._renew_at:
            seconds = int(now.timestamp())
            claims = {
                "iss": self._google.client_email,
                "scope": SCOPE,
                "aud": self._google.token_uri,
                "iat": seconds,
                "exp": seconds + TOKEN_SECONDS,
            }
            assertion = signed_token(self._google, claims)
            answer = await client.post(self._google.token_uri, data={"grant_type": GRANT, "assertion": assertion})
            _taken(answer)
            token = msgspec.json.decode(answer.content, type=_Token)
            self._token = token.access_token
            self._renew_at = loop.time() + token.expires_in - RENEWED_BEFORE_SECONDS
        return self._token

    def _opened(self) -> "httpx.AsyncClient":
        import httpx  # noqa: PLC0415

        loop = asyncio.get_running_loop()
        if self._client is None or self._loop is not loop:
            at_home = is_this_machine(urlsplit(self._google.api_base).hostname or "")
            self._client = httpx.AsyncClient(timeout=SECONDS, trust_env=not at_home)
            self._loop, self._token = loop, ""
        return self._client


def _taken(answer: "httpx.Response") -> None:
    if not answer.is_success:
        raise GoogleRefuses(f"Google answered {answer.status_code} to {answer.request.method}.", answer.status_code)
