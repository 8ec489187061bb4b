"""Turns before Stripe: spaced across processes, none given twice."""

import asyncio
from datetime import timedelta
from itertools import pairwise

from boxoffice.foundation.db import Database
from boxoffice.payments.pacing import Pace
from tests.pgbouncer import POOLED


async def test_turns_of_two_processes_are_spaced_by_the_limit(db: Database, database_url: str) -> None:
    other = Database(database_url, size=2, pooled=POOLED)
    paces = [Pace(db, "calls", 25), Pace(other, "calls", 25)]
    turns = await asyncio.gather(*(paces[number % 2].turn() for number in range(50)))
    await other.close()
    moments = sorted(turn.at for turn in turns)
    gaps = [after - before for before, after in pairwise(moments)]
    assert min(gaps) >= timedelta(milliseconds=40)
    assert max(turn.wait_seconds for turn in turns) >= 1.5


async def test_a_quiet_line_gives_a_turn_at_once(db: Database) -> None:
    turn = await Pace(db, "calls", 25).turn()
    assert turn.wait_seconds == 0
