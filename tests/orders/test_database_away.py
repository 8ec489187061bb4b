"""The database goes away in the middle of a burst of orders, and comes back: callers are told, nobody buys twice."""

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from urllib.parse import urlsplit

import httpx
import pytest
import stripe

from boxoffice.foundation.db import Database
from stripe_simulator.core import Core
from tests.nights import NIGHT, load
from tests.orders.conftest import shop_environment
from tests.programs import server
from tests.proxy import Mode, Proxy
from tests.shop import SLUG, WEBHOOK_SECRET, WRONG_STOCKS, Json
from tests.stripe_simulator.seller import free_port

BUYERS = 40
ANSWER_SECONDS_MAX = 25  # 15 are promised; the machine may be busy
EVENT = '{"id": "evt_1", "object": "event", "type": "customer.created", "livemode": false, "data": {"object": {}}}'
FREE = NIGHT.replace('price = "12.00"', 'price = "0.00"').replace("quantity = 10\n", "quantity = 60\n")


@dataclass
class House:
    """A server whose way to the database can be cut or frozen; `db` has a way of its own."""

    web: httpx.AsyncClient
    way: Proxy
    db: Database
    ticket_type: str = ""

    async def order(self, buyer: int) -> httpx.Response:
        """The buyer's one order: however often, the same key."""
        body = {"email": f"buyer{buyer}@example.org", "lines": [{"ticket_type": self.ticket_type, "quantity": 1}]}
        headers = {"Idempotency-Key": f"key-of-buyer-{buyer:04}"}
        return await self.web.post(f"/api/v1/events/{SLUG}/orders", json=body, headers=headers)

    async def ready(self) -> int:
        return (await self.web.get("/readyz")).status_code


@pytest.fixture
async def house(db: Database, simulator: Core, database_url: str) -> AsyncIterator[House]:
    await load(db, FREE)
    port = free_port()
    url = urlsplit(database_url)
    assert url.port is not None
    async with Proxy.to("127.0.0.1", url.port) as way:
        through = database_url.replace(f":{url.port}/", f":{way.port}/")
        environment = shop_environment(through, f"http://127.0.0.1:{port}", simulator.world.settings.base_url)
        async with (
            server(environment, port),
            httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=60, trust_env=False) as web,
        ):
            house = House(web, way, db)
            house.ticket_type = (await web.get(f"/api/v1/events/{SLUG}")).json()["ticket_types"][0]["id"]
            yield house


def refused_for_now(answer: httpx.Response) -> bool:
    assert answer.headers["content-type"].startswith("application/problem+json")
    problem: Json = answer.json()
    assert (problem["status"], problem["type"]) == (503, "unavailable")
    assert int(answer.headers["retry-after"]) > 0
    return True


@pytest.mark.parametrize("mode", ["cut", "frozen"])
async def test_callers_are_told_in_time_and_the_same_key_finds_the_one_order(house: House, mode: Mode) -> None:
    assert await house.ready() == 200
    # The first ones are served, the last ones find the database gone; those between may be either, or never know.
    burst = [asyncio.create_task(house.order(buyer)) for buyer in range(BUYERS // 2)]
    await asyncio.wait(burst, return_when=asyncio.FIRST_COMPLETED)
    house.way.set(mode)
    away_at = time.monotonic()
    burst += [asyncio.create_task(house.order(buyer)) for buyer in range(BUYERS // 2, BUYERS)]
    answers = await asyncio.gather(*burst)
    assert time.monotonic() - away_at < ANSWER_SECONDS_MAX
    assert {answer.status_code for answer in answers} == {201, 503}
    assert all(refused_for_now(answer) for answer in answers if answer.status_code == 503)
    assert all(answer.status_code == 503 for answer in answers[BUYERS // 2 :])
    assert await house.ready() == 503
    assert (await house.web.get("/healthz")).status_code == 200

    house.way.set("open")
    assert await house.ready() == 200
    again = await asyncio.gather(*(house.order(buyer) for buyer in range(BUYERS)))
    assert [answer.status_code for answer in again] == [201] * BUYERS
    for first, second in zip(answers, again, strict=True):
        assert first.status_code == 503 or first.json()["code"] == second.json()["code"]
    async with house.db.transaction() as connection:
        assert await connection.fetchval("SELECT count(*) FROM orders WHERE status = 'paid'") == BUYERS
        assert await connection.fetchval("SELECT count(*) FROM ticket") == BUYERS
        assert await WRONG_STOCKS.all(connection) == []


async def test_every_door_says_503_while_the_database_is_away(house: House) -> None:
    order: Json = (await house.order(1)).json()
    house.way.set("cut")
    signature = stripe.WebhookSignature.generate_signature_header(EVENT, WEBHOOK_SECRET)
    token = {"Authorization": f"Bearer {order['access_token']}"}
    for answer in (
        await house.web.get("/api/v1/events"),
        await house.web.get(f"/api/v1/events/{SLUG}"),
        await house.web.get(f"/api/v1/orders/{order['code']}", headers=token),
        await house.web.get("/api/cron", headers={"Authorization": "Bearer a cron secret of the tests"}),
        await house.web.post("/api/webhook", content=EVENT, headers={"Stripe-Signature": signature}),
        await house.order(2),
    ):
        assert refused_for_now(answer)
    house.way.set("open")
    assert (await house.web.get(f"/api/v1/orders/{order['code']}", headers=token)).json()["status"] == "paid"
