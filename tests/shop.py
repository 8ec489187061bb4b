"""A whole box office in front of a simulator: real HTTP, real signatures, the real SDK, a clock that can be moved."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx

from boxoffice.box import BoxOffice
from boxoffice.foundation.db import Connection, Query
from boxoffice.worker.tick import run_jobs, tick
from stripe_simulator.core import Core
from tests.orders.test_place import WRONG_STOCKS

Json = dict[str, Any]

STRIPE_KEY = "sk_test_shop_1234567890"
WEBHOOK_SECRET = "whsec_a_secret_of_the_shop"
SLUG = "tiefdruck-eins"
CARD = "4242424242424242"
UNPAID_TICKETS = Query(
    str,
    """SELECT orders.code FROM orders LEFT JOIN ticket ON ticket.order_id = orders.id
  GROUP BY orders.event_id, orders.id
  HAVING count(ticket.id) <> CASE WHEN orders.status IN ('paid', 'part_refunded') THEN orders.quantity
    WHEN orders.status = 'refunded' THEN count(ticket.id) ELSE 0 END
  OR orders.status = 'refunded' AND bool_or(ticket.status IN ('active', 'used'))""",
)
UNBALANCED = Query(
    str,
    """SELECT account FROM ledger_entry GROUP BY account, currency
  HAVING account = 'sales' AND sum(credit_minor - debit_minor) <> (SELECT coalesce(sum(amount_minor), 0) FROM payment
    WHERE purpose = 'kept') + (SELECT coalesce(sum(total_minor), 0) FROM door_sale JOIN orders ON orders.id = order_id
    WHERE paid_by = 'cash')""",
)


@dataclass
class Shop:
    """`web` talks to the box office, `stripe` to the simulator; `box` and `core` are looks behind the scenes."""

    box: BoxOffice
    core: Core
    web: httpx.AsyncClient
    stripe: httpx.AsyncClient
    url: str
    types: dict[str, str] = field(default_factory=dict[str, str])

    async def ticket_type(self, name: str = "Entry", slug: str = SLUG) -> str:
        """The id of a ticket type."""
        answer = await self.web.get(f"/api/v1/events/{slug}")
        assert answer.status_code == 200, answer.text
        event = answer.json()
        return next(one["id"] for one in event["ticket_types"] if one["name"] == name)

    async def order(
        self, quantity: int = 1, *, key: str | None = None, slug: str = SLUG, **changes: Any
    ) -> httpx.Response:
        """Places an order; `changes` replace fields of the body."""
        line = {
            "ticket_type": changes.pop("ticket_type", None) or await self.ticket_type(slug=slug),
            "quantity": quantity,
        }
        line |= changes.pop("line", {})
        body = {"email": "mara@example.org", "lines": [line]} | changes
        return await self.web.post(
            f"/api/v1/events/{slug}/orders", json=body, headers={"Idempotency-Key": key or f"key-{uuid4()}"}
        )

    async def ordered(self, quantity: int = 1, **changes: Any) -> Json:
        """An order that must be placed."""
        answer = await self.order(quantity, **changes)
        assert answer.status_code == 201, answer.text
        return answer.json()

    async def look(self, order: Json) -> Json:
        """The order as it is now."""
        answer = await self.web.get(
            f"/api/v1/orders/{order['code']}", headers={"Authorization": f"Bearer {order['access_token']}"}
        )
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def pay(self, order: Json, card: str = CARD, **how: Any) -> Json:
        """Somebody pays on Stripe's page, or tries to; every webhook that is due was delivered."""
        paid = await self.control(f"checkout/sessions/{session_of(order)}/pay", card=card, **how)
        await self.delivered()
        return paid

    async def control(self, path: str, **body: Any) -> Json:
        """A request to the simulator's control API that must succeed."""
        answer = await self.stripe.post(f"/_control/{path}", json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def fault(self, fault: str, match: str = "*", **how: Any) -> None:
        """Something will go wrong."""
        answer = await self.stripe.post("/_control/faults", json={"fault": fault, "match": match} | how)
        assert answer.status_code == 200, answer.text

    async def delivered(self) -> None:
        """Every webhook that is due was delivered."""
        assert (await self.control("deliveries/flush"))["idle"]

    async def listen(self, *types: str) -> None:
        """Stripe's endpoint hears these types alone."""
        await self.control(
            "webhook_endpoints/ensure",
            url=f"{self.url}/api/webhook",
            secret=WEBHOOK_SECRET,
            enabled_events=list(types) or ["*"],
        )

    async def pass_time(self, **how_long: float) -> None:
        """Moves both clocks forward."""
        span = timedelta(**how_long)
        db = self.box.db
        db.moved_clock = (db.moved_clock or datetime.now(UTC)) + span
        await self.control("clock/advance", seconds=span.total_seconds())
        await self.delivered()

    async def tick(self) -> None:
        """The worker's work, until nothing is left."""
        for _ in range(10):
            if not any((await tick(self.box)).values()):
                break
        while await run_jobs(self.box):
            pass
        await self.delivered()

    async def charges(self) -> list[Json]:
        """Every charge that Stripe made."""
        answer = await self.stripe.get("/v1/charges", params={"limit": 100}, auth=(STRIPE_KEY, ""))
        return [charge for charge in answer.json()["data"] if charge["paid"]]

    async def sessions(self) -> list[Json]:
        """Every session that Stripe has."""
        answer = await self.stripe.get("/v1/checkout/sessions", params={"limit": 100}, auth=(STRIPE_KEY, ""))
        return answer.json()["data"]

    async def count(self, table: str) -> int:
        """Rows of a table."""
        async with self.box.db.transaction() as connection:
            return await _count(connection, table)

    async def sound(self) -> None:
        """Stock, tickets and ledger say the same; refunds and charges add up."""
        async with self.box.db.transaction() as connection:
            assert await WRONG_STOCKS.all(connection) == []
            assert await UNPAID_TICKETS.all(connection) == []
            assert await UNBALANCED.all(connection) == []


def session_of(order: Json) -> str:
    """The session's id, from the address that the buyer is sent to."""
    return order["checkout_url"].split("/c/pay/")[1].split("#")[0].split("?")[0]


async def until(true: Callable[[], Awaitable[object]]) -> None:
    """Returns once it is true; it must become so within half a minute."""
    async with asyncio.timeout(30):
        for _ in range(10_000):
            if await true():
                return
            await asyncio.sleep(0.01)


async def _count(connection: Connection, table: str) -> int:
    number = await connection.fetchval(f"SELECT count(*) FROM {table}")
    assert isinstance(number, int)
    return number


async def together(*calls: Any) -> list[Any]:
    """All at the same moment."""
    return list(await asyncio.gather(*calls))
