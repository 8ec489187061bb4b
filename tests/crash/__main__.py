"""`python -m tests.crash`: what `make crash` calls."""

import argparse
import asyncio
import os
import sys
import time
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor, as_completed
from itertools import count
from pathlib import Path

from local_postgres import LocalPostgres
from tests.crash import strace
from tests.crash.flows import FLOWS, Flow
from tests.crash.point import Outcome
from tests.crash.walk import PLANTED, open_place, sample, walk
from tests.programs import APPLICATION
from tests.shop_fixtures import open_simulator
from tests.simulation.seeds import TEMPLATE, make_template

DIRECTORY = Path(__file__).resolve().parent.parent.parent / ".local" / "crash-postgres"
LOGS = DIRECTORY.parent / "crash-"
"""What the programs of each flow say."""
SAID_EVERY = 25
CLUSTER = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


def main() -> None:
    """Kills every flow at every write, says what came of it; ends with 1 when something was wrong."""
    given = _parser().parse_args()
    try:
        asyncio.run(strace.try_it())
    except strace.NoStrace as problem:
        sys.exit(str(problem))
    cluster = LocalPostgres(DIRECTORY, CLUSTER)
    cluster.start()
    try:
        make_template(cluster)
        began = time.perf_counter()
        outcomes = _run(given)
        wrong = _report(outcomes, time.perf_counter() - began)
    finally:
        cluster.stop(immediate=True)
    sys.exit(1 if wrong else 0)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="make crash", description="Kills programs at each of their writes.")
    parser.add_argument("--flow", action="append", choices=[kind.name for kind in FLOWS], help="only this one")
    parser.add_argument("--number", type=int, help="only this write, with what the programs say")
    parser.add_argument("--sample", type=int, help="only so many writes of each flow")
    parser.add_argument("--seed", type=int, default=1, help="which of them")
    parser.add_argument("--planted", action="store_true", help="put in a bug, which webhooks must show")
    parser.add_argument("--processes", type=int, default=min(os.cpu_count() or 1, 4))
    return parser


def _run(given: argparse.Namespace) -> list[Outcome]:
    kinds = [kind for kind in FLOWS if given.flow is None or kind.name in given.flow]
    kinds.sort(key=lambda kind: -kind.about)  # the longest first, so that none is left over in the end
    with ProcessPoolExecutor(given.processes) as pool:
        walks = [pool.submit(_walk, FLOWS.index(kind), given) for kind in kinds]
        return [outcome for one in as_completed(walks) for outcome in one.result()]


def _walk(place: int, given: argparse.Namespace) -> list[Outcome]:
    kind = FLOWS[place]
    if given.number is None:
        with Path(f"{LOGS}{place}.log").open("w") as log:
            os.dup2(log.fileno(), sys.stderr.fileno())
    numbers: Iterable[int] = count(1)
    if given.number is not None:
        numbers = [given.number]
    elif given.sample is not None:
        numbers = sample(kind, given.sample, given.seed)
    return asyncio.run(_walk_in_a_house(kind, f"crash_{place}", numbers, PLANTED if given.planted else APPLICATION))


async def _walk_in_a_house(kind: type[Flow], database: str, numbers: Iterable[int], application: str) -> list[Outcome]:
    cluster = LocalPostgres(DIRECTORY)
    cluster.drop_database(database)
    cluster.create_database(database, TEMPLATE)
    began = time.perf_counter()
    async with (
        open_simulator(cluster.url(), f"{database}_stripe") as simulator,
        open_place(simulator, cluster.url(database), application) as place,
    ):
        outcomes = await walk(place, kind, numbers, _show)
    hit = [one for one in outcomes if one.hit]
    survived = sum(not one.wrong for one in hit)
    minutes = (time.perf_counter() - began) / 60
    print(f"{kind.name:20}{len(hit):4} points tried, {survived:4} survived, {minutes:5.1f} min", flush=True)
    return outcomes


def _show(outcome: Outcome) -> None:
    for one in outcome.wrong:
        print(f"{outcome.flow}, write {outcome.number}: {one}", flush=True)
    if outcome.number % SAID_EVERY == 0:
        print(f"  {outcome.flow}: at write {outcome.number}", flush=True)


def _report(outcomes: list[Outcome], seconds: float) -> int:
    hit = [outcome for outcome in outcomes if outcome.hit]
    wrong = [outcome for outcome in outcomes if outcome.wrong]
    print(f"{len(hit)} points tried, {len(wrong)} wrong, {seconds / 60:.0f} min; what the programs said: {LOGS}*.log")
    for outcome in wrong:
        print(f'  make crash FLOW="{outcome.flow}" NUMBER={outcome.number}: {outcome.wrong[0]}')
    return len(wrong)


if __name__ == "__main__":
    main()
