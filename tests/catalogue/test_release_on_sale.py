"""Which release is on sale: database, pages and the batch that sells say the same of any ladder."""

from collections.abc import Sequence
from random import Random
from uuid import UUID

import pytest

from boxoffice.catalogue.events import event_on_sale
from boxoffice.catalogue.night import show_night
from boxoffice.catalogue.search import Wanted, find_nights
from boxoffice.foundation.db import Connection, Database
from boxoffice.orders.place import Counter, Line, Placed, Request, SoldOut
from tests.nights import NIGHT, load
from tests.orders.test_place import ENTRY, EVENT

SLUG = "tiefdruck-eins"
PRICES = (1200, 1650, 1900, 2100)
LADDER = NIGHT + "".join(
    f"""
[[night.ticket_type.release]]
name = "Release {number}"
price = "{price // 100}.00"
quantity = 10
"""
    for number, price in enumerate(PRICES[2:], 3)
)


async def leave(connection: Connection, left: Sequence[int], room_left: int) -> None:
    """So much is left of each release and of the room."""
    for position, units in enumerate(left):
        await connection.execute(
            "UPDATE stock SET used = cap - $1 FROM release WHERE stock.id = stock_id AND position = $2", units, position
        )
    await connection.execute(
        "UPDATE stock SET used = cap - $1 FROM ticket_type WHERE stock.id = room_stock_id", room_left
    )


async def answers(
    db: Database, counter: Counter, entry: UUID, quantity: int, key: str
) -> tuple[int | None, int | None, int | None]:
    """The unit price that the database, the page and a sale give for so many; None: not to be had."""
    async with db.transaction() as connection:
        on_sale = await connection.fetchrow(
            "SELECT price_minor, available FROM release_on_sale($1, $2)", counter.event_id, quantity
        )
        assert on_sale is not None
        rung = (await show_night(connection, SLUG)).offers[0].rung_for(quantity)
    (placed,) = await counter.flush([Request(key, f"{key}@example.org", (Line(entry, quantity),))])
    assert isinstance(placed, Placed | SoldOut)
    return (
        int(on_sale["price_minor"]) if int(on_sale["available"]) >= quantity else None,
        rung.price_minor if rung else None,
        placed.total_minor // quantity if isinstance(placed, Placed) else None,
    )


async def test_database_pages_and_sales_agree_on_any_ladder(db: Database) -> None:
    await load(db, LADDER)
    async with db.transaction() as connection:
        event, entry = await EVENT.first(connection), await ENTRY.first(connection)
        await connection.execute("UPDATE stock SET cap = 1000")
    assert event is not None
    assert entry is not None
    counter, dice, seen = Counter(db, *event, minimum_minor=50), Random(20261124), set[int | None]()
    for number in range(60):
        async with db.transaction() as connection:
            await connection.execute("UPDATE stock SET closed = false")
            await leave(connection, [dice.choice((0, 0, 1, 3, 8)) for _ in PRICES], dice.choice((0, 1, 4, 50)))
        prices = await answers(db, counter, entry, dice.choice((1, 2, 4, 10)), f"key-of-number-{number:04}")
        assert len(set(prices)) == 1, prices
        seen |= set(prices)
    assert seen == {*PRICES, None}


@pytest.mark.parametrize(
    ("left", "room_left", "price", "available"),
    [
        ((10, 5, 5, 5), 60, 1200, 10),
        ((0, 5, 5, 5), 3, 1650, 3),
        ((0, 0, 0, 2), 60, 2100, 2),
        ((0, 0, 0, 0), 60, 2100, 0),
        ((0, 5, 5, 5), 0, 2100, 0),
    ],
)
async def test_the_api_and_the_programme_name_its_price(
    db: Database, left: tuple[int, ...], room_left: int, price: int, available: int
) -> None:
    await load(db, LADDER)
    async with db.transaction() as connection:
        await leave(connection, left, room_left)
        _, (entry,) = await event_on_sale(connection, SLUG)
        (card,) = (await find_nights(connection, Wanted())).nights
        now = (await show_night(connection, SLUG)).offers[0].now
    assert (entry.price, entry.available) == (price, available)
    assert (now.price_minor, now.left) == (price, available)
    assert card.price_from_minor == (price if available else None)
