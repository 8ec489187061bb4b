"""A seller who talks to the simulator as real software does: the official SDK, a browser without scripts, a webhook."""

import socket
from dataclasses import dataclass
from typing import Any

import httpx
import stripe

from stripe_simulator.core import Core
from stripe_simulator.shapes import misshapen
from tests.stripe_simulator.receiver import Receiver

Json = dict[str, Any]

KEY = "sk_test_1234567890abcdef"
VERSION = "2026-10-28.endive"
SECRET = "whsec_a_secret_of_the_tests"
SUCCESS = "https://seller.example/orders/1/success?session_id={CHECKOUT_SESSION_ID}"
CANCEL = "https://seller.example/orders/1"
FORM = {
    "email": "ada@example.com",
    "method": "card",
    "number": "4242 4242 4242 4242",
    "expiry": "12 / 34",
    "cvc": "123",
    "name": "Ada Example",
    "country": "IE",
    "postal_code": "",
}


def line(amount: int = 1500, quantity: int = 2, currency: str = "eur", name: str = "Early bird") -> Json:
    """A line item with an inline price."""
    product = {"name": name}
    return {"price_data": {"currency": currency, "unit_amount": amount, "product_data": product}, "quantity": quantity}


def order(**changes: Any) -> Json:
    """The parameters of a session for two tickets."""
    return {
        "mode": "payment",
        "success_url": SUCCESS,
        "cancel_url": CANCEL,
        "client_reference_id": "order-1",
        "line_items": [line()],
        "metadata": {"app": "boxoffice", "order_id": "1"},
        "payment_intent_data": {"metadata": {"app": "boxoffice", "order_id": "1"}},
        **changes,
    }


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@dataclass
class Seller:
    """`sdk` is the official client, `web` a browser, `hook` the webhook; `core` is a look behind the scenes."""

    core: Core
    base_url: str
    web: httpx.AsyncClient
    sdk: stripe.StripeClient
    hook: Receiver

    async def session(self, **changes: Any) -> stripe.checkout.Session:
        """A new session for two tickets at 15.00 EUR."""
        return await self.sdk.v1.checkout.sessions.create_async(order(**changes))  # pyright: ignore[reportArgumentType]

    async def paid(self, card: str = "4242424242424242", **changes: Any) -> Json:
        """A new session that somebody pays, or tries to: the control API's answer."""
        session = await self.session(**changes)
        return await self.pay(session.id, card)

    async def pay(self, session_id: str, card: str = "4242424242424242", **how: Any) -> Json:
        """Somebody pays, or tries to."""
        return await self.control(f"checkout/sessions/{session_id}/pay", card=card, **how)

    async def control(self, path: str, **body: Any) -> Json:
        """A request to the control API that must succeed."""
        answer = await self.web.post(f"/_control/{path}", json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def advance(self, seconds: float) -> None:
        """Time passes, and what became due was delivered."""
        await self.control("clock/advance", seconds=seconds)
        await self.flush()

    async def flush(self) -> None:
        """Everything that is due was delivered."""
        assert (await self.control("deliveries/flush"))["idle"]

    async def listen(self, *types: str, secret: str = SECRET) -> str:
        """Subscribe the webhook; the endpoint's id."""
        endpoint = await self.control(
            "webhook_endpoints/ensure", url=self.hook.url, secret=secret, enabled_events=list(types) or ["*"]
        )
        return endpoint["id"]

    async def get(self, path: str, **params: Any) -> httpx.Response:
        """A plain API request."""
        return await self.web.get(path, params=params, auth=(KEY, ""))

    async def post(self, path: str, data: Json | None = None, **headers: str) -> httpx.Response:
        """A plain API request with a form body."""
        return await self.web.post(path, data=data or {}, headers=headers, auth=(KEY, ""))

    async def delete(self, path: str) -> httpx.Response:
        """A plain API request."""
        return await self.web.delete(path, auth=(KEY, ""))

    async def read(self, schema: str, path: str) -> Json:
        """An API object, checked against the facts."""
        answer = await self.get(path)
        assert answer.status_code == 200, answer.text
        document = answer.json()
        problems = list(misshapen(schema, document))
        assert not problems, problems
        return document

    async def events(self) -> list[str]:
        """The types of everything that happened, oldest first."""
        answer = await self.get("/v1/events", limit=100)
        return [event["type"] for event in reversed(answer.json()["data"])]

    async def submit(self, session_id: str, **changes: str) -> httpx.Response:
        """The buyer fills in the page and presses Pay."""
        return await self.web.post(f"/c/pay/{session_id}", data=FORM | changes)
