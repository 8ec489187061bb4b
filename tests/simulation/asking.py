"""How actors ask: whom, how often, and when it is their turn again."""

from collections.abc import Awaitable, Callable
from random import Random
from typing import Any

from boxoffice.box import BoxOffice
from boxoffice.foundation.problems import Problem
from tests.simulation.world import EXPECTED, World

WEB = ("web-1", "web-2")
WORKERS = ("worker-1", "worker-2")
TRIES = 6


async def patiently(
    world: World, random: Random, verb: Callable[[BoxOffice], Awaitable[Any]]
) -> Any:  # what the verb answers, or None
    """Presses the button again, with the same key, as long as nobody knows what came of it."""
    for _ in range(TRIES):
        try:
            return await world.ask(random.choice(WEB), verb)
        except EXPECTED as error:
            if isinstance(error, Problem) and error.status != 503:
                return None
        await rest(world, random.randint(1, 8), "tries again")
    return None


async def once(world: World, process: str, verb: Callable[[BoxOffice], Awaitable[Any]]) -> None:
    try:
        await world.ask(process, verb)
    except EXPECTED as error:
        world.trace.result(process, f"{type(error).__name__}")


async def rest(world: World, steps: int, what: str) -> None:
    await world.scheduler.turn(what, rest=steps)


async def passes(world: World, seconds: float) -> None:
    """The clock goes forward."""
    await world.scheduler.outside(f"moves the clock by {seconds:.1f} s", lambda: world.advance(seconds))
