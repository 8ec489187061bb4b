"""Work to do after a commit: written in the caller's transaction, claimed with SKIP LOCKED, repeated until done.

A job that can never be done is parked, where `boxoffice doctor` and `boxoffice jobs` show it, and the others go on.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from boxoffice.foundation.db import Command, Connection, Query, as_id
from boxoffice.foundation.ids import new_id

LEASE = timedelta(seconds=45)
"""How long a claim is its caller's alone. Work that a killed worker left is taken up again within a minute."""
GIVE_UP_AFTER = timedelta(hours=72)
BACK_OFF = timedelta(seconds=10)
BACK_OFF_MAX = timedelta(hours=1)
OUR_FAULTS_MAX = 10
"""So often a job may fail by a mistake of ours, which waiting does not mend: ten tries take an hour and a half."""
UNREPORTED_MAX = 5
"""So many workers in a row may end or stall at a job and not say how it went."""


class Job(msgspec.Struct, frozen=True):
    """A claimed job; `tries` counts this one and tells a worker that lost its lease that it has. `turn_at`: its turn at
    Stripe, when it was given one."""

    id: UUID
    name: str
    subject: str
    arguments: str
    tries: int
    turn_at: datetime | None

    def argument(self, name: str) -> str:
        """One of the strings that it was enqueued with."""
        return self._arguments()[name]

    def says(self, name: str, value: str) -> bool:
        """Whether it was enqueued with this; one of an earlier version may not know of `name`."""
        return self._arguments().get(name) == value

    def _arguments(self) -> dict[str, str]:
        return msgspec.json.decode(self.arguments, type=dict[str, str])


class Undone(msgspec.Struct, frozen=True):
    """A job that is not done; `parked_at` when it was given up, else it is due at `run_at`."""

    id: UUID
    name: str
    subject: str
    tries: int
    created_at: datetime
    run_at: datetime
    parked_at: datetime | None
    problem: str | None


ENQUEUE = Command("""
INSERT INTO job (id, name, subject, arguments, run_at, created_at)
SELECT row.id, $2, row.subject, row.arguments, clock() + $5::interval, clock()
FROM unnest($1::uuid[], $3::text[], $4::text[]) AS row (id, subject, arguments) ON CONFLICT (name, subject) DO NOTHING
""")

CLAIM = Query(
    Job,
    """
UPDATE job SET tries = tries + 1, unreported = unreported + 1, run_at = clock() + $2::interval
WHERE id IN (SELECT id FROM job WHERE done_at IS NULL AND parked_at IS NULL AND run_at <= clock() AND unreported = 0
  ORDER BY run_at LIMIT $1 FOR UPDATE SKIP LOCKED)
RETURNING id, name, subject, arguments, tries, turn_at
""",
)
# Whatever ended a worker may end the next one: such a job runs alone, or its innocent neighbours would be parked too.
CLAIM_SUSPECT = Query(
    Job,
    """
UPDATE job SET tries = tries + 1, unreported = unreported + 1, run_at = clock() + $1::interval
WHERE id = (SELECT id FROM job WHERE done_at IS NULL AND parked_at IS NULL AND run_at <= clock() AND unreported > 0
    AND unreported < $2
  ORDER BY run_at LIMIT 1 FOR UPDATE SKIP LOCKED)
RETURNING id, name, subject, arguments, tries, turn_at
""",
)
PARK_SUSPECTS = Command("""
UPDATE job SET parked_at = clock(), problem = 'The worker ended or stalled each time that it was at this.'
WHERE done_at IS NULL AND parked_at IS NULL AND run_at <= clock() AND unreported >= $1
""")

CLAIM_ONE = Query(
    Job,
    """
UPDATE job SET tries = tries + 1, unreported = unreported + 1, run_at = clock() + $3::interval
WHERE name = $1 AND subject = $2 AND done_at IS NULL AND parked_at IS NULL AND run_at <= clock()
RETURNING id, name, subject, arguments, tries, turn_at
""",
)

DONE = Command("""
UPDATE job SET done_at = clock(), problem = NULL, unreported = 0 WHERE id = $1 AND tries = $2 AND done_at IS NULL
""")

FAILED = Query(
    bool,
    """
UPDATE job SET problem = $3, failures = failures + 1, unreported = 0, turn_at = NULL,
  run_at = clock() + least($4::interval * power(2, least(failures, 20)), $5::interval),
  parked_at = CASE WHEN $6 OR failures + 1 >= $7 OR coalesce(retried_at, created_at) < clock() - $8::interval
    THEN clock() END
WHERE id = $1 AND tries = $2 AND done_at IS NULL
RETURNING parked_at IS NOT NULL
""",
)

