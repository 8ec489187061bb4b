"""The keys of a night: published, changed without making a code worthless, and what a scanner is told of changes."""

import asyncio

import pytest

from boxoffice.cli.door import run_keys
from boxoffice.foundation.problems import NotFound
from boxoffice.settings import read_environment
from boxoffice.tickets.code import NewestKey, add_key, read_payload, retire_key
from tests.door.conftest import Door
from tests.shop import SLUG
from tests.shop_fixtures import shop_environment


async def rotate(door: Door) -> None:
    async with door.shop.box.db.transaction() as connection:
        await add_key(connection, door.shop.box.settings.secret_key, door.event_id)


async def retire(door: Door, number: int) -> None:
    async with door.shop.box.db.transaction() as connection:
        await retire_key(connection, door.event_id, number)


def key_number(text: str) -> int:
    payload = read_payload(text)
    assert payload is not None
    return payload.key_number


async def test_a_new_key_signs_what_is_given_out_from_then_on(door: Door) -> None:
    (old,), scanner = await door.tickets(), await door.scanner()
    opened, door.shop.box.db.moved_clock = door.shop.box.db.moved_clock, None
    before = await door.payload(old)
    await rotate(door)
    (new,) = await door.tickets()
    assert await door.payload(old) == before
    assert [key_number(before), key_number(await door.payload(new))] == [1, 2]
    door.shop.box.db.moved_clock = opened
    assert [key["number"] for key in (await scanner.sync())["keys"]] == [1, 2]
    for text in (before, await door.payload(new)):
        assert (await scanner.scan(text))["answer"] == "admitted"


async def test_a_scanner_that_is_paired_before_anybody_looked_at_a_ticket_has_the_key(door: Door) -> None:
    (code,) = await door.tickets()
    assert await door.value("SELECT count(*) FROM event_key") == 0
    first, again = await door.scanner(), await door.scanner("Side door")
    known = [[key["number"] for key in (await one.sync())["keys"]] for one in (first, again)]
    assert (known, key_number(await door.payload(code))) == ([[1], [1]], 1)


async def test_a_ticket_that_is_given_out_anew_gets_the_new_key(door: Door) -> None:
    (code,) = await door.tickets()
    assert key_number(await door.payload(code)) == 1
    await rotate(door)
    await door.execute("UPDATE ticket SET revision = revision + 1, reissued_at = clock() WHERE code = $1", code)
    assert key_number(await door.payload(code)) == 2


async def test_codes_of_a_retired_key_are_refused_at_once_and_in_words(door: Door) -> None:
    codes, scanner = await door.tickets(3), await door.scanner()
    old = [await door.payload(code) for code in codes]
    assert (await scanner.scan(old[0]))["answer"] == "admitted", "the desk has read the key"
    await rotate(door)
    await retire(door, 1)
    told = await scanner.scan(old[1])
    assert (told["answer"], told["because"], told["ticket"]) == ("cancelled", "retired_key", None)
    assert await door.value("SELECT status FROM ticket WHERE code = $1", codes[1]) == "active"
    new = await door.payload(codes[1])
    assert key_number(new) == 2
    assert (await scanner.scan(new))["answer"] == "admitted"
    assert (await scanner.scan(codes[2]))["answer"] == "admitted", "nothing signs the letters"


async def test_rotating_codes_of_a_retired_key_are_refused(door: Door) -> None:
    (code,), scanner = await door.tickets(), await door.scanner()
    await door.execute("UPDATE event SET code = 'rotating'")
    opened = door.shop.box.db.moved_clock
    assert opened is not None
    before = await door.rotating(code)
    await rotate(door)
    await retire(door, 1)
    assert (await scanner.scan(before.text_at(opened)))["because"] == "retired_key"
    assert (await scanner.scan((await door.rotating(code)).text_at(opened)))["answer"] == "admitted"


