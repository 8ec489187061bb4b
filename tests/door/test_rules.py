"""What a door asks and when it is too late: rules of ticket types and lists, guests, tables, zones."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from boxoffice.catalogue.load_nights import load_nights
from boxoffice.catalogue.nights_file import read_nights_file
from boxoffice.door.report import night_report
from boxoffice.foundation.db import Connection
from boxoffice.foundation.problems import NotFound
from boxoffice.guests.add import Named, add_guest
from boxoffice.guests.guest_list import list_named
from boxoffice.orders.decide_refund import Wish, decide_refund
from boxoffice.reports.audit import audit
from tests.door.conftest import Door
from tests.nights import NIGHT
from tests.shop import SLUG

MORE = """
[[night.ticket_type]]
name = "Table"
admits = 6
check = []
release = [{ name = "Table", price = "0", quantity = 20 }]

[[night.ticket_type]]
name = "Early"
last_entry_at = "next day 00:30"
release = [{ name = "Free", price = "0", quantity = 20 }]

[[night.guest_list]]
name = "Artists"
given_by = "Lo Kontakt"
quota = 9
plus_ones_max = 3
check = ["name"]

[[night.entry_list]]
name = "Door"
re_entry = true

[[night.entry_list]]
name = "Backstage"
ticket_types = ["Artists"]
last_entry_at = "next day 01:00"
"""
RULES = NIGHT.replace("room_capacity = 60", 'room_capacity = 60\ncheck = ["age"]') + MORE


async def with_rules(door: Door) -> None:
    """The night again, with what its file says more."""

    async def load(connection: Connection) -> None:
        await load_nights(connection, read_nights_file(RULES, datetime.now().astimezone()))

    db = door.shop.box.db
    opened, db.moved_clock = db.moved_clock, None
    await db.attempt(load)
    db.moved_clock = opened


async def bought(door: Door, ticket_type: str, quantity: int = 1) -> tuple[str, list[str]]:
    """A free order's code, and those of its tickets."""
    db = door.shop.box.db
    opened, db.moved_clock = db.moved_clock, None
    order = await door.shop.ordered(quantity, ticket_type=await door.shop.ticket_type(ticket_type))
    codes = [ticket["code"] for ticket in (await door.shop.look(order))["tickets"]]
    db.moved_clock = opened
    return order["code"], codes


async def guest(door: Door, name: str = "Anna Blum", plus_ones: int = 0) -> list[str]:
    """The codes of a guest of the artists and who comes along."""

    async def add(connection: Connection) -> str:
        found = await list_named(connection, SLUG, "Artists")
        return (await add_guest(connection, found, Named(name, plus_ones), f"a form for {name}", "csv")).code

    code = await door.shop.box.db.attempt(add)
    return await door.value(
        """SELECT array_agg(ticket.code ORDER BY number) FROM ticket JOIN orders ON orders.id = order_id
        WHERE orders.code = $1""",
        code,
    )


async def after_doors(door: Door, **how_long: float) -> None:
    """It is so long after the doors, which open at 22:00."""
    door.shop.box.db.moved_clock = await door.value("SELECT doors_at FROM event") + timedelta(**how_long)


async def sound(door: Door) -> None:
    async with door.shop.box.db.transaction(snapshot=True) as connection:
        found: dict[str, Any] = {one.name: rows for one, rows in (await audit(connection)).items() if rows}
    assert {name: rows for name, rows in found.items() if name != "jobs are done"} == {}  # its clock was moved


async def test_a_table_comes_in_by_one_scan_and_is_counted_by_its_people(door: Door) -> None:
    await with_rules(door)
    scanner, (_, (table, _)) = await door.scanner(), await bought(door, "Table", 2)
    before = (await scanner.sync())["counts"]
    told = await scanner.scan(table)
    assert (told["answer"], told["ticket"]["admits"], told["ticket"]["checks"]) == ("admitted", 6, [])
    counts = (await scanner.sync())["counts"]
    assert counts == before | {"entered": 6, "inside": 6, "last_minutes": 6, "in_room": 6}
    assert counts["good"] == 13  # two tables and the one who had bought before
    assert (await scanner.scan(table, direction="out"))["answer"] == "left"
    assert (await scanner.sync())["counts"]["inside"] == 0
    async with door.shop.box.db.transaction() as connection:
        report = await night_report(connection, door.event_id)
    (backstage, main) = report.lists
    assert (main.came, main.inside, main.good, main.no_shows) == (6, 0, 13, 7)
    assert backstage.good == 0
    assert [(slot.entered, slot.left) for slot in report.curve] == [(6, 6)]
    await sound(door)


