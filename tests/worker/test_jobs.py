"""Jobs: enqueued once, done once, repeated until done, parked where everybody sees it."""

import asyncio
from datetime import UTC, datetime, timedelta
from itertools import chain

import pytest

from boxoffice.foundation.db import Database, Query
from boxoffice.foundation.jobs import UNREPORTED_MAX, claim, done, enqueue, failed, retry, undone
from tests.pgbouncer import POOLED

ROWS = Query(
    lambda done_at, parked_at, problem: (done_at is not None, parked_at is not None, problem),
    "SELECT done_at, parked_at, problem FROM job",
)


async def test_a_job_asked_for_twice_is_one_job_even_after_it_is_done(db: Database) -> None:
    for _ in range(2):
        async with db.transaction() as connection:
            await enqueue(connection, "mail_tickets", "order-1", {"order_id": "1"})
    async with db.transaction() as connection:
        (job,) = await claim(connection, 10)
        assert job.argument("order_id") == "1"
        assert await done(connection, job)
        await enqueue(connection, "mail_tickets", "order-1", {"order_id": "1"})
        assert await claim(connection, 10) == []


async def test_what_is_rolled_back_was_never_asked_for(db: Database) -> None:
    async def asks_and_fails() -> None:
        async with db.transaction() as connection:
            await enqueue(connection, "alarm", "1", {})
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await asks_and_fails()
    async with db.transaction() as connection:
        assert await claim(connection, 10) == []


async def test_two_workers_never_claim_the_same_job(db: Database, database_url: str) -> None:
    async with db.transaction() as connection:
        for number in range(40):
            await enqueue(connection, "alarm", str(number), {})
    other = Database(database_url, size=4, pooled=POOLED)

    async def worker(database: Database) -> list[str]:
        async with database.transaction() as connection:
            return [job.subject for job in await claim(connection, 10)]

    claimed = await asyncio.gather(*(worker(database) for database in (db, other, db, other)))
    await other.close()
    assert sorted(chain.from_iterable(claimed)) == sorted(str(number) for number in range(40))


async def test_a_worker_that_lost_its_lease_finishes_nothing(db: Database) -> None:
    async with db.transaction() as connection:
        await enqueue(connection, "alarm", "1", {})
        (first,) = await claim(connection, 10)
    db.moved_clock = datetime.now(UTC) + timedelta(minutes=3)
    async with db.transaction() as connection:
        (second,) = await claim(connection, 10)
        assert not await done(connection, first)
        assert await done(connection, second)


async def test_a_job_that_fails_comes_again_and_is_parked_after_three_days(db: Database) -> None:
    async with db.transaction() as connection:
        await enqueue(connection, "alarm", "1", {})
    moment, tries, parked, problem = datetime.now(UTC), 0, False, ""
    for _ in range(200):
        db.moved_clock = moment
        async with db.transaction() as connection:
            for job in await claim(connection, 10):
                tries += 1
                await failed(connection, job, "the mail server is away")
            ((_, parked, problem),) = await ROWS.all(connection)
        if parked:
            break
        moment += timedelta(minutes=30)
    assert parked
    assert problem == "the mail server is away"
    assert 60 < tries < 90
    assert timedelta(hours=71) < moment - datetime.now(UTC) < timedelta(hours=74)


async def test_a_mail_that_can_never_arrive_is_parked_at_once(db: Database) -> None:
    async with db.transaction() as connection:
        await enqueue(connection, "alarm", "1", {})
        (job,) = await claim(connection, 10)
        await failed(connection, job, "no such mailbox", for_good=True)
        assert await ROWS.all(connection) == [(False, True, "no such mailbox")]


async def test_a_mistake_of_ours_is_parked_after_ten_tries_and_a_person_has_it_tried_again(db: Database) -> None:
    async with db.transaction() as connection:
        await enqueue(connection, "alarm", "1", {})
    moment, tries = datetime.now(UTC), 0
    for _ in range(20):
        moment += timedelta(hours=1)
        db.moved_clock = moment
        async with db.transaction() as connection:
            for job in await claim(connection, 10):
                tries += 1
                await failed(connection, job, "AssertionError", our_fault=True)
    assert tries == 10
    async with db.transaction() as connection:
        (parked,) = await undone(connection, 10, parked=True)
        assert await retry(connection, parked.id) == 1
        assert await undone(connection, 10, parked=True) == []
        (job,) = await claim(connection, 10)
        assert job.tries == 11
        assert not await failed(connection, job, "AssertionError", our_fault=True)


async def test_a_job_that_ends_every_worker_is_parked_and_its_neighbours_are_done(db: Database) -> None:
    """The workers die while they are at it, and say nothing."""
    async with db.transaction() as connection:
        for subject in ("deadly", "innocent"):
            await enqueue(connection, "alarm", subject, {})
    moment, deaths = datetime.now(UTC), 0
    for _ in range(20):
        moment += timedelta(minutes=1)
        db.moved_clock = moment
        async with db.transaction() as connection:
            jobs = await claim(connection, 10)
        if any(job.subject == "deadly" for job in jobs):
            deaths += 1
            continue
        async with db.transaction() as connection:
            for job in jobs:
                assert await done(connection, job)
    assert deaths == UNREPORTED_MAX
    async with db.transaction() as connection:
        (left,) = await undone(connection, 10, parked=False)
    assert (left.subject, left.parked_at is not None) == ("deadly", True)
