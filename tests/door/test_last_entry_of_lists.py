"""A list that ends earlier than its ticket types: what nobody can come in with any more is not sold, and its papers say
the earlier hour. Web, papers, scanners and their lists follow one rule, the views `list_type` and `type_entry`."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from boxoffice.catalogue.night import show_night
from boxoffice.catalogue.search import Wanted, find_nights
from boxoffice.guests.add import GuestListClosed, Named, add_guest
from boxoffice.guests.guest_list import list_named
from boxoffice.orders.place import Line, Request, SaleClosed
from boxoffice.orders.sell_at_door import door_offers, sell_at_door
from tests.door.conftest import Door, Scanner
from tests.door.seller import AT_THE_DOOR, Seller
from tests.door.test_last_entry import after_doors, said, sold_until_the_end
from tests.nights import load
from tests.shop import SLUG

MORE = """
[[night.ticket_type]]
name = "Early"
last_entry_at = "next day 00:30"
release = [{ name = "Early", price = "0", quantity = 20 }]

[[night.ticket_type]]
name = "Late"
last_entry_at = "next day 03:00"
release = [{ name = "Late", price = "0", quantity = 20 }]

[[night.door_price]]
ticket_type = "Late"
from = "in 30 days 21:00"
price = "5.00"

[[night.guest_list]]
name = "Friends"
given_by = "Lo Kontakt"
quota = 6
closes_at = "next day 04:00"

[[night.entry_list]]
name = "Door"
last_entry_at = "next day 01:00"

[[night.entry_list]]
name = "Side"
ticket_types = ["Entry"]
last_entry_at = "next day 02:00"

[[night.entry_list]]
name = "Backstage"
ticket_types = ["Friends"]
last_entry_at = "next day 00:00"
"""
FREE = AT_THE_DOOR.replace('price = "12.00"', 'price = "0"').replace('price = "16.50"', 'price = "0"')
UNTIL = {"Entry": 4, "Early": 2.5, "Late": 3}
"""Hours after the doors until the last list that takes it ends, or the type itself. The doors open at 22:00."""
LISTS = {"Door": ("Entry", "Early", "Late"), "Side": ("Entry",)}


async def with_lists(door: Door, more: str = MORE) -> None:
    db = door.shop.box.db
    opened, db.moved_clock = db.moved_clock, None
    await load(db, FREE + more)
    db.moved_clock = opened
    await sold_until_the_end(door)


async def sold(door: Door) -> dict[str, bool]:
    """Which ticket types the web sells, as the API says it; the page's offers and the batch must agree."""
    told = (await door.shop.web.get(f"/api/v1/events/{SLUG}")).json()["ticket_types"]
    async with door.shop.box.db.transaction() as connection:
        night = await show_night(connection, SLUG)
    answers = {one["name"]: (await door.shop.order(1, ticket_type=one["id"])).status_code for one in told}
    sells = {one["name"]: one["available"] > 0 for one in told}
    assert {offer.name: not offer.entry_ended for offer in night.offers} == sells
    assert answers == {name: 201 if is_sold else 409 for name, is_sold in sells.items()}
    return sells


async def test_what_is_sold_is_what_some_scanner_lets_in_and_what_its_list_says(door: Door) -> None:
    await with_lists(door)
    db = door.shop.box.db
    moments = [hours + late for hours in (2.5, 3, 4) for late in (-1 / 3600, 0)]
    codes: dict[tuple[float, str, str], str] = {}
    for list_name, names in LISTS.items():
        for name in names:
            order = await door.shop.ordered(len(moments), ticket_type=await door.shop.ticket_type(name))
            for moment, ticket in zip(moments, (await door.shop.look(order))["tickets"], strict=True):
                codes[moment, list_name, name] = ticket["code"]
    scanners = {name: await door.scanner(name, list_name=name) for name in LISTS}
    for moment in moments:
        await after_doors(door, hours=moment)
        let_in: dict[str, bool] = dict.fromkeys(UNTIL, False)
        for list_name, names in LISTS.items():
            alone = await says_alone(scanners[list_name], db.moved_clock)
            for name in names:
                answer = (await scanners[list_name].scan(codes[moment, list_name, name]))["answer"]
                assert alone[name] == (answer == "admitted"), (moment, list_name, name, answer)
                let_in[name] |= answer == "admitted"
        assert let_in == {name: moment < until for name, until in UNTIL.items()}
        assert await sold(door) == let_in, moment


async def says_alone(scanner: Scanner, now: datetime | None) -> dict[str, bool]:
    """Which types the list on the phone lets in for the first time, by its hours."""
    assert now is not None
    types = (await scanner.sync())["ticket_types"]
    return {
        one["name"]: not one["last_entry_at"] or now < datetime.fromisoformat(one["last_entry_at"]) for one in types
    }