async def test_a_table_takes_a_place_of_the_room_for_each_person(door: Door) -> None:
    """One had bought before, so nine tables fit into the room of 60, and five single tickets beside them."""
    await with_rules(door)
    room = "SELECT used FROM stock WHERE cap = 60"
    code, tickets = await bought(door, "Table", 5)
    assert await door.value(room) == 31
    door.shop.box.db.moved_clock = None
    table = await door.shop.ticket_type("Table")
    refused = await door.shop.order(5, ticket_type=table)
    assert (refused.status_code, refused.json()["type"]) == (409, "sold_out")
    await bought(door, "Table", 4)
    assert await door.value(room) == 55
    offers = {one["name"]: one for one in (await door.shop.web.get(f"/api/v1/events/{SLUG}")).json()["ticket_types"]}
    assert (offers["Table"]["available"], offers["Table"]["admits"], offers["Early"]["available"]) == (0, 6, 5)
    await door.shop.box.db.attempt(decide_refund, code, Wish(tickets=(tickets[0],)))
    assert await door.value(room) == 49
    await door.shop.box.db.attempt(decide_refund, code, Wish())
    assert await door.value(room) == 25
    await with_rules(door)
    assert await door.value("SELECT admits FROM ticket_type WHERE name = 'Table'") == 6
    await sound(door)


async def test_how_many_a_ticket_admits_stays_once_it_is_sold(door: Door) -> None:
    await with_rules(door)
    await bought(door, "Table")
    for file in (RULES.replace("admits = 6", "admits = 8"), RULES.replace('"Free", price', '"Other", price')):
        await door.shop.box.db.attempt(load_nights, read_nights_file(file, datetime.now().astimezone()))
    assert await door.value("SELECT admits FROM ticket_type WHERE name = 'Table'") == 6


async def test_after_the_last_entry_the_door_says_why(door: Door) -> None:
    await with_rules(door)
    scanner, boss = await door.scanner(), await door.scanner(role="supervisor")
    (_, (early, late, third)) = await bought(door, "Early", 3)
    await after_doors(door, hours=2, minutes=29)
    assert (await scanner.scan(early))["answer"] == "admitted"
    await after_doors(door, hours=2, minutes=30)
    told = await scanner.scan(late)
    assert (told["answer"], told["because"]) == ("blocked", "too_late")
    zone = (await scanner.sync())["time_zone"]
    assert (told["ticket"]["last_entry_at"], zone) == (_text(door.shop.box.db.moved_clock), "Europe/Berlin")
    await door.execute("UPDATE ticket SET blocked_reason = 'disputed' WHERE code = $1", third)
    held_back = await scanner.scan(third)
    assert (held_back["answer"], held_back["because"]) == ("blocked", None)
    assert (await scanner.scan(early))["answer"] == "already_used"
    let_in = await boss.scan(late, override="came in time, waited in the queue")
    assert (let_in["answer"], let_in["because"]) == ("admitted", None)
    assert await door.value("SELECT count(*) FROM scan WHERE because = 'too_late'") == 1


async def test_the_same_scan_told_again_is_still_too_late(door: Door) -> None:
    await with_rules(door)
    scanner, (_, (code,)) = await door.scanner(), await bought(door, "Early")
    await after_doors(door, hours=3)
    body = scanner.body(code)
    answers = [(await scanner.send(body)).json() for _ in range(2)]
    assert answers[0] == answers[1]
    assert answers[0]["because"] == "too_late"


async def test_who_was_in_before_comes_back_in_after_the_last_entry(door: Door) -> None:
    await with_rules(door)
    scanner, (_, (code,)) = await door.scanner(), await bought(door, "Early")
    await scanner.scan(code)
    await after_doors(door, hours=2)
    assert (await scanner.scan(code, direction="out"))["answer"] == "left"
    await after_doors(door, hours=4)
    assert (await scanner.scan(code))["answer"] == "admitted"


async def test_a_door_without_network_is_judged_by_when_it_scanned(door: Door) -> None:
    await with_rules(door)
    scanner, (_, (in_time, too_late, refused)) = await door.scanner(), await bought(door, "Early", 3)
    await after_doors(door, hours=2, minutes=20)
    first = scanner.body(in_time, answered="admitted")
    await after_doors(door, hours=2, minutes=40)
    second, third = scanner.body(too_late, answered="admitted"), scanner.body(refused, answered="blocked")
    await after_doors(door, hours=5)
    sent_at = _text(door.shop.box.db.moved_clock)
    answers = (await scanner.send([body | {"sent_at": sent_at} for body in (first, second, third)])).json()
    assert [(one["answer"], one["objection"], one["because"]) for one in answers] == [
        ("admitted", None, None),
        ("admitted", "blocked", "too_late"),
        ("blocked", None, "too_late"),
    ]
    async with door.shop.box.db.transaction() as connection:
        (conflict,) = (await night_report(connection, door.event_id)).conflicts
    assert (conflict.problem, conflict.ticket_code) == ("blocked", too_late)


