"""Stripe, as far as a box office needs it: the only importer of the SDK, which is loaded by the first call.

StripeProblem
├── StripeRefused      it answered that this cannot be done, and nothing was done
│   ├── KeyUnknown     the key is not valid (any more)
│   └── KeyNotAllowed  a restricted key without the permission for this call
├── StripeBusy         nothing was done: the same call may be made again
│   ├── StripeTooFast  more calls than Stripe allows
│   └── StripeAway     it has not answered for a while, so the call was not made
└── StripeUnreachable  no answer, or one that leaves open whether it was done
    └── StripeStuck    its failure is kept under the key, and comes back however often it is asked with it
"""

import asyncio
import importlib
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any, TypeVar, cast

import msgspec

from boxoffice.payments.breaker import Breaker
from boxoffice.payments.stripe_objects import (
    Account,
    Dispute,
    Event,
    Fee,
    Intent,
    Json,
    ListedRefund,
    Refund,
    Session,
    WebhookEndpoint,
    read_dispute,
    read_intent,
    read_listed_event,
    read_listed_refund,
    read_refund,
    read_session,
)

TIMEOUT_SECONDS = 10
CALLS_AT_ONCE = 20
"""Of one process. Others wait for one of these to end: a Stripe that hangs ties up no more."""
SIGNATURE_TOLERANCE_SECONDS = 300
EVENTS_A_PAGE = 100
TYPES_MAX = 20
REPLAYED = "Idempotent-Replayed"
"""The header of an answer that is repeated (https://docs.stripe.com/api/idempotent_requests)."""

Answer = TypeVar("Answer")


class StripeProblem(Exception):
    """A call to Stripe that did not give what it was made for."""


class StripeRefused(StripeProblem):
    """Refused for good; `param` names the parameter at fault, `certain` says that no earlier try can have worked."""

    def __init__(
        self, message: str, code: str | None = None, param: str | None = None, *, certain: bool = True
    ) -> None:
        super().__init__(message)
        self.code, self.param, self.certain = code, param, certain


class KeyUnknown(StripeRefused):
    """Stripe does not take the key at all."""


class KeyNotAllowed(StripeRefused):
    """The key lacks a permission."""


class StripeBusy(StripeProblem):
    """Not now: the object is in use, or too many calls are under way. The same call may be made again."""


class StripeTooFast(StripeBusy):
    """More calls than Stripe allows."""


class StripeAway(StripeBusy):
    """Stripe has not been answering, and it is not time yet to try again."""


class StripeUnreachable(StripeProblem):
    """Unknown whether it was done: ask again with the same key."""


class StripeStuck(StripeUnreachable):
    """It failed before, and the key repeats that failure for a day: look whether it was done, else take a new key."""


class BadSignature(ValueError):
    """The delivery was not signed with one of our secrets, or too long ago."""


