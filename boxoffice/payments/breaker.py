"""Whether calls to Stripe are worth making, known to all processes by one row.

After failures in a row no call is made for a while; then one is, and its outcome decides for all. One row rather than
a memory in each process: a serverless process sees too few calls to learn anything, and a waiting buyer's poll may
come to any of them. The row is read once a second, and never written while all is well.
"""

import asyncio
from datetime import timedelta

import msgspec

from boxoffice.foundation import logs
from boxoffice.foundation.db import LOST, Command, Database, Query

FAILURES_MAX = 5
IN_A_ROW_WITHIN = timedelta(seconds=30)
"""Failures farther apart are each their own bad luck."""
PAUSE_MIN, PAUSE_MAX = timedelta(seconds=5), timedelta(seconds=30)
"""Between two trials: half as long as the outage has lasted, within these."""
TRIAL = timedelta(seconds=15)
"""Longer than any call: whoever tries has the row to itself."""
RECENTLY = timedelta(minutes=5)
BELIEVED_SECONDS = 1.0


class State(msgspec.Struct, frozen=True):
    """`wait_seconds` until a call may be tried, 0 when one may be made now; `recently_back`: an outage ended within the
    last five minutes."""

    failures: int
    is_open: bool
    wait_seconds: float
    away_seconds: float
    recently_back: bool


WELL = State(0, False, 0.0, 0.0, False)

STATE = Query(
    State,
    """
SELECT failures, opened_at IS NOT NULL AS is_open,
  greatest(0, extract(epoch FROM coalesce(open_until - clock(), interval '0')))::float8 AS wait_seconds,
  extract(epoch FROM coalesce(clock() - opened_at, interval '0'))::float8 AS away_seconds,
  coalesce(closed_at > clock() - $2::interval, false) AS recently_back
FROM breaker WHERE name = $1
""",
)
FAILED = Query(
    bool,
    """
INSERT INTO breaker AS known (name, failures, failed_at, problem) VALUES ($1, 1, clock(), $2)
ON CONFLICT (name) DO UPDATE SET problem = excluded.problem, failed_at = clock(),
  failures = CASE WHEN known.failed_at > clock() - $3::interval THEN known.failures + 1 ELSE 1 END,
  opened_at = coalesce(known.opened_at,
    CASE WHEN known.failed_at > clock() - $3 AND known.failures + 1 >= $4 THEN clock() END),
  open_until = CASE WHEN known.opened_at IS NOT NULL
      THEN clock() + greatest($5::interval, least($6::interval, (clock() - known.opened_at) / 2))
    WHEN known.failed_at > clock() - $3 AND known.failures + 1 >= $4 THEN clock() + $5 END
RETURNING opened_at IS NOT NULL
""",
)
TRY = Query(
    int,
    """
UPDATE breaker SET open_until = clock() + $2::interval
WHERE name = $1 AND opened_at IS NOT NULL AND open_until <= clock() RETURNING 1
""",
)
ANSWERED = Command("""
UPDATE breaker SET failures = 0, open_until = NULL, opened_at = NULL, problem = NULL,
  closed_at = CASE WHEN opened_at IS NULL THEN closed_at ELSE clock() END
WHERE name = $1 AND (failures > 0 OR opened_at IS NOT NULL)
""")


class Breaker:
    """One service's; what was seen is believed for `believed_seconds`, 0 for runs that must repeat exactly.

    Its own database being away is no news about the service: nothing is raised for that.
    """

    def __init__(self, db: Database, name: str = "stripe", believed_seconds: float = BELIEVED_SECONDS) -> None:
        self._db = db
        self._name = name
        self._believed_seconds = believed_seconds
        self._state = WELL
        self._believed_until = 0.0

    @property
    def seems_open(self) -> bool:
        """As this process saw it last, without asking."""
        return self._state.is_open

    async def state(self) -> State:
        """How it stands; it may be a second old."""
        loop = asyncio.get_running_loop()
        if loop.time() >= self._believed_until:
            try:
                async with self._db.transaction() as connection:
                    self._state = await STATE.first(connection, self._name, RECENTLY) or WELL
            except LOST:
                return self._state
            self._believed_until = loop.time() + self._believed_seconds
        return self._state

    async def away(self) -> float:
        """Seconds until a call is worth trying; 0 when one is now."""
        state = await self.state()
        return state.wait_seconds if state.is_open else 0.0

    async def may_call(self) -> bool:
        """Whether this caller may make a call now. When the service was away it may be the one that tries."""
        if not (await self.state()).is_open:
            return True
        async with self._db.transaction() as connection:
            return await TRY.first(connection, self._name, TRIAL) is not None

    async def failed(self, problem: str) -> None:
        """No answer came, or one that says it does not work."""
        try:
            async with self._db.transaction() as connection:
                is_open = await FAILED.first(
                    connection, self._name, problem[:500], IN_A_ROW_WITHIN, FAILURES_MAX, PAUSE_MIN, PAUSE_MAX
                )
        except LOST:
            return
        if is_open and not self._state.is_open:
            logs.error("Stripe is away: buying waits", because=problem[:200])
        self._believed_until = 0.0

    async def answered(self) -> None:
        """It answered. Written only when it was not so before."""
        if not self._state.failures and not self._state.is_open:
            return
        try:
            async with self._db.transaction() as connection:
                if await ANSWERED.run(connection, self._name) and self._state.is_open:
                    logs.warning("Stripe is back")
        except LOST:
            return
        self._state, self._believed_until = WELL, 0.0
