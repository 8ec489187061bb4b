"""What goes wrong, at random: the database, programs, networks, Stripe and its webhooks."""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from random import Random

import httpx

from tests.shop import SLUG
from tests.soak.place import Place
from tests.soak.record import Record

RECOVERED_SECONDS_MAX = 60.0
API_FAULTS = (
    "rate_limit",
    "server_error",
    "stored_server_error",
    "lost_response",
    "timeout",
    "lock_timeout",
    "conflict",
)
WEBHOOK_FAULTS = ("drop", "duplicate", "second_event", "reorder", "late")
CALLS = ("POST /v1/checkout/sessions", "POST /v1/refunds", "GET /v1/checkout/sessions*", "GET /v1/events", "*")


class Trouble:
    """One kind at a time of machines and networks, and beside them one at a time of Stripe."""

    def __init__(self, place: Place, record: Record, seed: int) -> None:
        self._place, self._record = place, record
        self._random = Random(f"{seed} trouble")
        self._at_stripe = Random(f"{seed} trouble at stripe")
        self._probes = 0
        self.happened: Counter[str] = Counter()

    async def of_machines(self, stop: asyncio.Event) -> None:
        """Until it is told to stop; what was begun is brought to an end."""
        kinds: dict[Callable[[], Awaitable[None]], int] = {
            self.postgres_stops: 3,
            self.database_cut: 2,
            self.cut_at_a_message: 6,
            self.database_silent: 1,
            self.server_killed: 3,
            self.worker_killed: 2,
            self.buyers_cut: 2,
            self.mail_silent: 1,
        }
        kind: Callable[[], Awaitable[None]] = self.postgres_stops
        while not stop.is_set():
            self.happened[kind.__name__.replace("_", " ")] += 1
            await kind()
            await _pause(stop, self._random.uniform(1, 5))
            kind = self._random.choices(list(kinds), list(kinds.values()))[0]

    async def of_stripe(self, stop: asyncio.Event) -> None:
        """Until it is told to stop."""
        shop, random = self._place.house.shop, self._at_stripe
        while not stop.is_set():
            if random.random() < 0.5:
                fault = random.choice(API_FAULTS)
                how = {"seconds": random.choice([0.5, 12.0])} if fault == "timeout" else {}
                await shop.fault(fault, random.choice(CALLS), count=random.randint(1, 6), **how)
            else:
                fault = random.choice(WEBHOOK_FAULTS)
                await shop.fault(fault, count=random.randint(1, 10), seconds=random.uniform(1, 20))
            self.happened[f"Stripe: {fault}"] += 1
            await _pause(stop, random.uniform(1, 6))

    async def postgres_stops(self) -> None:
        """And the first order of each server after it is waited for."""
        await self._place.stop_postgres(self._random.uniform(0, 3))
        began = time.monotonic()
        await asyncio.gather(*(self._first_success(number, began) for number in range(2)))

    async def database_cut(self) -> None:
        """For everybody, for a moment."""
        await self._for_a_while(self._place.house.to_database.set, "cut", 0, 2)

    async def cut_at_a_message(self) -> None:
        """One message, a COMMIT perhaps, is delivered and not answered."""
        proxy = self._place.house.to_database
        proxy.cut_at(self._random.randint(1, 80))
        await asyncio.sleep(self._random.uniform(0.5, 2))
        proxy.was_cut()

    async def database_silent(self) -> None:
        """Connections stay, nothing comes through, longer than a statement may take."""
        await self._for_a_while(self._place.house.to_database.set, "frozen", 1, 8)

    async def server_killed(self) -> None:
        """-9, and another one starts."""
        await self._place.kill_server(self._random.randrange(2))

    async def worker_killed(self) -> None:
        """-9, and another one starts."""
        await self._place.kill_worker()

    async def buyers_cut(self) -> None:
        """In the middle of answers, and Stripe's deliveries with them."""
        house = self._place.house
        proxy = self._random.choice([*self._place.from_buyers, house.from_stripe, house.to_stripe])
        await self._for_a_while(proxy.set, self._random.choice(["cut", "unanswered"]), 0, 2)

    async def mail_silent(self) -> None:
        """The mail server says nothing for a while."""
        await self._for_a_while(self._place.house.to_mail.set, "frozen", 1, 5)

    async def _for_a_while(self, put: Callable[..., None], mode: str, least: float, most: float) -> None:
        put(mode)
        await asyncio.sleep(self._random.uniform(least, most))
        put("cut")  # what was held back is lost
        put("open")

    async def _first_success(self, number: int, began: float) -> None:
        """Asks one server for an order, again and again, until it takes it."""
        self._probes += 1
        key = f"soak-probe-{self._probes:08}"
        body = {"email": f"{key}@example.org", "lines": [{"ticket_type": self._place.kind, "quantity": 1}]}
        while time.monotonic() < began + RECOVERED_SECONDS_MAX:
            try:
                answer = await self._place.doors[number].post(
                    f"/api/v1/events/{SLUG}/orders", json=body, headers={"Idempotency-Key": key}
                )
            except httpx.TransportError:
                continue
            if answer.status_code == 201:
                self._record.recovered_seconds.append(time.monotonic() - began)
                self._record.told_code(key, answer.json()["code"])
                return
            await asyncio.sleep(0.05)
        self._record.wrong.append(f"server {number} took no order in {RECOVERED_SECONDS_MAX:.0f} s after a restart")


async def _pause(stop: asyncio.Event, seconds: float) -> None:
    try:
        await asyncio.wait_for(stop.wait(), seconds)
    except TimeoutError:
        return
