"""A night with two guest lists, and a browser without scripts that has their links."""

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, cast
from uuid import UUID

import pytest
from httpx import AsyncClient, Response

from boxoffice.box import BoxOffice
from boxoffice.catalogue.load_nights import load_nights
from boxoffice.catalogue.nights_file import read_nights_file
from boxoffice.door.device import make_link, pair
from boxoffice.foundation.db import Connection
from boxoffice.guests.add import add_guests_of_file
from boxoffice.guests.guest_list import GuestList, list_named, share_token
from boxoffice.reports.audit import audit
from boxoffice.settings import Settings
from boxoffice.worker.tick import run_jobs
from tests.apps import furnished, transport
from tests.nights import NIGHT
from tests.shop import SLUG
from tests.web.conftest import BROWSER

FRIENDS, CREW = "Friends of Lo Kontakt", "Crew"
LISTS = f"""
[[night.guest_list]]
name = "{FRIENDS}"
given_by = "Lo Kontakt"
quota = 6
plus_ones_max = 3
last_entry_at = "next day 00:30"

[[night.guest_list]]
name = "{CREW}"
given_by = "Tiefdruck"
quota = 2
plus_ones_max = 0
"""
WITH_LISTS = NIGHT + LISTS
GUEST = """
[[night.guest_list.guest]]
name = "{name}"
plus_ones = {plus_ones}
email = "{email}"
"""
KEY = re.compile(r'name="key" value="([^"]+)"')


@dataclass
class Lists:
    """The night's lists and who may fill them in."""

    box: BoxOffice
    browser: AsyncClient
    paths: dict[str, str] = field(default_factory=dict[str, str])

    async def load(self, text: str = WITH_LISTS) -> int:
        """Loads a nights file as `boxoffice nights load` does; returns how many guests are new."""

        async def load(connection: Connection) -> int:
            file = read_nights_file(text, datetime.now(UTC))
            await load_nights(connection, file)
            return await add_guests_of_file(connection, file)

        return await self.box.db.attempt(load)

    async def one(self, name: str = FRIENDS) -> GuestList:
        async with self.box.db.transaction() as connection:
            return await list_named(connection, SLUG, name)

    async def path(self, name: str = FRIENDS) -> str:
        """Where a list is filled in."""
        return f"/guests/{share_token(self.box.settings.secret_key, await self.one(name))}"

    async def page(self, name: str = FRIENDS) -> str:
        """The page as it is now; it must be there."""
        answer = await self.browser.get(await self.path(name))
        assert answer.status_code == 200, answer.text
        return answer.text

    async def key(self, name: str = FRIENDS) -> str:
        """The key of a fresh form."""
        found = KEY.search(await self.page(name))
        return found[1] if found else "a key of no form, long enough"

    async def send(self, on: str = FRIENDS, /, **fields: str) -> Response:
        """The form as a browser sends it; `fields` replace what is in it."""
        told = {"key": fields.get("key") or await self.key(on), "name": "Anna Blum", "plus_ones": "0", "email": ""}
        return await self.browser.post(await self.path(on), data=told | fields)

    async def add(self, name: str = "Anna Blum", plus_ones: int = 0, email: str = "", on: str = FRIENDS) -> str:
        """A guest who must get on the list; returns the order's code."""
        answer = await self.send(on, name=name, plus_ones=str(plus_ones), email=email)
        assert answer.status_code == 303, answer.text
        return str(
            await self.value("SELECT code FROM guest JOIN orders ON id = order_id ORDER BY added_at DESC, id DESC")
        )

    async def take_off(self, code: str, name: str = FRIENDS) -> Response:
        return await self.browser.post(f"{await self.path(name)}/off", data={"guest": code})

    async def codes(self, order_code: str) -> list[str]:
        """The codes of an order's tickets."""
        sql = """SELECT array_agg(ticket.code ORDER BY number) FROM ticket JOIN orders ON orders.id = order_id
          WHERE orders.code = $1"""
        return cast("list[str]", await self.value(sql, order_code))

    async def scans(self, *codes: str) -> list[str]:
        """What a new scanner at the door is answered."""
        secret = self.box.settings.secret_key
        async with self.box.db.transaction() as connection:
            event_id = UUID(str(await connection.fetchval("SELECT id FROM event")))
            link = await make_link(connection, secret, event_id, "Main door")
            paired = await pair(connection, secret, SLUG, link.link, link.pin, None)
        token = cast("Any", paired).token
        moment = (self.box.db.moved_clock or datetime.now(UTC)).isoformat()
        bodies = [
            {"device": str(link.device_id), "nonce": f"nonce-{place:04}", "scanned_at": moment, "code": code}
            for place, code in enumerate(codes)
        ]
        headers = {"Authorization": f"Bearer {token}"}
        answer = await self.browser.post(f"/api/v1/events/{SLUG}/scans", json=bodies, headers=headers)
        assert answer.status_code == 200, answer.text
        return [one["answer"] for one in answer.json()]

    async def work(self) -> None:
        """The worker's mails."""
        while await run_jobs(self.box):
            pass

    async def value(self, sql: str, *parameters: Any) -> Any:
        async with self.box.db.transaction() as connection:
            return await connection.fetchval(sql, *parameters)

    async def execute(self, sql: str, *parameters: Any) -> None:
        async with self.box.db.transaction() as connection:
            await connection.execute(sql, *parameters)

    async def sound(self) -> None:
        """The audit finds nothing."""
        async with self.box.db.transaction(snapshot=True) as connection:
            assert {one.name: found for one, found in (await audit(connection)).items() if found} == {}


@pytest.fixture
async def lists(settings: Settings) -> AsyncIterator[Lists]:
    with furnished(settings) as box:
        async with AsyncClient(transport=transport(box), base_url="http://localhost:3000", headers=BROWSER) as browser:
            made = Lists(box, browser)
            await made.load()
            yield made
            await made.sound()
        await box.close()
