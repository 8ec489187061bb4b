"""Calls to Stripe in turn: at most so many a second, across every process, first come first served."""

from datetime import datetime, timedelta

import msgspec

from boxoffice.foundation import logs
from boxoffice.foundation.batcher import Batcher
from boxoffice.foundation.db import LOST, Command, Database, Query, as_seconds

CROWDED = "Very many payments begin right now. Nothing was taken; try again in a few seconds."
PAUSES_MAX = 5
"""The longest pause is 2 to the power of this in seconds."""


class Turn(msgspec.Struct, frozen=True):
    """When a call may be made, and how long that is from now."""

    at: datetime
    wait_seconds: float


class _Reserved(msgspec.Struct, frozen=True):
    first_at: datetime
    moment: datetime


RESERVE = Query(_Reserved, "SELECT take_turns($1, $2, $3, $4) AS first_at, clock() AS moment")
# Of many refused at the same moment the first one pauses the line; the others find it paused.
PAUSE = Command("""
INSERT INTO pace AS line (name, next_at, paused_until, pauses)
VALUES ($1, clock() + interval '1 second', clock() + interval '1 second', 1)
ON CONFLICT (name) DO UPDATE SET
  pauses = CASE WHEN line.paused_until > clock() - interval '1 minute' THEN least(line.pauses + 1, $2 + 1) ELSE 1 END,
  paused_until = clock() + interval '1 second' * power(2,
    CASE WHEN line.paused_until > clock() - interval '1 minute' THEN least(line.pauses, $2) ELSE 0 END),
  next_at = greatest(line.next_at, clock()) + interval '1 second' * power(2,
    CASE WHEN line.paused_until > clock() - interval '1 minute' THEN least(line.pauses, $2) ELSE 0 END)
WHERE line.paused_until IS NULL OR line.paused_until <= clock()
""")
PAUSED = Query(as_seconds, "SELECT paused_until - clock() FROM pace WHERE name = $1 AND paused_until > clock()")


class Pace:
    """The line for one kind of call, behind the line `after` if one is named. Turns asked for at the same moment are
    reserved by one statement; the batch that places orders takes theirs itself."""

    def __init__(self, db: Database, name: str, per_second: int, after: str | None = None) -> None:
        self._db = db
        self.name = name
        self._after = after
        self.per_second = per_second
        self.interval = timedelta(seconds=1) / per_second
        self._batcher: Batcher[None, Turn] = Batcher(self._reserve, crowded=CROWDED, fails_whole=LOST)

    async def turn(self) -> Turn:
        """The next free turn; it is this caller's, used or not."""
        return await self._batcher.submit(None)

    async def pause(self) -> None:
        """Stripe said that we are too fast: every process waits 1 s, and 2 s, 4 s, ... when it says so again and
        again."""
        async with self._db.transaction() as connection:
            if await PAUSE.run(connection, self.name, PAUSES_MAX):
                logs.warning("Stripe finds us too fast: the line pauses", line=self.name)

    async def paused_seconds(self) -> float:
        """How long the line stands still from now; turns that were given before count for nothing until then."""
        async with self._db.transaction() as connection:
            return await PAUSED.first(connection, self.name) or 0.0

    async def _reserve(self, callers: list[None]) -> list[Turn]:
        async with self._db.transaction() as connection:
            reserved = await RESERVE.first(connection, self.name, self.interval, len(callers), self._after)
        assert reserved is not None
        turns = [reserved.first_at + self.interval * place for place in range(len(callers))]
        return [Turn(at, max(0.0, (at - reserved.moment) / timedelta(seconds=1))) for at in turns]
