"""Members of organisations, by the command that adds them and the look-up that lets them in."""

import asyncio
from uuid import UUID

import pytest

from boxoffice.accounts.login import MEET
from boxoffice.accounts.organisation import DOOR, ORGANISER, access_event, add_member, nights_of_member, remove_member
from boxoffice.accounts.sessions import Person
from boxoffice.cli.organiser import run_add, run_list, run_remove
from boxoffice.foundation.db import Connection, Database
from boxoffice.foundation.ids import new_id
from boxoffice.foundation.problems import NotFound, Unprocessable
from boxoffice.settings import Reading, read_environment
from tests.conftest import SECRET_KEY
from tests.nights import NIGHT, load

SLUG = "tiefdruck-eins"
OTHERS = NIGHT.replace("tiefdruck", "hochdruck").replace("Tiefdruck", "Hochdruck")


async def person(connection: Connection, email: str) -> Person:
    met = await MEET.first(connection, new_id(), email)
    assert met is not None
    return met


async def sees(db: Database, email: str, slug: str = SLUG, roles: tuple[str, ...] = (ORGANISER, DOOR)) -> str:
    """In which role, or in which words not."""
    async with db.transaction() as connection:
        try:
            return (await access_event(connection, await person(connection, email), slug, roles)).role
        except NotFound as problem:
            return problem.detail


async def test_a_night_is_seen_by_members_of_its_organisation_alone(db: Database) -> None:
    await load(db)
    await load(db, OTHERS)
    async with db.transaction() as connection:
        await add_member(connection, "boss@example.org", "tiefdruck", ORGANISER)
        await add_member(connection, "gate@example.org", "tiefdruck", DOOR)
        await add_member(connection, "other@example.org", "hochdruck", ORGANISER)
        nights = [one.slug for one in await nights_of_member(connection, await person(connection, "boss@example.org"))]
    assert nights == [SLUG]
    assert [await sees(db, f"{who}@example.org") for who in ("boss", "gate")] == [ORGANISER, DOOR]
    assert [await sees(db, f"{who}@example.org", roles=(ORGANISER,)) for who in ("boss", "gate")] == [
        ORGANISER,
        "There is no such night among yours.",
    ]
    refusals = {
        await sees(db, "other@example.org"),
        await sees(db, "nobody@example.org"),
        await sees(db, "boss@example.org", "nowhere"),
        await sees(db, "boss@example.org", "a\0b"),
    }
    assert refusals == {"There is no such night among yours."}


async def test_who_is_taken_out_sees_nothing_from_then_on_and_a_role_can_change(db: Database) -> None:
    await load(db)
    async with db.transaction() as connection:
        await add_member(connection, "boss@example.org", "tiefdruck", DOOR)
        await add_member(connection, "boss@example.org", "tiefdruck", ORGANISER)
    assert await sees(db, "boss@example.org") == ORGANISER
    async with db.transaction() as connection:
        assert await remove_member(connection, "boss@example.org", "tiefdruck")
        assert not await remove_member(connection, "boss@example.org", "tiefdruck")
    assert await sees(db, "boss@example.org") == "There is no such night among yours."


async def test_a_draft_is_no_night_yet(db: Database) -> None:
    await load(db)
    async with db.transaction() as connection:
        await add_member(connection, "boss@example.org", "tiefdruck", ORGANISER)
        event_id = UUID(str(await connection.fetchval("UPDATE event SET status = 'draft' RETURNING id")))
    assert event_id
    assert await sees(db, "boss@example.org") == "There is no such night among yours."


def test_the_command_adds_shows_and_takes_out(database_url: str, capsys: pytest.CaptureFixture[str]) -> None:
    reading: Reading = read_environment({"DATABASE_URL": database_url, "SECRET_KEY": SECRET_KEY})

    def said() -> str:
        return capsys.readouterr().out

    asyncio.run(_loaded(database_url))
    run_list(reading, "")
    assert said().startswith("No member yet")
    run_add(reading, " Boss@Example.ORG ", "tiefdruck", ORGANISER)
    assert "boss@example.org is a member of tiefdruck (organiser).\nThey sign in" in said()
    run_list(reading, "tiefdruck")
    assert said().startswith("tiefdruck  boss@example.org  organiser, since 20")
    run_remove(reading, "boss@example.org", "tiefdruck")
    assert "no member of tiefdruck any more" in said()
    with pytest.raises(NotFound, match="is no member"):
        run_remove(reading, "boss@example.org", "tiefdruck")
    with pytest.raises(NotFound, match=r"There is no organisation nowhere\. There is: tiefdruck\."):
        run_add(reading, "boss@example.org", "nowhere", ORGANISER)
    with pytest.raises(Unprocessable):
        run_add(reading, "boss", "tiefdruck", ORGANISER)


async def _loaded(database_url: str) -> None:
    db = Database(database_url)
    await load(db)
    await db.close()
