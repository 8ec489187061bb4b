"""`python -m tests.soak --minutes 5 --seed 1 --buyers 20`: what `make soak` calls."""

import argparse
import asyncio
import statistics
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from random import Random, SystemRandom
from typing import Any

from boxoffice.cli import migrate
from local_postgres import LocalPostgres
from stripe_simulator.clock import SystemClock
from stripe_simulator.serve import serving
from stripe_simulator.settings import Settings as SimulatorSettings
from tests.conftest import FAST, ROOT
from tests.soak.buyers import Buyer
from tests.soak.ending import ends, findings, heal
from tests.soak.place import open_place
from tests.soak.record import Record
from tests.soak.trouble import Trouble
from tests.stripe_simulator.seller import free_port

LOCAL = ROOT / ".local"
SAID_EVERY_SECONDS = 15
SHOWN_MAX = 40


def main() -> None:
    """Ends with 1 when something was found."""
    parser = argparse.ArgumentParser(prog="make soak", description="People buy while everything fails.")
    parser.add_argument("--minutes", type=float, default=5)
    parser.add_argument("--seed", type=int, default=SystemRandom().randrange(1_000_000))
    parser.add_argument("--buyers", type=int, default=20)
    given = parser.parse_args()
    again = f"make soak SEED={given.seed} MINUTES={given.minutes:g} BUYERS={given.buyers}"
    print(again, flush=True)
    with _cluster("soak-postgres", "soak", {}) as ours, _cluster("soak-stripe-postgres", "soak_stripe", FAST) as theirs:
        migrate.run(ours.url("soak"))
        ours.psql("INSERT INTO database_mark VALUES ('test')", "soak")
        wrong = asyncio.run(_soak(ours, theirs, given))
    for one in wrong[:SHOWN_MAX]:
        print(f"WRONG {one}")
    print(f"{len(wrong)} findings ({again})")
    sys.exit(1 if wrong else 0)


@contextmanager
def _cluster(folder: str, database: str, settings: dict[str, str]) -> Generator[LocalPostgres]:
    """A cluster with an empty database."""
    postgres = LocalPostgres(LOCAL / folder, settings)
    postgres.start()
    try:
        postgres.drop_database(database)
        postgres.create_database(database)
        yield postgres
    finally:
        postgres.stop(immediate=True)


async def _soak(ours: LocalPostgres, theirs: LocalPostgres, given: argparse.Namespace) -> list[str]:
    port = free_port()
    settings = SimulatorSettings(database_url=theirs.url("soak_stripe"), base_url=f"http://127.0.0.1:{port}")
    record = Record()
    async with (
        serving(settings, port, clock=SystemClock(), random=Random(given.seed)) as simulator,
        open_place(ours, simulator, ours.url("soak")) as place,
    ):
        trouble = Trouble(place, record, given.seed)
        stop, calm = asyncio.Event(), asyncio.Event()
        troubles = asyncio.gather(trouble.of_machines(calm), trouble.of_stripe(calm))
        buyers = asyncio.gather(
            *(Buyer(number, place, record, given.seed).buy_until(stop) for number in range(given.buyers))
        )
        await _last(given.minutes * 60, record, buyers, troubles)
        calm.set()
        await troubles
        await place.house.shop.stripe.delete("/_control/faults")
        stop.set()
        try:
            await buyers
        except TimeoutError:
            record.wrong.append("a buyer was not served after all trouble was over")
        began = time.monotonic()
        await heal(place)
        print(f"healed in {time.monotonic() - began:.0f} s of moved clocks", flush=True)
        wrong = await findings(place, record)
        _tell(record, trouble, await ends(place))
    return wrong


async def _last(seconds: float, record: Record, *running: "asyncio.Future[Any]") -> None:
    """Waits, and says how far it is; what fails by itself ends it."""
    began = time.monotonic()
    while (left := began + seconds - time.monotonic()) > 0:
        done, _ = await asyncio.wait(running, timeout=min(left, SAID_EVERY_SECONDS), return_when="FIRST_EXCEPTION")
        for one in done:
            one.result()
        orders, paid, back = len(record.orders), len(record.paid), len(record.refunds)
        print(f"{time.monotonic() - began:5.0f} s  {orders} orders, {paid} paid, {back} refunds", flush=True)


def _tell(record: Record, trouble: Trouble, ended: dict[str, int]) -> None:
    print(f"acknowledged: {len(record.orders)} orders, {len(record.charged)} charged by Stripe,", end=" ")
    print(f"{len(record.paid)} called paid, {len(record.refunds)} refunds decided")
    print(f"answers: {dict(sorted(record.answers.items()))}")
    print(f"orders ended: {ended}")
    print(f"trouble: {dict(trouble.happened.most_common())}")
    if times := sorted(record.recovered_seconds):
        middle = statistics.median(times)
        print(
            f"first order after PostgreSQL is back, {len(times)} times: median {middle:.1f} s, most {times[-1]:.1f} s"
        )


if __name__ == "__main__":
    main()
