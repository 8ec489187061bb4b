"""How fast the box office is over HTTP, as ratios to a bare handler of the same server and to the database's own rate.

One server process, durable commits, load generator and database on the same two cores. Medians of three rounds.
"""

import asyncio
import os
import statistics
import subprocess
import sys
import time
import urllib.request
from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager
from itertools import count
from typing import Any

import httpx
import msgspec
import psutil

from bench.client import Load, get, load, post
from bench.cluster import own_cluster
from bench.place import measure_place, roomy_night
from boxoffice.cli import serve
from boxoffice.foundation.db import Database
from local_postgres import LocalPostgres
from stripe_simulator.serve import serving
from stripe_simulator.settings import DefaultEndpoint
from stripe_simulator.settings import Settings as SimulatorSettings

SECONDS, ROUNDS, CLIENTS = 3, 3, 64
PORT, BARE_PORT, STRIPE_PORT = 3190, 3191, 3192
SLUG = "kesselhaus-opening"
WEBHOOK_SECRET = "whsec_a_secret_of_the_bench"
STRIPE_URL = f"http://127.0.0.1:{STRIPE_PORT}"
NUMBERS = count()


def environment(database_url: str, sessions_per_second: int) -> dict[str, str]:
    """What the server is told."""
    return os.environ | {
        "DATABASE_URL": database_url,
        "BASE_URL": f"http://127.0.0.1:{PORT}",
        "SECRET_KEY": "a secret of the bench, long enough for it",
        "STRIPE_SECRET_KEY": "sk_test_bench_1234567890",
        "STRIPE_WEBHOOK_SECRET": WEBHOOK_SECRET,
        "STRIPE_API_BASE": STRIPE_URL,
        "STRIPE_SESSIONS_PER_SECOND": str(sessions_per_second),
    }


@contextmanager
def server(command: list[str], port: int, env: dict[str, str], path: str) -> Generator[psutil.Process]:
    """A server process, from the moment it answers to its end."""
    process = subprocess.Popen(command, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 30
        while True:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=2).close()
                break
            except OSError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.02)
        yield psutil.Process(process.pid)
    finally:
        process.terminate()
        process.wait(20)