POSTPONE = Command("""
UPDATE job SET run_at = $3, turn_at = CASE WHEN $4 THEN $3::timestamptz END, unreported = 0
WHERE id = $1 AND tries = $2 AND done_at IS NULL
""")

UNDONE = Query(
    Undone,
    """
SELECT id, name, subject, tries::integer, created_at, run_at, parked_at, problem FROM job
WHERE done_at IS NULL AND (parked_at IS NOT NULL OR NOT $1::boolean)
ORDER BY parked_at DESC NULLS LAST, run_at LIMIT $2
""",
)

RETRY = Query(
    as_id,
    """
UPDATE job SET parked_at = NULL, failures = 0, unreported = 0, retried_at = clock(), run_at = clock()
WHERE done_at IS NULL AND (id = $1 OR $1::uuid IS NULL AND parked_at IS NOT NULL) RETURNING id
""",
)


async def enqueue(
    connection: Connection, name: str, subject: str, arguments: Mapping[str, str], delay: timedelta = timedelta(0)
) -> None:
    """Asks for `name` to be done for `subject` once this transaction is committed; a second asking changes nothing."""
    await enqueue_all(connection, name, {subject: arguments}, delay)


async def enqueue_all(
    connection: Connection, name: str, subjects: Mapping[str, Mapping[str, str]], delay: timedelta = timedelta(0)
) -> None:
    """Asks for `name` to be done for each subject, with its arguments, as `enqueue` does for one."""
    arguments = [msgspec.json.encode(one).decode() for one in subjects.values()]
    await ENQUEUE.run(connection, [new_id() for _ in subjects], name, list(subjects), arguments, delay)


async def claim(connection: Connection, limit: int) -> list[Job]:
    """At most `limit` due jobs, each for this caller alone during LEASE; or one that other workers ended at."""
    jobs = await CLAIM.all(connection, limit, LEASE)
    if jobs:
        return jobs
    suspect = await CLAIM_SUSPECT.first(connection, LEASE, UNREPORTED_MAX)
    if suspect is None:
        await PARK_SUSPECTS.run(connection, UNREPORTED_MAX)
    return [suspect] if suspect else []


async def claim_one(connection: Connection, name: str, subject: str) -> Job | None:
    """This job, for this caller alone during LEASE; None when it is not due, or somebody else's."""
    return await CLAIM_ONE.first(connection, name, subject, LEASE)


async def done(connection: Connection, job: Job) -> bool:
    """Whether the job was still this caller's to finish."""
    return await DONE.run(connection, job.id, job.tries) == 1


async def failed(
    connection: Connection, job: Job, problem: str, *, for_good: bool = False, our_fault: bool = False
) -> bool:
    """Tries it again after 10 s, 20 s, 40 s, ... at most an hour; whether it is parked instead.

    That is after 72 hours, at once `for_good`, and after ten failures that are `our_fault`.
    """
    faults_max = OUR_FAULTS_MAX if our_fault else 32_000
    parked = await FAILED.first(
        connection,
        job.id,
        job.tries,
        problem[:500],
        BACK_OFF,
        BACK_OFF_MAX,
        for_good,
        faults_max,
        GIVE_UP_AFTER,
    )
    return bool(parked)


class Postponed(Exception):
    """A job's time has not come: it is neither done nor failed, and comes back `at` that moment, which is its turn at
    Stripe if `has_turn`."""

    def __init__(self, at: datetime, *, has_turn: bool) -> None:
        super().__init__(f"later, at {at.isoformat()}")
        self.at, self.has_turn = at, has_turn


async def postpone(connection: Connection, job: Job, postponed: Postponed) -> None:
    """Leaves it until then."""
    await POSTPONE.run(connection, job.id, job.tries, postponed.at, postponed.has_turn)


async def undone(connection: Connection, limit: int, *, parked: bool) -> list[Undone]:
    """Jobs that are not done, the parked ones first, or those alone."""
    return await UNDONE.all(connection, parked, limit)


async def retry(connection: Connection, job_id: UUID | None) -> int:
    """Has a job tried again now, for another 72 hours, or with None every parked one; how many those are."""
    return len(await RETRY.all(connection, job_id))