async def test_page_and_programme_say_why_and_until_when(door: Door) -> None:
    await with_lists(door)
    await after_doors(door, hours=3)
    page = said((await door.shop.web.get(f"/events/{SLUG}")).text)
    assert "Not sold any more: entry with it was until 01:00 ." in page
    assert "Entry with it until 02:00 ." in page
    await after_doors(door, hours=4)
    async with door.shop.box.db.transaction() as connection:
        night = await show_night(connection, SLUG)
        (card,) = (await find_nights(connection, Wanted())).nights
    assert (night.sale, card.sale, card.price_from_minor) == ("ended", "ended", None)


@pytest.mark.parametrize(
    ("lists", "hours"),
    [
        ([], 5),
        ([("Door", None)], 5),
        ([("Door", 3)], 3),
        ([("Door", 6)], 5),
        ([("Door", 3), ("Side", None)], 5),
        ([("Door", 3), ("Side", 4)], 4),
        ([("Door", None), ("Crew", 1)], 5),
        ([("Crew", 1)], 5),
    ],
)
async def test_the_last_list_that_takes_a_type_tells_its_hour(
    door: Door, lists: list[tuple[str, int | None]], hours: int
) -> None:
    """`Crew` takes another type alone; one without a last entry never ends; without any the type's own is left."""
    await door.execute("UPDATE ticket_type SET last_entry_at = (SELECT doors_at FROM event) + interval '5 hours'")
    await door.execute(
        """INSERT INTO ticket_type (event_id, id, position, name, description)
        SELECT id, id, 9, 'Crew', '' FROM event"""
    )
    for name, last in lists:
        await door.execute(
            """INSERT INTO entry_list (event_id, id, name, last_entry_at, re_entry)
            SELECT id, gen_random_uuid(), $1::text, doors_at + $2::integer * interval '1 hour', false FROM event""",
            name,
            last,
        )
    await door.execute("INSERT INTO entry_list_type SELECT event_id, id, event_id FROM entry_list WHERE name = 'Crew'")
    said_until = await door.value(
        """SELECT type_entry.last_entry_at - doors_at FROM type_entry JOIN event ON event.id = type_entry.event_id
        JOIN ticket_type ON ticket_type.id = ticket_type_id WHERE name = 'Entry'"""
    )
    assert said_until == timedelta(hours=hours)


async def test_a_scanner_sells_what_its_own_list_lets_in(door: Door) -> None:
    await with_lists(door)
    main, side = await door.scanner(sells=True, list_name="Door"), await door.scanner(sells=True, list_name="Side")
    late = await door.value("SELECT id FROM ticket_type WHERE name = 'Late'")
    hours: dict[float, list[list[str]]] = {}
    for moment in (2.99, 3.0, 4.0):
        await after_doors(door, hours=moment)
        tills = [await Seller(door, one, str(late)).till() for one in (main, side)]
        hours[moment] = [[offer["name"] for offer in till["offers"]] for till in tills]
    assert hours == {2.99: [["Entry", "Late"], ["Entry"]], 3.0: [[], ["Entry"]], 4.0: [[], []]}
    async with door.shop.box.db.transaction() as connection:
        assert await door_offers(connection, door.event_id) == []
    asked = Request("a sale at the door", "", (Line(late, 1, 500),))
    with pytest.raises(SaleClosed, match="Entry with Late has ended"):
        await door.shop.box.db.attempt(sell_at_door, door.event_id, asked, "cash", None)


@pytest.mark.parametrize("source", ["link", "csv"])
async def test_a_guest_list_ends_with_the_last_list_that_takes_it(door: Door, source: Any) -> None:
    await with_lists(door)
    for hours, ended in ((2.99, False), (3, True)):
        await after_doors(door, hours=hours)
        async with door.shop.box.db.transaction() as connection:
            friends = await list_named(connection, SLUG, "Friends")
            assert (friends.is_open, friends.entry_ended) == (not ended, ended)
            assert friends.closes_at == friends.last_entry_at
            if ended:
                with pytest.raises(GuestListClosed, match="Entry by Friends has ended"):
                    await add_guest(connection, friends, Named("Bea Blum"), "a form of Bea", source)


async def test_another_hour_of_a_list_is_another_edition_of_the_night_and_the_same_is_none(door: Door) -> None:
    """Calendars and passes ask for the edition."""
    edition = "SELECT revision FROM event"
    editions: list[int] = []
    others = ("next day 01:00", "next day 01:00", "next day 02:30")
    for hour in others:
        await with_lists(door, MORE.replace("next day 01:00", hour))
        await door.execute("UPDATE event SET sale_ends_at = starts_at")
        editions.append(await door.value(edition))
    assert editions[0] == editions[1] < editions[2]