async def median(measure: Callable[[], Awaitable[Load]]) -> Load:
    """The round in the middle of three."""
    rounds = [await measure() for _ in range(ROUNDS)]
    return sorted(rounds, key=lambda one: one.rate)[ROUNDS // 2]


def said(name: str, result: Load, limit: float, of: str) -> None:
    """One line: rate, slowest hundredth, share of the limit, statuses."""
    print(
        f"{name:34} {result.rate:8.0f}/s  p99 {result.p99_ms():6.1f} ms  {result.rate / limit:6.1%} of {of}  "
        f"{dict(result.statuses)}",
        flush=True,
    )


async def ticket_type() -> str:
    """The id of the night's first ticket type."""
    async with httpx.AsyncClient() as client:
        event = (await client.get(f"http://127.0.0.1:{PORT}/api/v1/events/{SLUG}")).json()
    return event["ticket_types"][0]["id"]


def order_request(type_id: str) -> bytes:
    """An order for one ticket under a key of its own."""
    number = next(NUMBERS)
    body = {"email": f"buyer{number}@example.org", "lines": [{"ticket_type": type_id, "quantity": 1}]}
    key = f"bench-{time.time_ns()}-{number}"
    return post(f"/api/v1/events/{SLUG}/orders", msgspec.json.encode(body), Idempotency_Key=key)


async def purchase(client: httpx.AsyncClient, type_id: str) -> None:
    """One whole purchase: order, payment at the simulator, webhook, tickets."""
    number = next(NUMBERS)
    body: dict[str, Any] = {"email": f"buyer{number}@example.org", "lines": [{"ticket_type": type_id, "quantity": 1}]}
    key = {"Idempotency-Key": f"bench-{time.time_ns()}-{number}"}
    order = (await client.post(f"http://127.0.0.1:{PORT}/api/v1/events/{SLUG}/orders", json=body, headers=key)).json()
    bearer = {"Authorization": f"Bearer {order['access_token']}"}
    shown = order
    while shown["checkout_url"] is None:
        await asyncio.sleep(0.2)
        shown = (await client.get(f"http://127.0.0.1:{PORT}/api/v1/orders/{order['code']}", headers=bearer)).json()
    session = shown["checkout_url"].split("/c/pay/")[1].split("#")[0]
    await client.post(f"{STRIPE_URL}/_control/checkout/sessions/{session}/pay", json={"card": "4242424242424242"})
    while shown["status"] != "paid":
        await asyncio.sleep(0.02)
        shown = (await client.get(f"http://127.0.0.1:{PORT}/api/v1/orders/{order['code']}", headers=bearer)).json()


async def purchases(type_id: str) -> Load:
    """Whole purchases by sixteen buyers at a time."""
    result = Load(SECONDS * 2)
    end = time.perf_counter() + result.seconds

    async def buyer(client: httpx.AsyncClient) -> None:
        while (start := time.perf_counter()) < end:
            await purchase(client, type_id)
            result.waits.append(time.perf_counter() - start)
            result.statuses[200] += 1

    async with httpx.AsyncClient(timeout=30, limits=httpx.Limits(max_connections=64)) as client:
        await asyncio.gather(*(buyer(client) for _ in range(16)))
    return result


async def measure(postgres: LocalPostgres) -> None:
    """Everything, one after the other."""
    url = postgres.url("bench")
    database = Database(url, size=2)
    await roomy_night(database)
    database_rate = await measure_place(database)
    await database.close()
    boxoffice = serve.command("127.0.0.1", PORT, 1)
    bare = [*boxoffice[:-1], "bench.bare:app"]
    bare[bare.index(str(PORT))] = str(BARE_PORT)

    simulator = SimulatorSettings(
        database_url=postgres.url("bench_stripe"),
        base_url=STRIPE_URL,
        default_endpoint=DefaultEndpoint(url=f"http://127.0.0.1:{PORT}/api/webhook", secret=WEBHOOK_SECRET),
    )
    async with serving(simulator, STRIPE_PORT):
        with server(boxoffice, PORT, environment(url, 25), "/readyz") as process:
            held = await _pages_and_holds(bare, database_rate)
            megabytes = sum(one.memory_info().rss for one in (process, *process.children(recursive=True))) / 1e6
            print(f"memory of the server after that: {megabytes:.0f} MB", flush=True)
        await database.open()
        async with database.transaction() as connection:
            await connection.execute("DELETE FROM pace")  # the orders above stand in line for minutes at 25 a second
            await connection.execute("UPDATE payment_attempt SET status = 'expired' WHERE status = 'queued'")
        await database.close()
        with server(boxoffice, PORT, environment(url, 1000), "/readyz"):
            type_id = await ticket_type()
            whole = await median(lambda: purchases(type_id))
            said("whole purchase, Stripe unlimited", whole, held.rate, "order with hold")


async def _pages_and_holds(bare: list[str], database_rate: float) -> Load:
    async with httpx.AsyncClient() as client:
        page = (await client.get(f"http://127.0.0.1:{PORT}/events/{SLUG}")).content
    with server(bare, BARE_PORT, os.environ | {"BARE_BYTES": str(len(page))}, "/"):
        limit = await median(lambda: load(BARE_PORT, lambda: get("/"), clients=CLIENTS, seconds=SECONDS))
    said(f"bare handler, {len(page)} bytes", limit, limit.rate, "itself")
    shown = await median(lambda: load(PORT, lambda: get(f"/events/{SLUG}"), clients=CLIENTS, seconds=SECONDS))
    said("event page", shown, limit.rate, "the bare handler")
    type_id = await ticket_type()
    held = await median(lambda: load(PORT, lambda: order_request(type_id), clients=CLIENTS, seconds=SECONDS))
    said("order with hold", held, limit.rate, "the bare handler")
    said("order with hold", held, database_rate, "the database's own rate")
    return held


def start_figures(postgres: LocalPostgres) -> None:
    """What it costs to begin."""
    env = environment(postgres.url("bench"), 25)
    code = "import time; start = time.process_time(); import boxoffice.asgi; print(time.process_time() - start)"
    base = (
        "import time; start = time.process_time(); import litestar, asyncpg, jinja2; print(time.process_time() - start)"
    )

    def cpu(program: str) -> float:
        runs = [
            subprocess.run([sys.executable, "-c", program], env=env, capture_output=True, check=True) for _ in "12345"
        ]
        return statistics.median(float(run.stdout) for run in runs)

    own, libraries = cpu(code), cpu(base)
    print(f"import boxoffice.asgi: {own:.2f} s of CPU, of which {libraries:.2f} s litestar, asyncpg and jinja2")
    starts: list[float] = []
    for _ in range(ROUNDS):
        begun = time.perf_counter()
        with server(serve.command("127.0.0.1", PORT, 1), PORT, env, "/readyz"):
            starts.append(time.perf_counter() - begun)
    print(f"warm start until /readyz: {statistics.median(starts):.2f} s")


def main() -> None:
    """Runs on a cluster of its own under .local/bench."""
    with own_cluster("bench", "bench", "bench_stripe") as postgres:
        start_figures(postgres)
        asyncio.run(measure(postgres))


if __name__ == "__main__":
    main()