async def test_a_ticket_of_another_key_keeps_its_code_when_one_is_retired(door: Door) -> None:
    (first,) = await door.tickets()
    await door.payload(first)
    opened, door.shop.box.db.moved_clock = door.shop.box.db.moved_clock, None
    await rotate(door)
    (second,) = await door.tickets()
    before = await door.payload(second)
    await rotate(door)
    door.shop.box.db.moved_clock = opened
    await retire(door, 1)
    assert (key_number(before), await door.payload(second)) == (2, before)
    assert key_number(await door.payload(first)) == 3


async def test_what_is_kept_for_later_and_shown_to_all_knows_of_a_retired_key(door: Door) -> None:
    (code,), scanner = await door.tickets(), await door.scanner()
    old = await door.payload(code)
    await rotate(door)
    await retire(door, 1)
    kept = await scanner.sync()
    assert [[key["number"] for key in kept[name]] for name in ("keys", "retired_keys")] == [[2], [1]]
    told = (await door.shop.web.get(f"/api/v1/events/{SLUG}/keys")).json()
    assert [key["number"] for key in told["keys"]] == [2]
    for text, word in ((old, "Not genuine"), (await door.payload(code), ">Genuine")):
        answer = await door.shop.web.post("/verify", data={"code": text}, headers={"Origin": door.shop.url})
        assert word in answer.text


async def test_the_newest_key_is_not_retired(door: Door) -> None:
    (code,) = await door.tickets()
    await door.payload(code)
    with pytest.raises(NewestKey, match="add a new one first"):
        await retire(door, 1)
    with pytest.raises(NotFound):
        await retire(door, 7)
    await rotate(door)
    await retire(door, 1)
    at = await door.value("SELECT retired_at FROM event_key WHERE number = 1")
    await retire(door, 1)
    assert await door.value("SELECT retired_at FROM event_key WHERE number = 1") == at
    with pytest.raises(NewestKey):
        await retire(door, 2)


async def test_keys_are_public_and_nothing_else_is(door: Door) -> None:
    (code,) = await door.tickets()
    payload = read_payload(await door.payload(code))
    assert payload is not None
    answer = await door.shop.web.get(f"/api/v1/events/{SLUG}/keys")
    assert set(answer.headers["cache-control"].split(", ")) == {"public", "max-age=60"}
    told = answer.json()
    assert sorted(told) == ["event_code", "keys"]
    assert told["event_code"] == code[:4]
    assert [sorted(key) for key in told["keys"]] == [["key", "number"]]
    assert (await door.shop.web.get("/api/v1/events/nowhere/keys")).status_code == 404


async def test_a_scanner_that_has_the_list_is_told_of_changes_alone(door: Door) -> None:
    codes, scanner = await door.tickets(8), await door.scanner()
    whole = await scanner.sync()
    await door.execute("UPDATE ticket SET changed_at = changed_at - interval '1 hour'")
    await door.execute("UPDATE ticket SET status = 'refunded' WHERE code = $1", codes[3])
    await door.execute("ALTER TABLE ticket DISABLE TRIGGER ticket_changed")
    await door.execute("UPDATE ticket SET changed_at = clock() - interval '1 hour' WHERE code <> $1", codes[3])
    answer = await scanner.sync(since=whole["cursor"])
    assert [(one["code"], one["status"]) for one in answer["tickets"]] == [(codes[3], "refunded")]
    await door.execute("UPDATE ticket SET changed_at = clock() - interval '1 hour'")
    assert (await scanner.sync(since=whole["cursor"]))["tickets"] == []


async def test_the_command_shows_keys_and_adds_one(
    door: Door, database_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (code,) = await door.tickets()
    await door.payload(code)
    environment = shop_environment(database_url, "http://localhost:3000", "http://127.0.0.1:1")

    await asyncio.to_thread(run_keys, read_environment(environment), SLUG, rotate=True)
    told = capsys.readouterr().out
    assert [line[:1] for line in told.splitlines()[:2]] == ["1", "2"]
    assert "stay\ngenuine" in told

    await asyncio.to_thread(run_keys, read_environment(environment), SLUG, rotate=False, retire=1)
    told = capsys.readouterr().out
    assert ["retired" in line for line in told.splitlines()[:2]] == [True, False]
    assert "no longer take codes that key 1 signed" in told
