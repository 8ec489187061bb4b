"""Anna asks in her own browser; Mallory has another one, and whatever she could get hold of."""

import asyncio
import re
import secrets
from datetime import UTC, datetime, timedelta

import pytest

from boxoffice.accounts import login
from boxoffice.accounts.login import (
    LoginEnded,
    LoginMail,
    LoginRefused,
    LoginTooOften,
    SignedIn,
    confirm_code,
    confirm_link,
    delete_old_requests,
    request_login,
)
from boxoffice.accounts.sessions import person_of
from boxoffice.foundation.db import Command, Database, Query
from boxoffice.foundation.jobs import claim
from tests.conftest import SECRET_KEY
from tests.pgbouncer import POOLED

NOON = datetime(2031, 5, 1, 12, tzinfo=UTC)
ANNA = "anna@example.org"
HERS = secrets.token_urlsafe(32)
MALLORYS = secrets.token_urlsafe(32)
HOME = "198.51.100.7"
PEOPLE = Query(int, "SELECT count(*) FROM person")
SESSIONS = Query(int, "SELECT count(*) FROM session")
ALL_TEXT = Query(str, "SELECT string_agg(login_request::text, ' ') FROM login_request")


async def ask(db: Database, email: str = ANNA, browser: str = HERS, address: str = HOME) -> LoginMail:
    async with db.transaction() as connection:
        return await request_login(connection, SECRET_KEY, email, browser, address)


async def by_code(db: Database, code: str, email: str = ANNA, browser: str = HERS) -> SignedIn | LoginRefused:
    async with db.transaction() as connection:
        return await confirm_code(connection, email, code, browser)


async def by_link(db: Database, secret: str, browser: str = HERS) -> SignedIn | LoginRefused:
    async with db.transaction() as connection:
        return await confirm_link(connection, secret, browser)


async def count(db: Database, query: Query[int]) -> int | None:
    async with db.transaction() as connection:
        return await query.first(connection)


def wrong(mail: LoginMail, step: int = 1) -> str:
    return f"{(int(mail.code) + step) % 100_000_000:08}"


def refused(answer: SignedIn | LoginRefused, status: int, words: str) -> bool:
    return isinstance(answer, LoginRefused) and answer.status == status and words in answer.detail


@pytest.fixture(autouse=True)
def at_noon(db: Database) -> None:
    db.moved_clock = NOON


@pytest.mark.parametrize("way", ["code", "link"])
async def test_signing_in_creates_the_person_and_opens_a_session(db: Database, way: str) -> None:
    mail = await ask(db)
    assert re.fullmatch(r"\d{8}", mail.code)
    assert len(mail.link_secret) >= 43
    answer = await by_code(db, mail.code) if way == "code" else await by_link(db, mail.link_secret)
    assert isinstance(answer, SignedIn)
    async with db.transaction() as connection:
        assert await person_of(connection, answer.token) == answer.person
    assert answer.person.email == ANNA


async def test_signing_in_again_is_the_same_person(db: Database) -> None:
    first = await by_code(db, (await ask(db)).code)
    second = await by_link(db, (await ask(db)).link_secret)
    assert isinstance(first, SignedIn)
    assert isinstance(second, SignedIn)
    assert first.person == second.person
    assert first.token != second.token
    assert await count(db, PEOPLE) == 1


async def test_asking_alone_makes_nobody_known(db: Database) -> None:
    await ask(db)
    assert await count(db, PEOPLE) == 0


async def test_code_and_link_of_one_mail_sign_in_once(db: Database) -> None:
    mail = await ask(db)
    assert isinstance(await by_code(db, mail.code), SignedIn)
    assert refused(await by_code(db, mail.code), 410, "used already")
    assert refused(await by_link(db, mail.link_secret), 410, "used already")
    other = await ask(db)
    assert isinstance(await by_link(db, other.link_secret), SignedIn)
    assert refused(await by_code(db, other.code), 410, "used already")
    assert await count(db, SESSIONS) == 2


async def test_after_15_minutes_neither_signs_in(db: Database) -> None:
    mail = await ask(db)
    db.moved_clock = NOON + timedelta(minutes=15)
    assert refused(await by_code(db, mail.code), 410, "older than 15 minutes. Ask for a new mail")
    assert refused(await by_link(db, mail.link_secret), 410, "older than 15 minutes")
    db.moved_clock = NOON + timedelta(minutes=15) - timedelta(seconds=1)
    assert isinstance(await by_code(db, mail.code), SignedIn)


