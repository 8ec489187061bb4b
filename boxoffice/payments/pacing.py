"""Session creations in turn: at most so many a second, across every process, first come first served."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from boxoffice.foundation.batcher import Batcher
from boxoffice.foundation.db import LOST, Database, Query


@dataclass(frozen=True, slots=True)
class Turn:
    """When a call may be made, and how long that is from now."""

    at: datetime
    wait_seconds: float


@dataclass(frozen=True, slots=True)
class _Reserved:
    first_at: datetime
    moment: datetime


RESERVE = Query(
    _Reserved,
    """
INSERT INTO pace AS line (name, next_at) VALUES ($1, clock() + $2::interval)
ON CONFLICT (name) DO UPDATE SET next_at = greatest(line.next_at, clock()) + $2::interval
RETURNING next_at - $2::interval AS first_at, clock() AS moment
""",
)


class Pace:
    """The line for one kind of call. Turns asked for at the same moment are reserved by one statement."""

    def __init__(self, db: Database, name: str, per_second: int) -> None:
        self._db = db
        self._name = name
        self._interval = timedelta(seconds=1) / per_second
        self._batcher: Batcher[None, Turn] = Batcher(self._reserve, fails_whole=LOST)

    async def turn(self) -> Turn:
        """The next free turn; it is this caller's, used or not."""
        return await self._batcher.submit(None)

    async def _reserve(self, callers: list[None]) -> list[Turn]:
        async with self._db.transaction() as connection:
            reserved = await RESERVE.first(connection, self._name, self._interval * len(callers))
        assert reserved is not None
        turns = [reserved.first_at + self._interval * place for place in range(len(callers))]
        return [Turn(at, max(0.0, (at - reserved.moment) / timedelta(seconds=1))) for at in turns]
