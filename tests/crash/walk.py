"""Many points of a flow, one after the other, in a house of their own."""

from collections.abc import AsyncGenerator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import pairwise
from random import Random

from boxoffice.foundation.db import Database
from stripe_simulator.core import Core
from tests.crash.flows import Flow
from tests.crash.point import Outcome, try_point
from tests.house import House
from tests.programs import APPLICATION
from tests.shop_fixtures import open_house
from tests.simulation.invariants import Observer

PLANTED = "tests.crash.planted:app"
MISSES = 3
"""So often in a row a flow must run through to be over: threads and polls do not come in the same order each time."""


@dataclass
class Place:
    """A house, and its beginning to which every point goes back."""

    house: House
    observer: Observer


@asynccontextmanager
async def open_place(simulator: Core, database_url: str, application: str = APPLICATION) -> AsyncGenerator[Place]:
    """A house on an empty database whose clock may be moved; `application` is what its server loads."""
    db = Database(database_url, size=4)
    observer = await Observer.open(database_url)
    try:
        async with open_house(db, simulator, database_url, application) as house:
            await observer.keep()
            yield Place(house, observer)
            house.from_stripe.set("open")
    finally:
        for connection in observer.connections:
            await connection.close()
        await db.close()


async def walk(
    place: Place, kind: type[Flow], numbers: Iterable[int], show: Callable[[Outcome], None] = lambda _: None
) -> list[Outcome]:
    """Tries the points at these writes, until the flow runs through. Raises NoStrace."""
    outcomes: list[Outcome] = []
    misses = 0
    for number in numbers:
        outcome = await try_point(place.house, place.observer, kind, number)
        show(outcome)
        outcomes.append(outcome)
        misses = 0 if outcome.hit else misses + 1
        if misses == MISSES:
            break
    return outcomes


def sample(kind: type[Flow], how_many: int, seed: int) -> list[int]:
    """Some of a flow's writes, spread over all of it: one of each part, which one the seed decides."""
    random = Random(f"{seed} {kind.name}")
    edges = [1 + kind.about * place // how_many for place in range(how_many + 1)]
    return [random.randrange(first, max(after, first + 1)) for first, after in pairwise(edges)]