async def test_another_browser_is_refused_and_spoils_nothing(db: Database) -> None:
    mail = await ask(db)
    assert refused(await by_link(db, mail.link_secret, MALLORYS), 422, "in the browser that asked for it")
    assert refused(await by_code(db, mail.code, browser=MALLORYS), 422, "in this browser")
    assert await count(db, SESSIONS) == 0
    assert isinstance(await by_link(db, mail.link_secret), SignedIn)


async def test_a_mail_that_somebody_else_asked_for_signs_in_neither(db: Database) -> None:
    mail = await ask(db, browser=MALLORYS)
    assert refused(await by_link(db, mail.link_secret), 422, "in the browser that asked for it")
    assert refused(await by_code(db, mail.code), 422, "in this browser")


async def test_a_code_is_good_for_the_address_it_went_to(db: Database) -> None:
    mail = await ask(db, email="mallory@example.org", browser=MALLORYS)
    assert isinstance(await by_code(db, mail.code, ANNA, MALLORYS), LoginRefused)
    assert await count(db, SESSIONS) == 0


async def test_unknown_links_and_codes_say_what_to_do(db: Database) -> None:
    assert refused(await by_link(db, "made-up"), 422, "Ask for a mail in this browser")
    assert refused(await by_code(db, "12345678"), 422, "Ask for a mail in this browser")
    await ask(db)
    for typed in ("", "1234567", "123456789", "abcdefgh", "\0"):
        assert refused(await by_code(db, typed), 422, "eight digits")


async def test_five_wrong_codes_end_the_request_and_six_are_not_compared(db: Database) -> None:
    mail = await ask(db)
    for step in range(1, 6):
        assert refused(await by_code(db, wrong(mail, step)), 422, "not the code")
    assert refused(await by_code(db, mail.code), 410, "Five wrong codes")
    assert isinstance(await by_code(db, (await ask(db)).code), SignedIn)


async def test_four_wrong_codes_leave_one_try(db: Database) -> None:
    mail = await ask(db)
    for step in range(1, 5):
        await by_code(db, wrong(mail, step))
    assert isinstance(await by_code(db, mail.code), SignedIn)


async def test_what_is_no_code_costs_no_try(db: Database) -> None:
    mail = await ask(db)
    for _ in range(9):
        await by_code(db, mail.code[:5])
    assert isinstance(await by_code(db, mail.code), SignedIn)


async def test_the_newest_mail_counts(db: Database) -> None:
    older = await ask(db)
    db.moved_clock = NOON + timedelta(seconds=30)
    newer = await ask(db)
    if older.code != newer.code:
        assert refused(await by_code(db, older.code), 422, "newest mail")
    assert isinstance(await by_code(db, newer.code), SignedIn)


async def test_codes_are_read_as_people_type_them(db: Database) -> None:
    mail = await ask(db)
    assert isinstance(await by_code(db, f" {mail.code[:3]} {mail.code[3:]}\n"), SignedIn)
    mail = await ask(db)
    arabic = "".join(chr(0x0660 + int(digit)) for digit in mail.code)
    assert isinstance(await by_code(db, arabic), SignedIn)


async def test_the_database_keeps_neither_code_nor_link_nor_browser(db: Database) -> None:
    mail = await ask(db)
    async with db.transaction() as connection:
        kept = await ALL_TEXT.first(connection) or ""
        (job,) = await claim(connection, 10)
    kept += f" {job.subject} {job.arguments}"
    for secret in (mail.code, mail.link_secret, HERS):
        assert secret not in kept.replace("-", " ").split()
        assert secret.encode().hex() not in kept
    assert mail.code not in repr(mail)
    assert mail.link_secret not in repr(mail)


async def test_a_browser_without_a_cookie_is_told_so(db: Database) -> None:
    with pytest.raises(LoginRefused, match="Allow cookies"):
        await ask(db, browser="")


async def test_the_sixth_mail_in_an_hour_is_refused_for_known_and_unknown_alike(db: Database) -> None:
    await by_code(db, (await ask(db)).code)
    db.moved_clock = NOON + timedelta(hours=2)
    said: list[tuple[str, int]] = []
    for email in (ANNA, "nobody@example.org"):
        for _ in range(5):
            await ask(db, email)
        with pytest.raises(LoginTooOften) as answer:
            await ask(db, email)
        said.append((answer.value.detail, answer.value.retry_after_seconds))
    assert said[0] == said[1]
    assert said[0][1] == 720
    assert "in 12 minutes" in said[0][0]


