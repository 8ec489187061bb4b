"""A shop for the tests of a purchase: one simulator per worker, one box office and database per test."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from random import Random
from typing import Any, cast
from urllib.parse import urlsplit

import httpx
import pytest
from granian.constants import Interfaces
from granian.log import LogLevels
from granian.server.embed import Server

from boxoffice.app import create_app
from boxoffice.box import BoxOffice
from boxoffice.foundation.db import Database
from boxoffice.settings import Settings
from stripe_simulator.clock import SystemClock
from stripe_simulator.core import Core
from stripe_simulator.serve import serving
from stripe_simulator.settings import Settings as SimulatorSettings
from tests.apps import app_of, furnished
from tests.house import House
from tests.nights import NIGHT, load
from tests.pgbouncer import POOLER
from tests.plain import NO_TLS
from tests.programs import APPLICATION
from tests.programs import server as server_program
from tests.proxy import Proxy
from tests.shop import STRIPE_KEY, WEBHOOK_SECRET, Shop
from tests.smtp_sink import Sink
from tests.stripe_simulator.conftest import new_database
from tests.stripe_simulator.seller import free_port


@pytest.fixture(scope="session")
async def simulator(postgres_url: str, worker_id: str) -> AsyncIterator[Core]:
    """This worker's Stripe."""
    async with open_simulator(postgres_url, f"shop_simulator_{worker_id}") as core:
        yield core


@asynccontextmanager
async def open_simulator(postgres_url: str, name: str) -> AsyncGenerator[Core]:
    """A Stripe with a database of its own, whose clock is the machine's plus what tests have added."""
    database_url = await new_database(postgres_url, name)
    port = free_port()
    settings = SimulatorSettings(database_url=database_url, base_url=f"http://127.0.0.1:{port}", redirect_wait=5.0)
    async with serving(settings, port, clock=SystemClock(), random=Random(7)) as core:
        yield core


class Front:
    """This worker's one web server; `app` answers, and a test puts there what it tests."""

    def __init__(self, app: Any) -> None:
        self.app = app
        self._answering = 0
        self.port = free_port()
        self.url = f"http://localhost:{self.port}"  # another site than the simulator, as Stripe is

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """As ASGI says."""
        self._answering += 1
        try:
            await self.app(scope, receive, send)
        finally:
            self._answering -= 1

    async def answered(self) -> None:
        """Returns once every request has its answer, but for the one that is open as long as the server is."""
        for _ in range(2_000):
            if self._answering <= 1:
                return
            await asyncio.sleep(0.01)
        raise AssertionError("a request is still being answered")


@pytest.fixture(scope="session")
async def front(postgres_url: str) -> AsyncIterator[Front]:
    """A server that answers."""
    quiet = create_app(BoxOffice.from_settings(shop_settings(postgres_url, "http://localhost:1", "http://127.0.0.1:1")))
    front = Front(quiet)
    server = Server(
        cast("Any", front), address="127.0.0.1", port=front.port, interface=Interfaces.ASGI, log_level=LogLevels.error
    )
    task = asyncio.create_task(server.serve())
    async with httpx.AsyncClient(base_url=front.url, timeout=20, verify=NO_TLS) as web:
        await answering(web)
    front.app = closed
    yield front
    server.stop()
    await task


async def closed(_scope: Any, _receive: Any, send: Any) -> None:
    """Answers between two tests, for a delivery that Stripe makes after the one that it was meant for has ended."""
    await send({"type": "http.response.start", "status": 503, "headers": []})
    await send({"type": "http.response.body", "body": b""})


@pytest.fixture
async def shop(simulator: Core, front: Front, database_url: str) -> AsyncIterator[Shop]:
    """An empty Stripe, a box office with one night, and a webhook between them."""
    await simulator.reset()
    async with open_shop(simulator, front, database_url) as shop:
        await shop.listen()
        yield shop
        await shop.delivered()


