"""One simulator per worker, reset before every test; its clock stands still until a test moves it."""

import time
from collections.abc import AsyncIterator
from random import Random

import asyncpg
import httpx
import pytest
import stripe

from stripe_simulator.clock import ManualClock
from stripe_simulator.core import Core
from stripe_simulator.serve import serving
from stripe_simulator.settings import Settings
from tests.plain import NO_TLS
from tests.stripe_simulator.receiver import Receiver
from tests.stripe_simulator.seller import KEY, Seller, free_port


async def new_database(postgres_url: str, name: str) -> str:
    """An empty database in the run's cluster."""
    connection = await asyncpg.connect(postgres_url)
    await connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
    await connection.execute(f'CREATE DATABASE "{name}"')
    await connection.close()
    return postgres_url.replace("/postgres?", f"/{name}?")


@pytest.fixture(scope="session")
async def simulator_url(postgres_url: str, worker_id: str) -> str:
    """The database of this worker's simulator."""
    return await new_database(postgres_url, f"stripe_simulator_{worker_id}")


@pytest.fixture(scope="session")
async def running(simulator_url: str) -> AsyncIterator[Core]:
    """This worker's simulator, served over HTTP."""
    port = free_port()
    settings = Settings(database_url=simulator_url, base_url=f"http://127.0.0.1:{port}", delivery_timeout=2.0)
    async with serving(settings, port, clock=ManualClock(time.time()), random=Random(7)) as core:
        yield core


@pytest.fixture(scope="session")
async def receiver() -> AsyncIterator[Receiver]:
    """This worker's webhook."""
    receiver = Receiver()
    server = await receiver.serve()
    yield receiver
    server.close()


@pytest.fixture(scope="session")
async def browser(running: Core) -> AsyncIterator[httpx.AsyncClient]:
    """A client that follows no redirect by itself."""
    async with httpx.AsyncClient(base_url=running.world.settings.base_url, timeout=20, verify=NO_TLS) as client:
        yield client


@pytest.fixture(scope="session")
async def sdk(running: Core) -> AsyncIterator[stripe.StripeClient]:
    """The official client, pointed at this worker's simulator; it tries nothing twice."""
    http_client = stripe.HTTPXClient(allow_sync_methods=True)
    base_url = running.world.settings.base_url
    yield stripe.StripeClient(KEY, base_addresses={"api": base_url}, max_network_retries=0, http_client=http_client)
    http_client.close()
    await http_client.close_async()


@pytest.fixture
async def seller(running: Core, receiver: Receiver, browser: httpx.AsyncClient, sdk: stripe.StripeClient) -> Seller:
    """A seller in front of an empty simulator."""
    await running.reset()
    receiver.forget()
    return Seller(running, running.world.settings.base_url, browser, sdk, receiver)