class Stripe:
    """One account. `api_base` points at a stand-in; None is Stripe itself. `http_client` is the SDK's way out, made by
    the first call; a simulation answers by itself. Without a breaker every call is made."""

    def __init__(
        self,
        secret_key: str,
        api_base: str | None = None,
        timeout_seconds: float = TIMEOUT_SECONDS,
        http_client: Callable[[], Any] | None = None,
        breaker: Breaker | None = None,
    ) -> None:
        self.timeout_seconds = timeout_seconds
        self._breaker = breaker
        self._calls = asyncio.Semaphore(CALLS_AT_ONCE)
        self._secret_key = secret_key
        self._api_base = api_base
        self._http_client = http_client or (lambda: _httpx_client(timeout_seconds, api_base))
        self._client: Any = None
        self._loop: asyncio.AbstractEventLoop | None = None

    async def create_session(self, parameters: str, key: str) -> Session:
        """Creates a session from JSON parameters; the same key gives the same session again."""
        params = msgspec.json.decode(parameters)
        return read_session(
            await self._call(lambda v1: v1.checkout.sessions.create_async(params, {"idempotency_key": key}))
        )

    async def retrieve_session(self, session_id: str) -> Session:
        """The session as it is now, with the status of its payment intent."""
        params = {"expand": ["payment_intent"]}
        return read_session(await self._call(lambda v1: v1.checkout.sessions.retrieve_async(session_id, params)))

    async def expire_session(self, session_id: str) -> Session:
        """Ends an open session; one that has ended is given as it is."""
        try:
            return read_session(await self._call(lambda v1: v1.checkout.sessions.expire_async(session_id)))
        except StripeRefused:
            return await self.retrieve_session(session_id)

    async def sessions_of_payment(self, payment_intent: str) -> list[Session]:
        """The sessions that made a payment intent: one, as a rule."""
        params = {"payment_intent": payment_intent}
        answer = await self._call(lambda v1: v1.checkout.sessions.list_async(params))
        return [read_session(body) for body in answer["data"]]

    async def sessions_since(self, moment: datetime) -> list[Session]:
        """Every session created at `moment` or later, newest first."""
        return [read_session(body) for body in await self._pages("checkout.sessions", moment, {})]

    async def events_between(self, since: datetime, until: datetime, types: tuple[str, ...]) -> list[Event]:
        """The events of these types from `since` up to `until`, oldest first among twenty types."""
        events: list[Event] = []
        for first in range(0, len(types), TYPES_MAX):
            filters = {"types": list(types[first : first + TYPES_MAX])}
            pages = [page async for page in self._each_page("events", since, until, filters)]
            events += [
                read_listed_event(body, msgspec.json.encode(body))
                for page in reversed(pages)
                for body in reversed(page)
            ]
        return events

    async def session_pages(self, since: datetime, until: datetime) -> AsyncGenerator[list[Session]]:
        """The sessions created between the two, newest first, a page at a time."""
        async for page in self._each_page("checkout.sessions", since, until, {}):
            yield [read_session(body) for body in page]

    async def intent_pages(self, since: datetime, until: datetime) -> AsyncGenerator[list[Intent]]:
        """The payment intents created between the two, newest first, a page at a time."""
        filters = {"expand": ["data.latest_charge"]}
        async for page in self._each_page("payment_intents", since, until, filters):
            yield [read_intent(body) for body in page]

    async def refund_pages(self, since: datetime, until: datetime) -> AsyncGenerator[list[ListedRefund]]:
        """The refunds created between the two, newest first, a page at a time."""
        async for page in self._each_page("refunds", since, until, {}):
            yield [read_listed_refund(body) for body in page]

    async def dispute_pages(self, since: datetime, until: datetime) -> AsyncGenerator[list[Dispute]]:
        """The disputes that banks opened between the two, newest first, a page at a time."""
        async for page in self._each_page("disputes", since, until, {}):
            yield [read_dispute(body) for body in page]

    async def payment_of_charge(self, charge: str) -> str | None:
        """The payment intent that a charge belongs to."""
        answer = await self._call(lambda v1: v1.charges.retrieve_async(charge))
        return answer["payment_intent"]

    async def fee_of_payment(self, payment_intent: str) -> Fee | None:
        """What Stripe keeps of a paid payment intent; None until it is settled, some seconds later."""
        params = {"expand": ["latest_charge.balance_transaction"]}
        answer = await self._call(lambda v1: v1.payment_intents.retrieve_async(payment_intent, params))
        charge: Json = answer["latest_charge"] or {}
        transaction: Json | None = charge.get("balance_transaction")
        return Fee(charge["id"], transaction["fee"], transaction["currency"]) if transaction else None

    async def refunds_of_payment(self, payment_intent: str) -> list[Refund]:
        """Every refund of a payment intent, oldest first, whoever made it."""
        pages = await self._pages("refunds", None, {"payment_intent": payment_intent})
        return [read_refund(body) for body in reversed(pages)]

    async def retrieve_dispute(self, dispute_id: str) -> Dispute:
        """The dispute as it is now."""
        return read_dispute(await self._call(lambda v1: v1.disputes.retrieve_async(dispute_id)))

    async def retrieve_intent(self, payment_intent: str) -> Intent | None:
        """The payment as it is now; None when this account has none of that id."""
        params = {"expand": ["latest_charge"]}
        return await self._found(lambda v1: v1.payment_intents.retrieve_async(payment_intent, params), read_intent)

    async def retrieve_refund(self, refund_id: str) -> ListedRefund | None:
        """The refund as it is now; None when this account has none of that id."""
        return await self._found(lambda v1: v1.refunds.retrieve_async(refund_id), read_listed_refund)

    async def refund(self, payment_intent: str, amount: int, metadata: Mapping[str, str], key: str) -> Refund:
        """Sends money back; the same key is the same refund."""
        params = {"payment_intent": payment_intent, "amount": amount, "metadata": dict(metadata)}
        return read_refund(await self._call(lambda v1: v1.refunds.create_async(params, {"idempotency_key": key})))

    async def account(self) -> Account:
        """The key's account. Raises KeyUnknown, KeyNotAllowed."""
        answer = await self._answer(lambda v1: v1.accounts.retrieve_current_async())
        body, date = answer.to_dict(), answer.last_response.headers.get("date")
        return Account(
            id=body["id"],
            country=body.get("country"),
            default_currency=body.get("default_currency"),
            charges_enabled=bool(body.get("charges_enabled")),
            answered_at=parsedate_to_datetime(date) if date else None,
        )

    async def webhook_endpoints(self) -> list[WebhookEndpoint]:
        """Every endpoint of the key's mode; an account has at most 16."""
        answer = await self._call(lambda v1: v1.webhook_endpoints.list_async({"limit": EVENTS_A_PAGE}))
        return [
            WebhookEndpoint(
                one["id"], one["url"], one["status"], one.get("api_version"), frozenset(one["enabled_events"])
            )
            for one in answer["data"]
        ]

    async def undelivered_events(self, since: datetime, until: datetime) -> list[Event]:
        """Events between the two whose delivery has not succeeded so far, newest first, at most 100."""
        created = {"gte": int(since.timestamp()), "lte": int(until.timestamp())}
        params = {"created": created, "limit": EVENTS_A_PAGE, "delivery_success": False}
        answer = await self._call(lambda v1: v1.events.list_async(params))
        return [read_listed_event(body, b"") for body in answer["data"]]

    async def close(self) -> None:
        """Closes the connections of this event loop."""
        client, self._client = self._client, None
        if client is not None and self._loop is asyncio.get_running_loop():
            await client._requestor._client.close_async()

    async def _pages(self, resource: str, moment: datetime | None, filters: Json) -> list[Json]:
        return [body async for page in self._each_page(resource, moment, None, filters) for body in page]

    async def _each_page(
        self, resource: str, since: datetime | None, until: datetime | None, filters: Json
    ) -> AsyncGenerator[list[Json]]:
        bounds = {"gte": since, "lt": until}
        created = {bound: int(moment.timestamp()) for bound, moment in bounds.items() if moment is not None}
        params: dict[str, Any] = {"limit": EVENTS_A_PAGE, **({"created": created} if created else {}), **filters}
        while True:
            answer = await self._call(lambda v1: _resource(v1, resource).list_async(dict(params)))
            page: list[Json] = answer["data"]
            yield page
            if not answer["has_more"] or not page:
                return
            params["starting_after"] = page[-1]["id"]

    async def _found(self, call: Callable[[Any], Awaitable[Any]], read: Callable[[Json], Answer]) -> Answer | None:
        try:
            return read(await self._call(call))
        except StripeRefused as refused:
            if refused.code == "resource_missing":
                return None
            raise

    async def _call(self, call: Callable[[Any], Awaitable[Any]]) -> dict[str, Any]:
        return cast("dict[str, Any]", (await self._answer(call)).to_dict())

    async def _answer(self, call: Callable[[Any], Awaitable[Any]]) -> Any:
        if self._breaker is None:
            return await self._in_turn(call)
        try:
            answer = await self._in_turn(call)
        except (StripeRefused, StripeTooFast, StripeStuck):
            await self._breaker.answered()
            raise
        except StripeUnreachable as problem:
            await self._breaker.failed(str(problem))
            raise
        await self._breaker.answered()
        return answer

    async def _in_turn(self, call: Callable[[Any], Awaitable[Any]]) -> Any:
        stripe = _sdk()
        v1, calls = self._v1(stripe), self._calls
        try:
            await asyncio.wait_for(calls.acquire(), self.timeout_seconds)
        except TimeoutError as error:
            raise StripeBusy("Too many calls are under way in this process.") from error
        try:
            # Asked now: Stripe may have been found away while this call waited for the others.
            if self._breaker is not None and not await self._breaker.may_call():
                raise StripeAway("Stripe does not answer at the moment.")
            return await self._made(stripe, call(v1))
        finally:
            calls.release()

    async def _made(self, stripe: Any, call: Awaitable[Any]) -> Any:
        try:
            async with asyncio.timeout(self.timeout_seconds):  # the client's own time-out is of each read
                return await call
        except TimeoutError as error:
            raise StripeUnreachable(f"No answer within {self.timeout_seconds:g} seconds.") from error
        except stripe.RateLimitError as error:
            kind = StripeBusy if error.code == "lock_timeout" else StripeTooFast
            raise kind(str(error)) from error
        except stripe.AuthenticationError as error:
            raise KeyUnknown(f"Stripe refuses the key: {error.user_message or error}", certain=False) from error
        except stripe.PermissionError as error:
            raise KeyNotAllowed(f"Stripe refuses the key: {error.user_message or error}", certain=False) from error
        except (stripe.InvalidRequestError, stripe.IdempotencyError, stripe.CardError) as error:
            raise StripeRefused(error.user_message or str(error), error.code, error.param) from error
        except stripe.StripeError as error:
            if error.http_status == 409:  # noqa: PLR2004 - the same key is being worked on
                raise StripeBusy(str(error)) from error
            kind = StripeStuck if (error.headers or {}).get(REPLAYED) == "true" else StripeUnreachable
            raise kind(f"{type(error).__name__}: {error}") from error

    def _v1(self, stripe: Any) -> Any:
        loop = asyncio.get_running_loop()
        if self._client is None or self._loop is not loop:
            self._client = stripe.StripeClient(
                self._secret_key,
                base_addresses={"api": self._api_base} if self._api_base else {},
                http_client=self._http_client(),
                max_network_retries=0,
            )
            self._calls = asyncio.Semaphore(CALLS_AT_ONCE)
            self._loop = loop
        return self._client.v1


