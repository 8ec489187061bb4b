"""`python -m tests.simulation --seeds 200 --first 1`: what `make simulate` calls."""

import argparse
import os
import sys
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor, as_completed
from functools import partial
from pathlib import Path

from local_postgres import LocalPostgres
from tests.simulation.planted import PLANTED
from tests.simulation.run import Outcome
from tests.simulation.seeds import make_template, run_seeds

DIRECTORY = Path(__file__).resolve().parent.parent.parent / ".local" / "simulation-postgres"
CLUSTER = {"fsync": "off", "full_page_writes": "off", "autovacuum": "off", "shared_buffers": "64MB"}


def main() -> None:
    """Runs seeds in several processes, says what came of them, ends with 1 when something was found."""
    parser = argparse.ArgumentParser(prog="make simulate", description="Whole sales in worlds that seeds decide.")
    parser.add_argument("--seeds", type=int, default=200)
    parser.add_argument("--first", type=int, default=1)
    parser.add_argument("--processes", type=int, default=min(os.cpu_count() or 1, 8))
    parser.add_argument("--trace", action="store_true", help="print every step")
    parser.add_argument("--twice", action="store_true", help="every seed twice: it must be the same run")
    parser.add_argument("--planted", choices=sorted(PLANTED), help="a bug to put in, until a seed finds it")
    given = parser.parse_args()
    cluster = LocalPostgres(DIRECTORY, CLUSTER)
    cluster.start()
    try:
        make_template(cluster)
        began = time.perf_counter()
        outcomes = _run(cluster, given)
        found = _report(outcomes, time.perf_counter() - began)
    finally:
        cluster.stop(immediate=True)
    sys.exit(1 if found else 0)


def _run(cluster: LocalPostgres, given: argparse.Namespace) -> list[Outcome]:
    seeds = range(given.first, given.first + given.seeds)
    parts = min(given.processes, len(seeds))
    how = {"planted": given.planted, "twice": given.twice}
    if given.trace or parts == 1:
        return run_seeds(
            cluster, "simulation_0", seeds, show=partial(print, flush=True) if given.trace else None, **how
        )
    with ProcessPoolExecutor(parts) as pool:
        jobs = [pool.submit(_share, number, seeds[number::parts], **how) for number in range(parts)]
        outcomes = [outcome for job in as_completed(jobs) for outcome in job.result()]
    return sorted(outcomes, key=lambda outcome: outcome.seed)


def _share(number: int, seeds: range, **how: bool | str | None) -> list[Outcome]:
    return run_seeds(LocalPostgres(DIRECTORY), f"simulation_{number}", seeds, **how)  # type: ignore[arg-type]


def _report(outcomes: list[Outcome], seconds: float) -> int:
    found = [outcome for outcome in outcomes if outcome.findings]
    for outcome in found:
        print(f"seed {outcome.seed} (make simulate SEEDS=1 FIRST_SEED={outcome.seed} TRACE=1):")
        for finding in outcome.findings:
            print(f"  {finding}")
    ends: Counter[str] = Counter()
    for outcome in outcomes:
        ends.update(outcome.ends)
    steps = sum(outcome.steps for outcome in outcomes)
    parked = sum(outcome.parked for outcome in outcomes)
    print(f"{len(outcomes)} seeds, {steps} steps, {parked} waits for a lock, {seconds:.0f} s; orders: {dict(ends)}")
    print(f"{len(found)} seeds found something")
    return len(found)


if __name__ == "__main__":
    main()
