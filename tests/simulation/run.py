"""One seed: the sale, then the healing."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random

from tests.simulation.actors import cast_of, healer
from tests.simulation.invariants import check, check_the_end
from tests.simulation.scheduler import Stuck
from tests.simulation.world import Finding, World

STEPS_MAX = 20_000
PATIENCE = 0.98
"""How often somebody goes on rather than the next time-out strikes: calls to Stripe have one of ten seconds."""


@dataclass
class Outcome:
    """What came of a seed. `findings` is empty when all is well."""

    seed: int
    digest: str
    steps: int
    parked: int
    seconds: float
    ends: dict[str, int]
    findings: list[str] = field(default_factory=list[str])
    lines: list[str] = field(default_factory=list[str])


async def run_seed(world: World, seed: int, show: Callable[[str], None] | None = None) -> Outcome:
    """One whole run: the sale, then the healing."""
    began = time.perf_counter()
    await world.begin(seed, show)
    if show is not None:
        show(f"seed {seed}: {world.chances}")
    findings: list[str] = []
    with world.in_charge(seed):
        actors = [world.scheduler.spawn(name, actor) for name, actor in cast_of(world).items()]
        try:
            await until_done(world, actors)
            actors = [world.scheduler.spawn("healer", healer(world, Random(f"healer {seed}")))]
            await until_done(world, actors)
            findings = await check_the_end(world)
        except (Finding, Stuck) as error:
            findings = str(error).splitlines()
        finally:
            await clear(world, actors)
    ends = {row["status"]: row["n"] for row in await world.observer.rows(ENDS)}
    scheduler, trace = world.scheduler, world.trace
    seconds = time.perf_counter() - began
    return Outcome(seed, trace.digest(), scheduler.steps, scheduler.parked, seconds, ends, findings, trace.lines)


ENDS = "SELECT status, count(*)::integer AS n FROM orders GROUP BY 1 ORDER BY 1"


async def until_done(world: World, actors: list[asyncio.Task[None]], *, every_commit: bool = True) -> None:
    """Lets them take their steps until all have ended, and looks at the books after every commit, or in the end.

    Raises Finding, Stuck, and what the actors raise themselves.
    """
    scheduler, loop = world.scheduler, world.loop
    steps_max = scheduler.steps + STEPS_MAX
    while True:
        moved = False
        timer = loop.next_timer()
        if timer is None or world.healing or scheduler.random.random() < PATIENCE:
            moved = await scheduler.step()
        done = all(actor.done() for actor in actors)
        found = await check(world) if every_commit or done else None
        if found:
            raise Finding("\n".join(found))
        if done:
            break
        if moved:
            if scheduler.steps > steps_max:
                raise Stuck(f"it goes on and on: {STEPS_MAX} steps")
            continue
        timer = loop.next_timer()
        if timer is None:
            await scheduler.settle()
            if not scheduler.waiting:
                raise Stuck(f"nobody can go on; for a lock wait {[flight.who for flight in scheduler.flights]}")
        else:
            world.trace.step("time", f"passes by {timer - loop.moment:.3f} s")
            await world.advance(max(0.0, timer - loop.moment))
    for actor in actors:
        actor.result()


async def clear(world: World, actors: list[asyncio.Task[None]]) -> None:
    """Ends what still runs, so that the next seed begins with nothing."""
    scheduler = world.scheduler
    for process in list(scheduler.tasks):
        scheduler.crash(process)
    while any(scheduler.tasks.values()):
        await scheduler.settle()
        for process in list(scheduler.tasks):
            scheduler.crash(process)
    await asyncio.gather(*actors, return_exceptions=True)
