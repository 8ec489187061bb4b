"""Codes that change: of now they let in, an old picture does not, at a door with a network and at one without."""

from datetime import datetime, timedelta

import pytest

from boxoffice.tickets.code import STEP, TOLERANCE
from tests.door.conftest import Door

ROTATING = "UPDATE event SET code = 'rotating', paper = false"


def now(door: Door) -> datetime:
    moment = door.shop.box.db.moved_clock
    assert moment is not None
    return moment


@pytest.mark.parametrize("seconds", [-60, -30, 0, 30, 60])
async def test_a_code_of_now_lets_in_whatever_clocks_are_off(door: Door, seconds: float) -> None:
    (code,), scanner = await door.tickets(), await door.scanner()
    await door.execute(ROTATING)
    text = (await door.rotating(code)).text_at(now(door) + timedelta(seconds=seconds))
    assert (await scanner.scan(text))["answer"] == "admitted"


@pytest.mark.parametrize("off", [-(TOLERANCE + STEP), TOLERANCE + STEP, timedelta(minutes=-10), timedelta(days=-400)])
async def test_an_old_picture_is_told_as_such(door: Door, off: timedelta) -> None:
    (code,), scanner = await door.tickets(), await door.scanner()
    await door.execute(ROTATING)
    told = await scanner.scan((await door.rotating(code)).text_at(now(door) + off))
    assert (told["answer"], told["because"], told["ticket"]) == ("cancelled", "old_picture", None)
    assert await door.value("SELECT status FROM ticket WHERE code = $1", code) == "active"


async def test_where_no_paper_is_taken_codes_that_stay_open_nothing(door: Door) -> None:
    (code,), scanner = await door.tickets(), await door.scanner()
    await door.execute(ROTATING)
    for read in (code, await door.payload(code)):
        told = await scanner.scan(read)
        assert (told["answer"], told["because"], told["ticket"]) == ("cancelled", "no_paper", None)
    assert (await scanner.scan(code, found=True))["answer"] == "admitted"


async def test_who_leaves_is_let_out_by_any_code(door: Door) -> None:
    (code,), scanner = await door.tickets(), await door.scanner()
    await door.execute(ROTATING)
    await scanner.scan((await door.rotating(code)).text_at(now(door)))
    told = await scanner.scan((await door.rotating(code)).text_at(now(door) - timedelta(hours=3)), direction="out")
    assert (told["answer"], told["because"], told["ticket"]["code"]) == ("left", None, code)


async def test_with_paper_both_kinds_let_in(door: Door) -> None:
    (first, second, third), scanner = await door.tickets(3), await door.scanner()
    await door.execute("UPDATE event SET code = 'rotating'")
    reads = (first, await door.payload(second), (await door.rotating(third)).text_at(now(door)))
    assert [(await scanner.scan(read))["answer"] for read in reads] == ["admitted"] * 3


async def test_a_code_is_of_one_ticket_and_one_revision(door: Door) -> None:
    (code,), scanner = await door.tickets(), await door.scanner()
    await door.execute(ROTATING)
    text = (await door.rotating(code)).text_at(now(door))
    await door.execute("UPDATE ticket SET revision = revision + 1")
    assert (await scanner.scan(text))["because"] == "reissued"
    assert (await scanner.scan((await door.rotating(code)).text_at(now(door))))["answer"] == "admitted"


async def test_what_a_scanner_answered_alone_is_judged_by_when_it_was(door: Door) -> None:
    (first, second), scanner = await door.tickets(2), await door.scanner()
    await door.execute(ROTATING)
    shown, stale = [(await door.rotating(code)).text_at(now(door)) for code in (first, second)]
    fresh = scanner.body(shown, answered="admitted")
    door.shop.box.db.moved_clock = now(door) + timedelta(minutes=10)
    late = scanner.body(stale, answered="admitted")
    told = (await scanner.send([fresh, late])).json()
    assert [one["objection"] for one in told] == [None, "cancelled"]


async def test_a_scanner_gets_what_it_needs_where_codes_rotate_alone(door: Door) -> None:
    (code,), scanner = await door.tickets(), await door.scanner()
    await door.payload(code)
    before = await scanner.sync()
    assert (before["takes_paper"], [key["fresh"] for key in before["keys"]]) == (True, [None])
    await door.execute(ROTATING)
    after = await scanner.sync()
    assert after["takes_paper"] is False
    assert [len(key["fresh"]) for key in after["keys"]] == [44]
    await door.execute("UPDATE event_key SET fresh_secret = NULL")
    text = (await door.rotating(code)).text_at(now(door))
    assert (await scanner.scan(text))["answer"] == "admitted"