@asynccontextmanager
async def open_shop(simulator: Core, front: Front, database_url: str, **more: str) -> AsyncGenerator[Shop]:
    """A box office with one night in front of this Stripe; `more` are variables of its environment."""
    simulator.world.clock.offset = 0.0  # type: ignore[attr-defined]
    stripe_url = simulator.world.settings.base_url
    settings = shop_settings(database_url, front.url, stripe_url, **more)
    with furnished(settings) as box:
        front.app = app_of(box)
        async with (
            httpx.AsyncClient(base_url=front.url, timeout=20, verify=NO_TLS) as web,
            httpx.AsyncClient(base_url=stripe_url, timeout=20, verify=NO_TLS) as stripe,
        ):
            await load(box.db, NIGHT)
            yield Shop(box, simulator, web, stripe, front.url)
            front.app = closed
            await front.answered()
        await box.close()


@pytest.fixture
async def house(db: Database, simulator: Core, database_url: str) -> AsyncIterator[House]:
    """An empty Stripe, and a box office with one night in a process of its own."""
    async with open_house(db, simulator, database_url) as house:
        yield house


@asynccontextmanager
async def open_house(
    db: Database, simulator: Core, database_url: str, application: str = APPLICATION
) -> AsyncGenerator[House]:
    """The same for who has no fixtures; `application` is what the server loads."""
    await simulator.reset()
    stripe_url = simulator.world.settings.base_url
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    async with AsyncExitStack() as stack:
        sink = await stack.enter_async_context(Sink().running())
        to_database, to_stripe, from_stripe, from_buyers, to_mail = [
            await stack.enter_async_context(Proxy.to("127.0.0.1", one))
            for one in (_port(database_url), _port(stripe_url), port, port, sink.port)
        ]
        mail = {"SMTP_URL": f"smtp://127.0.0.1:{to_mail.port}", "MAIL_FROM": "Tickets <tickets@example.org>"}
        through = database_url.replace(f":{_port(database_url)}/", f":{to_database.port}/")
        environment = shop_environment(through, url, f"http://127.0.0.1:{to_stripe.port}") | mail
        box = BoxOffice.from_settings(shop_settings(database_url, url, stripe_url, **mail))
        stack.push_async_callback(box.close)
        await load(db, NIGHT)
        process = await stack.enter_async_context(server_program(environment, port, application))
        buyers_url = f"http://127.0.0.1:{from_buyers.port}"
        web = await stack.enter_async_context(
            httpx.AsyncClient(base_url=buyers_url, timeout=60, trust_env=False, verify=NO_TLS)
        )
        stripe = await stack.enter_async_context(
            httpx.AsyncClient(base_url=stripe_url, timeout=20, trust_env=False, verify=NO_TLS)
        )
        shop = Shop(box, simulator, web, stripe, f"http://127.0.0.1:{from_stripe.port}")
        await shop.listen()
        yield House(
            shop,
            db,
            environment,
            port,
            process,
            to_database,
            to_stripe,
            from_stripe,
            from_buyers,
            to_mail,
            sink,
            stack,
            application,
        )
        await shop.delivered()


def _port(url: str) -> int:
    port = urlsplit(url).port
    assert port is not None
    return port


def shop_settings(database_url: str, url: str, stripe_url: str, **more: str) -> Settings:
    """Settings of a box office that pays at the simulator."""
    return Settings.from_environment(shop_environment(database_url, url, stripe_url) | more)


def shop_environment(database_url: str, url: str, stripe_url: str) -> dict[str, str]:
    """The same as variables, for a process of its own."""
    return {
        "DATABASE_URL": database_url,
        "BASE_URL": url,
        "SECRET_KEY": "a secret of the tests, long enough for them",
        "STRIPE_SECRET_KEY": STRIPE_KEY,
        "STRIPE_WEBHOOK_SECRET": WEBHOOK_SECRET,
        "STRIPE_API_BASE": stripe_url,
        "CRON_SECRET": "a cron secret of the tests",
    } | POOLER


async def answering(web: httpx.AsyncClient) -> None:
    """Returns once the server answers."""
    for _ in range(200):
        try:
            if (await web.get("/healthz")).status_code == 200:
                return
        except httpx.TransportError:
            pass
        await asyncio.sleep(0.02)
    raise AssertionError("the box office did not start")
