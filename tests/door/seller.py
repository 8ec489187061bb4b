"""A scanner that sells: what it asks of the box office."""

from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import httpx

from tests.door.conftest import SYNC, Door, Scanner
from tests.nights import NIGHT, load
from tests.shop import Json

PRICES = """
[[night.door_price]]
ticket_type = "Entry"
from = "in 30 days 21:00"
price = "15.00"

[[night.door_price]]
ticket_type = "Entry"
from = "in 30 days 23:30"
price = "20.00"
"""
AT_THE_DOOR = NIGHT + PRICES


@dataclass
class Seller:
    """A paired scanner whose cash box was counted."""

    door: Door
    scanner: Scanner
    ticket_type: str

    def body(self, quantity: int = 1, **changes: Any) -> Json:
        """A sale in cash, unless `changes` say otherwise."""
        named = {"nonce": f"sale-{uuid4().hex}", "ticket_type": self.ticket_type, "paid_by": "cash"}
        return named | {"quantity": quantity, "price": 1500} | changes

    async def post(self, path: str, body: Json) -> httpx.Response:
        return await self.door.shop.web.post(f"{SYNC}{path}", json=body, headers=self.scanner.headers)

    async def ask(self, body: Json) -> httpx.Response:
        return await self.post("/sales", body)

    async def sell(self, quantity: int = 1, **changes: Any) -> Json:
        """A sale that must be made, or placed."""
        return _good(await self.ask(self.body(quantity, **changes)))

    async def void(self, sale: Json, reason: str = "Too many") -> httpx.Response:
        return await self.post(f"/sales/{sale['nonce']}/void", {"reason": reason})

    async def till(self) -> Json:
        answer = await self.door.shop.web.get(f"{SYNC}/till", headers=self.scanner.headers)
        return _good(answer)

    async def close(self, counted: int) -> httpx.Response:
        return await self.post("/till/closing", {"counted": counted})


async def seller_at(
    door: Door, gate: str = "Main door", *, text: str = AT_THE_DOOR, float_minor: int = 20_000, **more: Any
) -> Seller:
    """Loads the night with its prices at the door, pairs a scanner and counts its cash box."""
    db = door.shop.box.db
    moved, db.moved_clock = db.moved_clock, None
    await load(db, text)
    ticket_type = await door.shop.ticket_type()
    db.moved_clock = moved
    seller = Seller(door, await door.scanner(gate, sells=True, **more), ticket_type)
    _good(await seller.post("/till", {"float": float_minor}))
    return seller


def _good(answer: httpx.Response) -> Json:
    assert answer.status_code == 200, answer.text
    return answer.json()
