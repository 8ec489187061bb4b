import pytest

from boxoffice.catalogue.events import event_on_sale
from boxoffice.catalogue.nights_file import read_nights_file
from boxoffice.foundation.db import Command, Database, Query
from boxoffice.foundation.problems import Unprocessable
from tests.conftest import ROOT
from tests.nights import NIGHT, NOW, load

SELL_OUT_EARLY_BIRD = Command("UPDATE stock SET used = cap, closed = true WHERE cap = 10")
EVERYTHING = Query(
    str,
    """SELECT coalesce(jsonb_agg(to_jsonb(event) - 'created_at' ORDER BY slug), '[]')::text
  || (SELECT jsonb_agg(to_jsonb(stock) ORDER BY id) FROM stock)::text
  || (SELECT jsonb_agg(to_jsonb(release) ORDER BY id) FROM release)::text
  || (SELECT jsonb_agg(to_jsonb(line_up) ORDER BY position) FROM line_up)::text FROM event""",
)


async def test_loading_twice_changes_nothing(db: Database) -> None:
    assert await load(db) == 1
    async with db.transaction() as connection:
        before = await EVERYTHING.first(connection)
    await load(db)
    async with db.transaction() as connection:
        assert await EVERYTHING.first(connection) == before


async def test_the_next_release_is_on_sale_when_one_is_gone(db: Database) -> None:
    await load(db)
    async with db.transaction() as connection:
        _, (first,) = await event_on_sale(connection, "tiefdruck-eins")
        await SELL_OUT_EARLY_BIRD.run(connection)
        _, (second,) = await event_on_sale(connection, "tiefdruck-eins")
    assert (first.price, first.available) == (1200, 10)
    assert (second.price, second.available) == (1650, 60)  # the room holds 60, the release 100


async def test_a_smaller_capacity_never_falls_below_what_is_sold(db: Database) -> None:
    await load(db)
    async with db.transaction() as connection:
        await SELL_OUT_EARLY_BIRD.run(connection)
    await load(db, NIGHT.replace("quantity = 10\n", "quantity = 3\n"))
    async with db.transaction() as connection:
        assert '"cap": 10, "used": 10' in str(await EVERYTHING.first(connection))


async def test_a_night_keeps_its_currency(db: Database) -> None:
    await load(db)
    with pytest.raises(Unprocessable, match="currency"):
        await load(db, NIGHT.replace('"eur"', '"gbp"'))


@pytest.mark.parametrize(
    ("old", "new", "field"),
    [
        ('price = "12.00"', 'price = "12.005"', "night[0].ticket_type[0].release[0].price"),
        ("quantity = 10\n", "quantity = 0\n", "night[0].ticket_type[0].release[0].quantity"),
        ('venue = "keller-drei"', 'venue = "nowhere"', "night[0].venue"),
        ('organisation = "tiefdruck"', 'organisation = "nobody"', "night[0].organisation"),
        ('artist = "lo-kontakt"', 'artist = "unknown"', "night[0].line_up[0].artist"),
        ("Europe/Berlin", "Europe/Nowhere", "venue.keller-drei.time_zone"),
        ('ends_at = "in 31 days 06:00"', 'ends_at = "in 30 days 06:00"', "night[0].starts_at"),
        ("room_capacity = 60", "room_capacity = 0", "night[0].room_capacity"),
        ("room_capacity = 60", "hold_minutes = 5", "night[0].hold_minutes"),
        ("room_capacity = 60", 'status = "maybe"', "night[0].status"),
        ("room_capacity = 60", "rum_capacity = 60", "night[0]"),
        ('"eur"', '"EUR"', "night[0].currency"),
        ('title = "Tiefdruck Eins"', 'title = "Tief\\u0000druck"', "night[0].title"),
        ('slug = "tiefdruck-eins"', 'slug = "Tief Druck"', "night[0].slug"),
        ('"DE"', '"Germany"', "venue[0].country"),
        ('slug = "tiefdruck-eins"', 'slug = "tiefdruck-eins\\n"', "night[0].slug"),
        ('"DE"', '"DE\\n"', "venue[0].country"),
        ('"eur"', '"eur\\n"', "night[0].currency"),
    ],
)
def test_each_slip_of_the_pen_is_named(old: str, new: str, field: str) -> None:
    assert old in NIGHT
    with pytest.raises(Unprocessable) as refused:
        read_nights_file(NIGHT.replace(old, new), NOW)
    assert field in [error.field for error in refused.value.errors]


def test_broken_toml_is_refused() -> None:
    with pytest.raises(Unprocessable, match="not TOML"):
        read_nights_file("[[night", NOW)


def test_the_demo_file_can_be_meant() -> None:
    assert read_nights_file((ROOT / "nights" / "demo.toml").read_text(), NOW).nights