def _httpx_client(timeout_seconds: float, api_base: str | None) -> Any:
    """Loads the authorities that vouch for Stripe, which takes 30 ms, only where there is TLS."""
    secure = api_base is None or not api_base.startswith("http://")
    return _sdk().HTTPXClient(timeout=timeout_seconds, allow_sync_methods=False, verify_ssl_certs=secure)


def verify(raw: bytes, signature: str, secrets: tuple[str, ...]) -> None:
    """Raises BadSignature unless `raw` was signed with one of the secrets in the last five minutes."""
    stripe = _sdk()
    for secret in secrets:
        try:
            stripe.WebhookSignature.verify_header(raw.decode(), signature, secret, SIGNATURE_TOLERANCE_SECONDS)
        except (stripe.SignatureVerificationError, UnicodeDecodeError):
            continue
        return
    raise BadSignature("The signature fits none of the webhook secrets, or it is older than five minutes.")


def sign(raw: bytes, secret: str, at: datetime) -> str:
    """The signature header of a delivery, as Stripe makes it."""
    header: str = _sdk().WebhookSignature.generate_signature_header(raw.decode(), secret, timestamp=int(at.timestamp()))
    return header


def api_version() -> str:
    """The version of Stripe's API that the SDK speaks."""
    version: str = _sdk().api_version
    return version


def _resource(v1: Any, name: str) -> Any:
    for part in name.split("."):
        v1 = getattr(v1, part)
    return v1


def _sdk() -> Any:
    return importlib.import_module("stripe")