async def test_nobody_is_too_late_to_go_out(door: Door) -> None:
    await with_rules(door)
    scanner, (_, (never_in, inside)) = await door.scanner(), await bought(door, "Early", 2)
    await scanner.scan(inside)
    await after_doors(door, hours=5)
    told = [await scanner.scan(code, direction="out") for code in (never_in, inside)]
    told.append(await scanner.scan(never_in, direction="out", answered="not_inside"))
    assert [(one["answer"], one["objection"], one["because"]) for one in told] == [
        ("not_inside", None, None),
        ("left", None, None),
        ("not_inside", None, None),
    ]


async def test_before_a_list_opens_is_told_by_when_it_was_scanned_too(door: Door) -> None:
    (code,), scanner = await door.tickets(), await door.scanner()
    await after_doors(door, hours=-2)
    body = scanner.body(code, answered="admitted")
    await after_doors(door, hours=1)
    (told,) = (await scanner.send([body | {"sent_at": _text(door.shop.box.db.moved_clock)}])).json()
    assert (told["answer"], told["objection"]) == ("admitted", "not_yet")


async def test_a_guest_with_two_is_three_entries(door: Door) -> None:
    await with_rules(door)
    scanner, codes = await door.scanner(), await guest(door, "Anna Blum", 2)
    synced = await scanner.sync()
    artists = next(one for one in synced["ticket_types"] if one["name"] == "Artists")
    assert artists == {
        "name": "Artists",
        "admits": 1,
        "checks": ["name"],
        "last_entry_at": None,
        "given_by": "Lo Kontakt",
    }
    party = [one for one in synced["tickets"] if one["ticket_type"] == "Artists"]
    assert sorted(one["holder"] for one in party) == ["Anna Blum", "With Anna Blum", "With Anna Blum"]
    assert len({one["order_code"] for one in party}) == 1
    told = [await scanner.scan(code) for code in codes]
    assert [one["answer"] for one in told] == ["admitted"] * 3
    assert (told[0]["ticket"]["holder"], told[0]["ticket"]["checks"]) == ("Anna Blum", ["name"])
    assert (await scanner.sync())["counts"]["inside"] == 3
    assert (await scanner.undo(told[1]["nonce"]))["answer"] == "undone"
    assert (await scanner.sync())["counts"]["inside"] == 2
    assert [one["answer"] for one in [await scanner.scan(code) for code in codes]] == [
        *["already_used", "admitted", "already_used"]
    ]


async def test_zones_have_their_own_tickets_entries_and_hours(door: Door) -> None:
    await with_rules(door)
    (code,) = await door.tickets()
    (artist, friend) = await guest(door, "Lo Kontakt", 1)
    main, backstage = await door.scanner(), await door.scanner("Backstage", list_name="Backstage")
    assert (await backstage.scan(code))["answer"] == "wrong_list"
    assert [(await one.scan(artist))["answer"] for one in (main, backstage)] == ["admitted", "admitted"]
    assert (await backstage.sync())["counts"]["inside"] == 1
    assert (await main.scan(artist, direction="out"))["answer"] == "left"
    assert (await main.scan(artist))["answer"] == "admitted"  # the door knows re-entry
    assert (await backstage.scan(artist, direction="out"))["answer"] == "left"
    assert (await backstage.scan(artist))["answer"] == "already_used"  # backstage does not
    await after_doors(door, hours=3)
    told = [await one.scan(friend) for one in (backstage, main)]
    assert [(one["answer"], one["because"]) for one in told] == [("blocked", "too_late"), ("admitted", None)]
    types = {one["name"]: one["last_entry_at"] for one in (await backstage.sync())["ticket_types"]}
    assert types["Early"] < types["Artists"] == _text(door.shop.box.db.moved_clock)  # the rule that ends first
    await sound(door)


async def test_who_asks_for_a_list_that_is_not_there_hears_of_those_that_are(door: Door) -> None:
    await with_rules(door)
    with pytest.raises(NotFound, match=r"This night has no list called Roof\. It has: Door, Backstage\."):
        await door.link(list_name="Roof")


async def test_a_night_asks_for_what_its_types_do_not_say_otherwise(door: Door) -> None:
    await with_rules(door)
    (code,), scanner = await door.tickets(), await door.scanner()
    assert (await scanner.scan(code))["ticket"]["checks"] == ["age"]
    synced = await scanner.sync()
    assert {one["name"]: one["checks"] for one in synced["ticket_types"]} == {
        "Entry": ["age"],
        "Table": [],
        "Early": ["age"],
        "Artists": ["name"],
    }
    assert synced["age_minimum"] == 18


@pytest.mark.parametrize("wrong", ["{pets}", "{age,NULL}"])
async def test_the_database_knows_no_other_check(door: Door, wrong: str) -> None:
    with pytest.raises(Exception, match="ticket_type_checks_check"):
        await door.execute("UPDATE ticket_type SET checks = $1::text::text[]", wrong)


def _text(moment: datetime | None) -> str:
    assert moment is not None
    return moment.isoformat().replace("+00:00", "Z")
