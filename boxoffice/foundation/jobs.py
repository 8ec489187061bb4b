"""Work to do after a commit: written in the caller's transaction, claimed with SKIP LOCKED, repeated until done."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import msgspec

from boxoffice.foundation.db import Command, Connection, Query
from boxoffice.foundation.ids import new_id

LEASE = timedelta(minutes=2)
GIVE_UP_AFTER = timedelta(hours=72)
BACK_OFF_MAX = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Job:
    """A claimed job; `tries` counts this one and tells a worker that lost its lease that it has."""

    id: UUID
    name: str
    subject: str
    arguments: str
    tries: int

    def argument(self, name: str) -> str:
        """One of the strings that it was enqueued with."""
        return msgspec.json.decode(self.arguments, type=dict[str, str])[name]


ENQUEUE = Command("""
INSERT INTO job (id, name, subject, arguments, run_at, created_at)
VALUES ($1, $2, $3, $4, clock() + $5::interval, clock()) ON CONFLICT (name, subject) DO NOTHING
""")

CLAIM = Query(
    Job,
    """
UPDATE job SET tries = tries + 1, run_at = clock() + $2::interval
WHERE id IN (SELECT id FROM job WHERE done_at IS NULL AND parked_at IS NULL AND run_at <= clock()
  ORDER BY run_at LIMIT $1 FOR UPDATE SKIP LOCKED)
RETURNING id, name, subject, arguments, tries
""",
)

CLAIM_ONE = Query(
    Job,
    """
UPDATE job SET tries = tries + 1, run_at = clock() + $3::interval
WHERE name = $1 AND subject = $2 AND done_at IS NULL AND parked_at IS NULL AND run_at <= clock()
RETURNING id, name, subject, arguments, tries
""",
)

DONE = Command("UPDATE job SET done_at = clock(), problem = NULL WHERE id = $1 AND tries = $2 AND done_at IS NULL")

FAILED = Command("""
UPDATE job SET problem = $3, run_at = clock() + $4::interval,
  parked_at = CASE WHEN $5 OR created_at < clock() - $6::interval THEN clock() END
WHERE id = $1 AND tries = $2 AND done_at IS NULL
""")


async def enqueue(
    connection: Connection, name: str, subject: str, arguments: Mapping[str, str], delay: timedelta = timedelta(0)
) -> None:
    """Asks for `name` to be done for `subject` once this transaction is committed; a second asking changes nothing."""
    await ENQUEUE.run(connection, new_id(), name, subject, msgspec.json.encode(arguments).decode(), delay)


async def claim(connection: Connection, limit: int) -> list[Job]:
    """At most `limit` due jobs, each for this caller alone during two minutes."""
    return await CLAIM.all(connection, limit, LEASE)


async def claim_one(connection: Connection, name: str, subject: str) -> Job | None:
    """This job, for this caller alone during two minutes; None when it is not due, or somebody else's."""
    return await CLAIM_ONE.first(connection, name, subject, LEASE)


async def done(connection: Connection, job: Job) -> bool:
    """Whether the job was still this caller's to finish."""
    return await DONE.run(connection, job.id, job.tries) == 1


async def failed(connection: Connection, job: Job, problem: str, *, for_good: bool = False) -> None:
    """Tries it again after 10 s, 20 s, 40 s, ... at most an hour; parks it after 72 hours, or at once `for_good`."""
    back_off = min(BACK_OFF_MAX, timedelta(seconds=5 * 2 ** min(job.tries, 12)))
    await FAILED.run(connection, job.id, job.tries, problem[:500], back_off, for_good, GIVE_UP_AFTER)
