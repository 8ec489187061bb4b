"""A night with paid tickets and scanners at its door."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from playwright.async_api import Browser, Page

from boxoffice.door.device import MadeLink, make_link
from boxoffice.foundation.db import Query
from boxoffice.tickets.code import RotatingCode, rotating_code, ticket_payload
from tests.shop import SLUG, Json, Shop

SCANS = f"/api/v1/events/{SLUG}/scans"
SYNC = f"/api/v1/events/{SLUG}/door"


NIGHT = Query(lambda event_id, doors_at: (UUID(str(event_id)), doors_at), "SELECT id, doors_at FROM event")


@dataclass
class Scanner:
    """A paired phone; its clock is off by `clock_is_off`."""

    shop: Shop
    id: str
    token: str
    clock_is_off: timedelta = timedelta()

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}

    def body(self, what: str, **changes: Any) -> Json:
        """One scan; `what` is a QR code's text or a typed code."""
        moment = (self.shop.box.db.moved_clock or datetime.now(UTC)) + self.clock_is_off
        read = "payload" if len(what) > 20 else "code"
        body: Json = {"device": self.id, "nonce": f"nonce-{uuid4()}", "scanned_at": moment.isoformat(), read: what}
        return body | changes

    async def send(self, body: Json | list[Json]) -> httpx.Response:
        return await self.shop.web.post(SCANS, json=body, headers=self.headers)

    async def scan(self, what: str, **changes: Any) -> Json:
        """The answer to one scan, which must be one."""
        answer = await self.send(self.body(what, **changes))
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def undo(self, nonce: str, **changes: Any) -> Json:
        body = self.body("", undo={"nonce": nonce, "reason": "wrong person"} | changes)
        answer = await self.send({name: value for name, value in body.items() if name != "code"})
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def sync(self, **params: str) -> Json:
        answer = await self.shop.web.get(SYNC, params=params, headers=self.headers)
        assert answer.status_code == 200, answer.text
        return answer.json()


@dataclass
class Door:
    """The shop's night, an hour before its doors."""

    shop: Shop
    event_id: UUID
    scanners: list[Scanner] = field(default_factory=list[Scanner])

    async def link(
        self, gate: str = "Main door", role: str = "staff", list_name: str = "", *, sells: bool = False
    ) -> MadeLink:
        secret_key = self.shop.box.settings.secret_key
        async with self.shop.box.db.transaction() as connection:
            return await make_link(
                connection, secret_key, self.event_id, gate, role=role, list_name=list_name, sells=sells
            )

    async def pair(self, made: MadeLink, pin: str | None = None, **more: Any) -> httpx.Response:
        body = {"link": made.link, "pin": pin or made.pin} | more
        return await self.shop.web.post(f"{SYNC}/pairings", json=body)

    async def scanner(
        self, gate: str = "Main door", role: str = "staff", list_name: str = "", *, sells: bool = False
    ) -> Scanner:
        answer = await self.pair(await self.link(gate, role, list_name, sells=sells))
        assert answer.status_code == 201, answer.text
        return Scanner(self.shop, answer.json()["device_id"], answer.json()["token"])

    async def tickets(self, quantity: int = 1) -> list[str]:
        """Codes of new tickets. They cost nothing, which the door does not know, and so wait for no payment."""
        db = self.shop.box.db
        opened, db.moved_clock = db.moved_clock, None
        async with self._free():
            order = await self.shop.ordered(quantity)
        codes = [ticket["code"] for ticket in (await self.shop.look(order))["tickets"]]
        db.moved_clock = opened
        return codes

    @asynccontextmanager
    async def _free(self) -> AsyncGenerator[None]:
        async with self.shop.box.db.transaction() as connection:
            prices = await connection.fetch("SELECT id, price_minor FROM release")
            await connection.execute("UPDATE release SET price_minor = 0")
        yield
        async with self.shop.box.db.transaction() as connection:
            await connection.executemany("UPDATE release SET price_minor = $2 WHERE id = $1", prices)

    async def payload(self, code: str) -> str:
        """The text of a ticket's QR code."""
        key = self.shop.box.settings.secret_key
        async with self.shop.box.db.transaction() as connection:
            row = await connection.fetchrow("SELECT id, revision FROM ticket WHERE code = $1", code)
            assert row is not None
            return await ticket_payload(connection, key, self.event_id, UUID(str(row["id"])), row["revision"])

    async def rotating(self, code: str) -> RotatingCode:
        """What a ticket's rotating codes are made of."""
        key = self.shop.box.settings.secret_key
        async with self.shop.box.db.transaction() as connection:
            row = await connection.fetchrow("SELECT id, revision FROM ticket WHERE code = $1", code)
            assert row is not None
            return await rotating_code(connection, key, self.event_id, UUID(str(row["id"])), row["revision"])

    async def value(self, sql: str, *parameters: Any) -> Any:
        async with self.shop.box.db.transaction() as connection:
            return await connection.fetchval(sql, *parameters)

    async def execute(self, sql: str, *parameters: Any) -> None:
        async with self.shop.box.db.transaction() as connection:
            await connection.execute(sql, *parameters)


@pytest.fixture
async def door(shop: Shop) -> AsyncIterator[Door]:
    async with shop.box.db.transaction() as connection:
        night = await NIGHT.first(connection)
    assert night is not None
    event_id, doors_at = night
    door = Door(shop, event_id)
    await door.tickets(1)
    shop.box.db.moved_clock = doors_at - timedelta(minutes=30)
    yield door
    shop.box.db.moved_clock = None


@pytest.fixture
async def page(chromium: Browser, door: Door) -> AsyncIterator[Page]:
    """A page of the door, whose policy lets it import what we serve."""
    context = await chromium.new_context()
    page = await context.new_page()
    await page.goto(f"{door.shop.url}/door/{SLUG}")
    yield page
    await context.close()
