from datetime import UTC, datetime, timedelta

from boxoffice.accounts.login import MEET
from boxoffice.accounts.sessions import Person, close_session, delete_ended, open_session, person_of
from boxoffice.foundation.db import Database, Query
from boxoffice.foundation.ids import new_id

NOON = datetime(2031, 5, 1, 12, tzinfo=UTC)
SEEN_HOUR = Query(int, "SELECT extract(hour FROM seen_at AT TIME ZONE 'UTC')::integer FROM session")
ALL_TEXT = Query(str, "SELECT string_agg(session::text, ' ') FROM session")
COUNT = Query(int, "SELECT count(*) FROM session")


async def signed_in(db: Database, email: str = "anna@example.org") -> tuple[Person, str]:
    async with db.transaction() as connection:
        person = await MEET.first(connection, new_id(), email)
        assert person is not None
        return person, await open_session(connection, person.id)


async def whose(db: Database, token: str, at: datetime = NOON) -> Person | None:
    db.moved_clock = at
    async with db.transaction() as connection:
        return await person_of(connection, token)


async def test_a_session_names_its_person_and_nobody_elses(db: Database) -> None:
    db.moved_clock = NOON
    anna, hers = await signed_in(db)
    bela, his = await signed_in(db, "bela@example.org")
    assert await whose(db, hers) == anna
    assert await whose(db, his) == bela
    for wrong in ("", "\0", "\ud800", hers[:-1], hers.swapcase(), "x" * 10_000):
        assert await whose(db, wrong) is None


async def test_the_database_keeps_only_a_hash(db: Database) -> None:
    _, token = await signed_in(db)
    async with db.transaction() as connection:
        kept = await ALL_TEXT.first(connection) or ""
    assert token not in kept
    assert token.encode().hex() not in kept
    assert len(token) >= 43


async def test_it_lasts_30_days_from_its_last_use(db: Database) -> None:
    db.moved_clock = NOON
    person, token = await signed_in(db)
    assert await whose(db, token, NOON + timedelta(days=29)) == person
    assert await whose(db, token, NOON + timedelta(days=58)) == person
    assert await whose(db, token, NOON + timedelta(days=88, seconds=1)) is None


async def test_unused_it_ends_after_30_days(db: Database) -> None:
    db.moved_clock = NOON
    person, token = await signed_in(db)
    assert await whose(db, token, NOON + timedelta(days=30) - timedelta(seconds=1)) == person
    db.moved_clock = NOON
    _, other = await signed_in(db, "bela@example.org")
    assert await whose(db, other, NOON + timedelta(days=30)) is None


async def test_used_every_day_it_ends_after_90_days(db: Database) -> None:
    db.moved_clock = NOON
    person, token = await signed_in(db)
    for day in range(90):
        assert await whose(db, token, NOON + timedelta(days=day)) == person, day
    assert await whose(db, token, NOON + timedelta(days=90)) is None


async def test_being_seen_is_written_once_an_hour(db: Database) -> None:
    db.moved_clock = NOON
    _, token = await signed_in(db)
    seen: list[int | None] = []
    for minutes in (0, 59, 60, 61, 119, 120):
        await whose(db, token, NOON + timedelta(minutes=minutes))
        async with db.transaction() as connection:
            seen.append(await SEEN_HOUR.first(connection))
    assert seen == [12, 12, 13, 13, 13, 14]


async def test_signing_out_here_leaves_the_other_sessions(db: Database) -> None:
    db.moved_clock = NOON
    person, here = await signed_in(db)
    _, there = await signed_in(db)
    async with db.transaction() as connection:
        assert await close_session(connection, here)
        assert not await close_session(connection, here)
    assert await whose(db, here) is None
    assert await whose(db, there) == person


async def test_ended_sessions_are_deleted(db: Database) -> None:
    db.moved_clock = NOON
    await signed_in(db)
    db.moved_clock = NOON + timedelta(days=30)
    await signed_in(db, "bela@example.org")
    async with db.transaction() as connection:
        assert await delete_ended(connection) == 1
        assert await COUNT.first(connection) == 1
