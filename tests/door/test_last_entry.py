"""What lets nobody in any more is not sold any more: on the page, in the API, at the door, and on guest lists."""

import re
from datetime import timedelta
from typing import Any

import pytest

from boxoffice.catalogue.night import show_night
from boxoffice.catalogue.search import Wanted, find_nights
from boxoffice.guests.add import GuestListClosed, Named, add_guest
from boxoffice.guests.guest_list import list_named
from boxoffice.orders.place import Line, Request, SaleClosed
from boxoffice.orders.sell_at_door import door_offers, sell_at_door
from tests.door.conftest import Door
from tests.door.seller import AT_THE_DOOR, Seller
from tests.nights import load
from tests.shop import SLUG

EARLY = """
[[night.ticket_type]]
name = "Early"
last_entry_at = "next day 00:30"
release = [{ name = "Free", price = "0", quantity = 20 }]

[[night.door_price]]
ticket_type = "Early"
from = "in 30 days 21:00"
price = "5.00"
"""
FRIENDS = """
[[night.guest_list]]
name = "Friends"
given_by = "Lo Kontakt"
quota = 6
last_entry_at = "next day 00:30"
closes_at = "next day 02:00"
"""
TAKEN = "SELECT sum(used) FROM stock JOIN release ON stock_id = stock.id WHERE release.name = 'Free'"
HOURS, LATE = {"hours": 2, "minutes": 29}, {"hours": 2, "minutes": 30}


async def after_doors(door: Door, **how_long: float) -> None:
    door.shop.box.db.moved_clock = await door.value("SELECT doors_at FROM event") + timedelta(**how_long)


async def with_early(door: Door) -> str:
    """The night with a type that ends at half past midnight; its id."""
    db = door.shop.box.db
    opened, db.moved_clock = db.moved_clock, None
    await load(db, AT_THE_DOOR + EARLY)
    db.moved_clock = opened
    await sold_until_the_end(door)
    return await door.shop.ticket_type("Early")


async def sold_until_the_end(door: Door) -> None:
    await door.execute("UPDATE event SET sale_ends_at = ends_at")


def said(html: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


async def test_after_its_last_entry_a_type_is_not_sold_and_the_others_are(door: Door) -> None:
    early = await with_early(door)
    web = door.shop.web
    await after_doors(door, **HOURS)
    placed = await door.shop.ordered(1, ticket_type=early, key="a key of just before")
    taken = await door.value(TAKEN)
    await after_doors(door, **LATE)
    refused = await door.shop.order(1, ticket_type=early)
    assert (refused.status_code, refused.json()["type"]) == (409, "sale_closed")
    assert "Entry with these tickets has ended" in refused.json()["detail"]
    entry = {"ticket_type": await door.shop.ticket_type(), "quantity": 1}
    both = await door.shop.order(1, lines=[entry, {"ticket_type": early, "quantity": 1}])
    assert both.json()["type"] == "sale_closed"
    assert await door.value(TAKEN) == taken
    assert (await door.shop.ordered(1, ticket_type=early, key="a key of just before"))["code"] == placed["code"]
    await door.shop.ordered(1)
    told = {one["name"]: one["available"] for one in (await web.get(f"/api/v1/events/{SLUG}")).json()["ticket_types"]}
    assert told["Early"] == 0
    assert told["Entry"] > 0
    await door.shop.sound()


async def test_the_page_says_why_and_offers_what_is_left(door: Door) -> None:
    early = await with_early(door)
    await after_doors(door, **LATE)
    async with door.shop.box.db.transaction() as connection:
        night = await show_night(connection, SLUG)
        (card,) = (await find_nights(connection, Wanted())).nights
    assert (night.sale, card.sale) == ("open", "open")
    assert night.left == card.left
    assert {offer.name: offer.quantity_max for offer in night.offers} == {"Entry": 10, "Early": 0}
    page = (await door.shop.web.get(f"/events/{SLUG}")).text
    assert "Not sold any more: entry with it was until 00:30 ." in said(page)
    assert f'name="{early}"' not in page
    assert 'type="number"' in page


async def test_a_night_with_nothing_else_has_ended_its_sale(door: Door) -> None:
    await sold_until_the_end(door)
    await door.execute("UPDATE ticket_type SET last_entry_at = (SELECT doors_at FROM event) + interval '1 hour'")
    await after_doors(door, hours=1)
    async with door.shop.box.db.transaction() as connection:
        night = await show_night(connection, SLUG)
        (card,) = (await find_nights(connection, Wanted())).nights
    assert (night.sale, card.sale, card.price_from_minor) == ("ended", "ended", None)
    page = said((await door.shop.web.get(f"/events/{SLUG}")).text)
    assert "The sale has ended: nobody comes in with these tickets any more." in page
    assert "Not sold any more: entry with it was until 23:00 ." in page
    assert "Sold out" not in page


async def test_at_the_door_it_is_not_offered_and_not_sold(door: Door) -> None:
    early = await with_early(door)
    scanner = await door.scanner(sells=True)
    seller = Seller(door, scanner, early)
    await seller.post("/till", {"float": 20_000})
    await after_doors(door, **HOURS)
    async with door.shop.box.db.transaction() as connection:
        assert [one.name for one in await door_offers(connection, door.event_id)] == ["Entry", "Early"]
    await after_doors(door, **LATE)
    async with door.shop.box.db.transaction() as connection:
        assert [one.name for one in await door_offers(connection, door.event_id)] == ["Entry"]


async def test_money_that_comes_after_the_hour_for_an_order_that_ended_goes_back(door: Door) -> None:
    """Its units are not taken again: the ticket would open nothing."""
    await sold_until_the_end(door)
    order = await door.shop.ordered(1)
    taken = "SELECT take_again(event_id, id) FROM orders WHERE code = $1"
    await door.execute("UPDATE ticket_type SET last_entry_at = (SELECT doors_at FROM event)")
    await after_doors(door, hours=-1)
    async with door.shop.box.db.transaction() as connection:
        connection_says: Any = await connection.fetchval(taken, order["code"])
    assert connection_says is True
    await after_doors(door, hours=1)
    assert await door.value(taken, order["code"]) is False


@pytest.mark.parametrize("source", ["link", "csv"])
async def test_a_free_place_cannot_be_claimed_after_its_hour(door: Door, source: Any) -> None:
    db = door.shop.box.db
    opened, db.moved_clock = db.moved_clock, None
    await load(db, AT_THE_DOOR + FRIENDS)
    db.moved_clock = opened
    await after_doors(door, **HOURS)
    async with db.transaction() as connection:
        friends = await list_named(connection, SLUG, "Friends")
        assert friends.is_open
        await add_guest(connection, friends, Named("Anna Blum"), "a form of Anna", source)
    await after_doors(door, **LATE)
    async with db.transaction() as connection:
        friends = await list_named(connection, SLUG, "Friends")
        assert not friends.is_open
        assert friends.closes_at == friends.last_entry_at
        with pytest.raises(GuestListClosed, match="Entry by Friends has ended"):
            await add_guest(connection, friends, Named("Bea Blum"), "a form of Bea", source)


async def test_a_sale_that_began_before_is_refused_by_name(door: Door) -> None:
    """A screen that was drawn before the hour may still ask."""
    await with_early(door)
    await after_doors(door, **LATE)
    early = await door.value("SELECT id FROM ticket_type WHERE name = 'Early'")
    asked = Request("a sale at the door", "", (Line(early, 1, 500),))
    with pytest.raises(SaleClosed, match="Entry with Early has ended"):
        await door.shop.box.db.attempt(sell_at_door, door.event_id, asked, "cash", None)
