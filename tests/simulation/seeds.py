"""Many seeds, each in a world of its own, on two databases that are made for them."""

import asyncio
from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager
from itertools import zip_longest
from typing import TypeVar

from boxoffice.cli import migrate
from local_postgres import LocalPostgres
from tests.simulation.loop import SimulationLoop
from tests.simulation.planted import PLANTED
from tests.simulation.run import Outcome, run_seed
from tests.simulation.world import World

Result = TypeVar("Result")

TEMPLATE = "simulation_template"
DATABASE_SETTINGS = {
    "deadlock_timeout": "1min",  # the scheduler sees circles itself; a detector at work must not be stopped
    "plan_cache_mode": "force_generic_plan",  # a plan must not depend on the seeds that came before
    "synchronous_commit": "off",
    "jit": "off",  # where there is one, it compiles what is asked after every commit anew each time
}


def make_template(cluster: LocalPostgres) -> None:
    """A migrated database whose clock may be moved."""
    cluster.drop_database(TEMPLATE)
    cluster.create_database(TEMPLATE)
    migrate.run(cluster.url(TEMPLATE))
    cluster.psql("INSERT INTO database_mark VALUES ('test')", TEMPLATE)


def run_seeds(
    cluster: LocalPostgres,
    name: str,
    seeds: range,
    *,
    template: str = TEMPLATE,
    planted: str | None = None,
    show: Callable[[str], None] | None = None,
    twice: bool = False,
) -> list[Outcome]:
    """Runs seeds one after the other, each twice if it must be the same; with a planted bug until one finds it."""

    async def work(world: World) -> list[Outcome]:
        outcomes: list[Outcome] = []
        for seed in seeds:
            outcome = await run_seed(world, seed, show)
            outcomes.append(outcome)
            if twice:
                _compare(outcome, await run_seed(world, seed))
            if planted and outcome.findings:
                break
        return outcomes

    with databases(cluster, name, template):
        if planted is None:
            return in_a_world(cluster, name, work)
        bug = PLANTED[planted]
        for statement in bug.sql:
            cluster.psql(statement, name)
        with bug.in_place():
            return in_a_world(cluster, name, work)


@contextmanager
def databases(cluster: LocalPostgres, name: str, template: str = TEMPLATE) -> Generator[None]:
    """A world's two databases, `name` and `name_stripe`, while the block runs."""
    for one, source in ((name, template), (f"{name}_stripe", "template0")):
        cluster.drop_database(one)
        cluster.create_database(one, source)
        for setting, value in DATABASE_SETTINGS.items():
            cluster.psql(f"ALTER DATABASE {one} SET {setting} = '{value}'")
    try:
        yield
    finally:
        for one in (name, f"{name}_stripe"):
            cluster.drop_database(one)


def in_a_world(cluster: LocalPostgres, name: str, work: Callable[[World], Awaitable[Result]]) -> Result:
    """What `work(world)` gives, on a loop of the simulation's."""

    async def inside() -> Result:
        world = await World.open(cluster.url(name), cluster.url(f"{name}_stripe"))
        try:
            return await work(world)
        finally:
            await world.close()

    with asyncio.Runner(loop_factory=SimulationLoop) as runner:
        return runner.run(inside())


def _compare(first: Outcome, second: Outcome) -> None:
    if first.digest != second.digest:
        pairs = enumerate(zip_longest(first.lines, second.lines))
        line, (one, other) = next((number, pair) for number, pair in pairs if pair[0] != pair[1])
        before = "\n    ".join(first.lines[max(0, line - 6) : line])
        first.findings.append(f"not the same run twice:\n    {before}\n  first  {one}\n  second {other}")
