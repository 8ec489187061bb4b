"""What the organiser is told of the door."""

from datetime import timedelta
from typing import Any

from boxoffice.door.report import CURVE_MAX, SLOT, NightReport, night_report
from tests.door.conftest import Door, Scanner


async def report(door: Door) -> NightReport:
    async with door.shop.box.db.transaction(snapshot=True) as connection:
        return await night_report(connection, door.event_id)


async def alone(scanner: Scanner, code: str, **changes: Any) -> str:
    """Let in by a scanner without a network, told of at once."""
    body = scanner.body(code, answered="admitted", **changes)
    assert (await scanner.send(body)).status_code == 200
    return str(body["nonce"])


async def test_entries_curve_and_no_shows(door: Door) -> None:
    codes, scanner = await door.tickets(3), await door.scanner()
    await scanner.scan(codes[0])
    door.shop.box.db.moved_clock += timedelta(minutes=20)  # type: ignore[operator]
    await scanner.scan(codes[1])
    await scanner.scan(codes[1], direction="out")
    told = await report(door)
    assert [(one.name, one.came, one.inside, one.good, one.no_shows) for one in told.lists] == [("Door", 2, 1, 4, 2)]
    assert [(slot.entered, slot.left) for slot in told.curve] == [(1, 0), (1, 1)]
    assert [slot.inside for slot in told.curve] == [1, 1]
    assert (told.figures.came, told.figures.inside, told.figures.out, told.figures.missing) == (2, 1, 1, 2)
    assert [(gate.gate, gate.came, gate.left, gate.refused) for gate in told.gates] == [("Main door", 2, 1, 0)]
    assert told.conflicts == []


async def test_who_is_in_by_two_lists_is_one_person(door: Door) -> None:
    (code,) = await door.tickets()
    main = await door.scanner()
    await door.execute(
        "INSERT INTO entry_list (event_id, id, name, re_entry) VALUES ($1, gen_random_uuid(), 'Backstage', true)",
        door.event_id,
    )
    backstage = await door.scanner("Backstage", list_name="Backstage")
    await main.scan(code)
    door.shop.box.db.moved_clock += timedelta(minutes=20)  # type: ignore[operator]
    await backstage.scan(code)
    told = await report(door)
    assert (told.figures.came, told.figures.inside) == (1, 1)
    assert [slot.inside for slot in told.curve] == [1]
    await backstage.scan(code, direction="out")
    assert (await report(door)).figures.inside == 1, "still in by the door"


async def test_one_wrong_clock_does_not_stretch_the_curve(door: Door) -> None:
    codes, scanner = await door.tickets(2), await door.scanner()
    await scanner.scan(codes[0])
    await alone(scanner, codes[1], scanned_at="1970-01-01T00:00:00+00:00")
    told = await report(door)
    assert len(told.curve) <= CURVE_MAX / SLOT + 1
    assert told.curve[-1].inside == 2


async def test_two_doors_that_let_the_same_code_in_are_both_named(door: Door) -> None:
    (code,), east, west = await door.tickets(), await door.scanner("East"), await door.scanner("West")
    await alone(west, code)
    door.shop.box.db.moved_clock += timedelta(minutes=5)  # type: ignore[operator]
    await alone(east, code)
    (conflict,) = (await report(door)).conflicts
    assert (conflict.problem, conflict.ticket_code, conflict.gate, conflict.instead_gate) == (
        "let_in_twice",
        code,
        "East",
        "West",
    )


async def test_what_was_taken_back_is_no_conflict(door: Door) -> None:
    (code,), east, west = await door.tickets(), await door.scanner("East"), await door.scanner("West")
    await alone(west, code)
    nonce = await alone(east, code)
    assert len((await report(door)).conflicts) == 1
    await east.undo(nonce)
    assert (await report(door)).conflicts == []


async def test_a_refunded_ticket_that_was_let_in_and_one_that_nobody_knows(door: Door) -> None:
    (code,), scanner = await door.tickets(), await door.scanner()
    await door.execute("UPDATE ticket SET status = 'refunded' WHERE code = $1", code)
    await alone(scanner, code)
    await alone(scanner, "no ticket")
    assert sorted(one.problem for one in (await report(door)).conflicts) == ["refunded", "unknown"]


async def test_gates_lists_scanners_and_the_night_count_the_same_people(door: Door) -> None:
    """Somebody who comes back, a zone, an entry that lost to another and a refusal are nobody who came."""
    codes, east, west = await door.tickets(3), await door.scanner("East"), await door.scanner("West", "supervisor")
    await door.execute("UPDATE entry_list SET re_entry = true")
    await door.execute(
        "INSERT INTO entry_list (event_id, id, name, re_entry) VALUES ($1, gen_random_uuid(), 'Stage', true)",
        door.event_id,
    )
    stage = await door.scanner("Stage", list_name="Stage")
    for scanner, code, changes in (
        *((east, codes[0], {}), (east, codes[0], {"direction": "out"}), (west, codes[0], {})),
        *((west, codes[1], {}), (west, codes[1], {"override": "known"}), (stage, codes[1], {})),
        (stage, "no ticket", {}),
    ):
        await scanner.scan(code, **changes)
        door.shop.box.db.moved_clock += timedelta(seconds=30)  # type: ignore[operator]
    await alone(west, codes[2])
    door.shop.box.db.moved_clock += timedelta(seconds=30)  # type: ignore[operator]
    await alone(east, codes[2])
    told = await report(door)
    assert {(gate.gate, gate.list_name): (gate.came, gate.again, gate.left, gate.refused) for gate in told.gates} == {
        ("East", "Door"): (1, 0, 1, 0),
        ("West", "Door"): (2, 2, 0, 0),
        ("Stage", "Stage"): (1, 0, 0, 1),
    }
    assert {one.name: (one.came, one.again, one.inside) for one in told.lists} == {
        "Door": (3, 2, 3),
        "Stage": (1, 0, 1),
    }
    assert (told.figures.came, told.figures.inside, told.figures.out) == (3, 3, 0)
    assert [(await one.sync())["counts"]["entered"] for one in (east, west, stage)] == [3, 3, 1]
    assert sum(one.came for one in told.types) == told.figures.came