async def test_known_and_unknown_addresses_take_the_same_statements(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    await by_code(db, (await ask(db)).code)
    ran: list[str] = []
    run, first = Command.run, Query[object].first

    async def run_noted(self: Command, *given: object) -> int:
        ran.append(self.sql)
        return await run(self, *given)  # type: ignore[arg-type]

    async def first_noted(self: Query[object], *given: object) -> object:
        ran.append(self.sql)
        return await first(self, *given)  # type: ignore[arg-type]

    monkeypatch.setattr(Command, "run", run_noted)
    monkeypatch.setattr(Query, "first", first_noted)
    await ask(db)
    known, ran[:] = list(ran), []
    await ask(db, "nobody@example.org")
    assert ran == known
    assert len(ran) == 4


async def test_a_crowded_network_refuses_nobody_and_is_known_to_be_one(db: Database) -> None:
    for number in range(60):
        assert not (await ask(db, f"guest{number}@example.org")).crowded
    assert (await ask(db, "guest60@example.org")).crowded
    mail = await ask(db)
    assert mail.crowded
    assert isinstance(await by_code(db, mail.code), SignedIn)
    assert not (await ask(db, "guest60@example.org", address="198.51.100.8")).crowded
    db.moved_clock = NOON + timedelta(minutes=1)
    assert not (await ask(db, "guest61@example.org")).crowded


async def test_a_subscribers_ipv6_addresses_are_one_network(db: Database) -> None:
    for number in range(60):
        await ask(db, f"guest{number}@example.org", address=f"2001:db8:1:2::{number + 1:x}")
    assert (await ask(db, address="2001:db8:1:2:ffff::1")).crowded
    assert not (await ask(db, address="2001:db8:1:3::1")).crowded
    assert not (await ask(db, address="no address at all")).crowded


async def race(databases: list[Database], mail: LoginMail) -> int:
    answers = await asyncio.gather(
        *(by_code(databases[number % 2], mail.code) for number in range(8)),
        *(by_link(databases[number % 2], mail.link_secret) for number in range(8)),
    )
    return sum(isinstance(answer, SignedIn) for answer in answers)


async def test_code_and_link_at_the_same_moment_open_one_session(
    db: Database, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    databases = [Database(database_url, size=8, pooled=POOLED) for _ in range(2)]
    for number in range(10):
        mail = await ask_now(databases[0], f"{number}")
        assert await race(databases, mail) == 1
    unguarded = {
        "COUNT_TRY": Query(login.Open, without(login.COUNT_TRY.sql, "used_at IS NULL AND")),
        "CLAIM": Command(without(login.CLAIM.sql, " AND used_at IS NULL")),
        "CLAIM_LINK": Query(str, without(login.CLAIM_LINK.sql, " AND used_at IS NULL")),
    }
    for name, statement in unguarded.items():
        monkeypatch.setattr(login, name, statement)
    assert await race(databases, await ask_now(databases[0], "unguarded")) > 1
    for database in databases:
        await database.close()


async def ask_now(database: Database, network: str) -> LoginMail:
    async with database.transaction() as connection:
        await connection.execute("DELETE FROM rate_limit")
    return await ask(database, address=network)


def without(sql: str, condition: str) -> str:
    assert condition in sql
    return sql.replace(condition, "")


async def test_wrong_codes_at_the_same_moment_are_all_counted(db: Database, database_url: str) -> None:
    databases = [Database(database_url, size=8, pooled=POOLED) for _ in range(2)]
    mail = await ask_now(databases[0], HOME)
    answers = await asyncio.gather(*(by_code(databases[step % 2], wrong(mail, step)) for step in range(1, 33)))
    assert sum(refused(answer, 422, "not the code") for answer in answers) == 5
    assert all(isinstance(answer, LoginEnded) for answer in answers if not refused(answer, 422, "not the code"))
    for database in databases:
        await database.close()


async def test_old_requests_are_deleted(db: Database) -> None:
    await ask(db)
    db.moved_clock = NOON + timedelta(days=1, minutes=16)
    mail = await ask(db)
    async with db.transaction() as connection:
        assert await delete_old_requests(connection) == 1
        assert [job.subject for job in await claim(connection, 10)] == [str(mail.id)]
    assert isinstance(await by_code(db, mail.code), SignedIn)
