"""Who buys: asks until answered, pays, is declined, leaves, gives up, and wants the money back."""

import asyncio
from random import Random
from typing import Any

import httpx

from boxoffice.foundation.db import LOST
from boxoffice.orders.decide_refund import Decided, Wish, decide_refund
from tests.shop import CARD, SLUG, Json, session_of
from tests.soak.place import Place
from tests.soak.record import Record

DECLINED, CHALLENGED = "4000000000000002", "4000002760003184"
FORM = "application/x-www-form-urlencoded"
DEEDS = {"pays": 6, "pays after a decline": 2, "proves and pays": 1, "is declined": 1, "leaves": 1, "gives up": 1}
LOOKS_SECONDS = 20.0
WANTS_IT_BACK = 0.3
PATIENCE_SECONDS = 120.0
"""How long an order that was begun is asked for, and a refund decided, after trouble is over."""


class Buyer:
    """Somebody with a key for each order, who goes to either server."""

    def __init__(self, number: int, place: Place, record: Record, seed: int) -> None:
        self._number, self._place, self._record = number, place, record
        self._random = Random(f"{seed} buyer {number}")
        self._orders = 0

    async def buy_until(self, stop: asyncio.Event) -> None:
        """One order after the other; the last one is brought to its end."""
        while not stop.is_set():
            self._orders += 1
            async with asyncio.timeout(None) as limit:
                waiting = asyncio.create_task(_limited(stop, limit))
                try:
                    await self._buy()
                finally:
                    waiting.cancel()
            await asyncio.sleep(self._random.uniform(0, 1))

    async def _buy(self) -> None:
        order = await self._ordered(f"soak-buyer-{self._number:03}-{self._orders:06}")
        if order is None:
            return
        deed = self._random.choices(list(DEEDS), list(DEEDS.values()))[0]
        if deed in ("is declined", "pays after a decline"):
            await self._pay(order, DECLINED)
        if deed in ("pays", "pays after a decline"):
            await self._pay(order, CARD)
        if deed == "proves and pays":
            await self._pay(order, CHALLENGED)
        if deed == "gives up":
            await self._give_up(order)
        await self._look(order)
        if order["code"] in self._record.paid and self._random.random() < WANTS_IT_BACK:
            await self._want_it_back(order["code"])

    async def _ordered(self, key: str) -> Json | None:
        body = {
            "email": f"{key}@example.org",
            "lines": [{"ticket_type": self._place.kind, "quantity": self._random.randint(1, 3)}],
        }
        while True:
            answer = await self._ask(
                "POST", f"/api/v1/events/{SLUG}/orders", json=body, headers={"Idempotency-Key": key}
            )
            if answer is not None and answer.status_code == 201:
                order: Json = answer.json()
                self._record.told_code(key, order["code"])
                if order["checkout_url"]:
                    return order
            elif answer is not None:
                if answer.status_code != 410:  # its hold ended while Stripe was away
                    self._record.wrong.append(f"an order was answered {answer.status_code}: {answer.text[:200]}")
                return None
            await asyncio.sleep(self._random.uniform(0.2, 0.8))

    async def _ask(self, method: str, path: str, **more: Any) -> httpx.Response | None:
        """An answer that is one; None for a broken connection or a 503."""
        try:
            answer = await self._random.choice(self._place.doors).request(method, path, **more)
        except httpx.TransportError:
            self._record.answers["no answer"] += 1
            return None
        self._record.answers[f"{answer.status_code}"] += 1
        return None if answer.status_code == 503 else answer

    async def _pay(self, order: Json, card: str) -> None:
        path = f"/_control/checkout/sessions/{session_of(order)}/pay"
        answer = await self._place.house.shop.stripe.post(path, json={"card": card, "wait": False})
        if answer.status_code == 200 and answer.json()["payment_intent_status"] == "succeeded":
            self._record.charged.add(order["code"])

    async def _give_up(self, order: Json) -> None:
        """As the page's form does; what comes of it is looked at afterwards."""
        path = f"/orders/{order['code']}"
        page = await self._ask("GET", path, params={"t": order["access_token"]})
        if page is None or page.status_code != 303:
            return
        cookies = "; ".join(f"{name}={value}" for name, value in page.cookies.items())
        headers = {"Cookie": cookies, "Sec-Fetch-Site": "same-origin", "Content-Type": FORM}
        answer = await self._ask("POST", f"{path}/release", headers=headers)
        if answer is not None and answer.status_code != 303:
            self._record.wrong.append(f"giving up was answered {answer.status_code}: {answer.text[:200]}")

    async def _look(self, order: Json) -> None:
        """Until it is called paid or ended, or for a while."""
        path, headers = f"/api/v1/orders/{order['code']}", {"Authorization": f"Bearer {order['access_token']}"}
        until = asyncio.get_running_loop().time() + LOOKS_SECONDS * (order["code"] in self._record.charged)
        while True:
            answer = await self._ask("GET", path, headers=headers)
            if answer is not None and answer.status_code != 200:
                self._record.wrong.append(f"order {order['code']} was answered {answer.status_code}")
                return
            if answer is not None and answer.json()["status"] == "paid":
                self._record.told_paid(order["code"], {ticket["code"] for ticket in answer.json()["tickets"]})
                return
            if asyncio.get_running_loop().time() > until:
                return
            await asyncio.sleep(self._random.uniform(0.3, 1))

    async def _want_it_back(self, code: str) -> None:
        """Somebody in the office decides it, again until it is known to be decided."""
        wish = Wish(tickets=(min(self._record.paid[code]),)) if self._random.random() < 0.5 else Wish()
        while True:
            try:
                decided: Decided = await self._place.house.db.attempt(decide_refund, code, wish)
            except LOST:
                await asyncio.sleep(0.5)
                continue
            self._record.refunds[code] = decided.plan.amount_minor
            return


async def _limited(stop: asyncio.Event, limit: asyncio.Timeout) -> None:
    await stop.wait()
    limit.reschedule(asyncio.get_running_loop().time() + PATIENCE_SECONDS)
