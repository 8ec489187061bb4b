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
        ("room_capacity = 60", 'genres = ["polka"]', "night[0].genres[0]"),
        ("room_capacity = 60", 'cancelled_reason = "Rain."', "night[0].cancelled_reason"),
        ("room_capacity = 60", 'last_entry_at = "21:00"', "night[0].last_entry_at"),
        ("room_capacity = 60", 'last_entry_at = "soon"', "night[0].last_entry_at"),
        ("room_capacity = 60", 'moved = { words = "Rain." }', "night[0].moved"),
        ("room_capacity = 60", 'moved = { from_starts_at = "x" }', "night[0].moved.from_starts_at"),
        ("room_capacity = 60", 'transfer_until = "in 40 days 12:00"', "night[0].transfer_until"),
        ("room_capacity = 60", 'transfers = false\ntransfer_until = "12:00"', "night[0].transfer_until"),
        ("room_capacity = 60", 'code = "spinning"', "night[0].code"),
        ("room_capacity = 60", "paper = false", "night[0].paper"),
        ("room_capacity = 60", 'policies = { dogs = "No." }', "night[0].policies"),
        ('starts_at = "in 31 days 01:00"', 'ends_at = "next day 02:00"', "night[0].line_up[0].ends_at"),
        ('starts_at = "in 31 days 01:00"', 'starts_at = "21:00"', "night[0].line_up[0].starts_at"),
        ('time_zone = "Europe/Berlin"', 'time_zone = "Europe/Berlin"\nlatitude = 3.0', "venue[0].longitude"),
        ('time_zone = "Europe/Berlin"', 'time_zone = "Europe/Berlin"\ncapacity = 0', "venue[0].capacity"),
        ('name = "Lo Kontakt"', 'name = "Lo"\n[[artist]]\nslug = "lo-kontakt"\nname = "x"', "artist[1].slug"),
        ('name = "Lo Kontakt"', 'name = "Lo"\ngenres = ["polka"]', "artist[0].genres[0]"),
        ('name = "Lo Kontakt"', 'name = "Lo"\ncountry = "Germany"', "artist[0].country"),
        (
            'name = "Lo Kontakt"',
            'name = "Lo"\nlink = [{ name = "x", url = "http://x.example" }]',
            "artist[0].link[0].url",
        ),
    ],
)
def test_each_slip_of_the_pen_is_named(old: str, new: str, field: str) -> None:
    assert old in NIGHT
    with pytest.raises(Unprocessable) as refused:
        read_nights_file(NIGHT.replace(old, new), NOW)
    assert field in [error.field for error in refused.value.errors]


async def test_how_tickets_of_a_night_are_sent_on_and_shown(db: Database) -> None:
    rules = 'transfer_until = "12:00"\ncode = "rotating"\npaper = false\nroom_capacity = 60'
    wish = "SELECT transfers, doors_at - transfer_until < interval '1 day', code, paper FROM event"
    for text, told in (
        (NIGHT, (True, None, "static", True)),
        (NIGHT.replace("room_capacity = 60", rules), (True, True, "rotating", False)),
        (NIGHT.replace("room_capacity = 60", "transfers = false\nroom_capacity = 60"), (False, None, "static", True)),
    ):
        await load(db, text)
        async with db.transaction() as connection:
            row = await connection.fetchrow(wish)
        assert row is not None
        assert tuple(row) == told


def test_broken_toml_is_refused() -> None:
    with pytest.raises(Unprocessable, match="not TOML"):
        read_nights_file("[[night", NOW)


def test_the_demo_file_can_be_meant() -> None:
    assert read_nights_file((ROOT / "nights" / "demo.toml").read_text(), NOW).nights


SOLD = Command("UPDATE stock SET used = 1 WHERE cap = 10")
MOVED = Query(str, "SELECT concat_ws(', ', title, moved_from_starts_at, moved_from_venue, moved_words) FROM event")
ELSEWHERE = """
[[venue]]
slug = "dach"
name = "Dach"
address = "Am Dach 1"
city = "Hamburg"
country = "DE"
time_zone = "Europe/Berlin"
"""


async def moved(db: Database, text: str) -> str | None:
    await load(db, text, NOW)
    async with db.transaction() as connection:
        return await MOVED.first(connection)


async def test_a_night_that_sold_remembers_where_and_when_it_was_to_be(db: Database) -> None:
    assert await moved(db, NIGHT) == "Tiefdruck Eins, , "
    later = NIGHT.replace("in 30 days", "in 40 days").replace("in 31 days", "in 41 days")
    assert await moved(db, later) == "Tiefdruck Eins, , "  # nobody has a ticket: nobody is told
    async with db.transaction() as connection:
        await SOLD.run(connection)
    former = "2026-12-11 22:00:00+00"
    assert await moved(db, NIGHT.replace("Tiefdruck Eins", "Tiefdruck")) == f"Tiefdruck, {former}, , "
    elsewhere = ELSEWHERE + NIGHT.replace('venue = "keller-drei"', 'venue = "dach"')
    assert await moved(db, elsewhere) == f"Tiefdruck Eins, {former}, Keller Drei, "
    assert await moved(db, elsewhere) == f"Tiefdruck Eins, {former}, Keller Drei, "  # marks stay
    assert await moved(db, NIGHT) == f"Tiefdruck Eins, {former}, Dach, "
    async with db.transaction() as connection:
        assert '"used": 1' in str(await EVERYTHING.first(connection))


async def test_what_the_file_says_of_a_move_is_taken_and_a_night_back_at_its_date_has_not_moved(db: Database) -> None:
    said = (
        '\n[night.moved]\nfrom_starts_at = "2026-11-20 23:00"\nfrom_venue = "Bar"\nwords = "Rain."\n\n[[night.line_up]]'
    )
    assert await moved(db, NIGHT.replace("\n[[night.line_up]]", said)) == (
        "Tiefdruck Eins, 2026-11-20 22:00:00+00, Bar, Rain."
    )
    back = NIGHT.replace("in 30 days", "2026-11-20").replace("in 31 days", "2026-11-21")
    assert await moved(db, back) == "Tiefdruck Eins, Bar, Rain."


async def test_a_change_counts_and_no_change_does_not(db: Database) -> None:
    revision = Query(int, "SELECT revision FROM event")
    for text, expected in (
        (NIGHT, 0),
        (NIGHT, 0),
        (NIGHT.replace("06:00", "07:00"), 1),
        (NIGHT.replace("06:00", "07:00").replace("01:00", "02:00"), 2),
        (NIGHT.replace("06:00", "07:00").replace("01:00", "02:00"), 2),
    ):
        await load(db, text, NOW)
        async with db.transaction() as connection:
            assert await revision.first(connection) == expected


async def test_the_whole_demo_twice_changes_nothing(db: Database) -> None:
    text = (ROOT / "nights" / "demo.toml").read_text()
    tables = (
        "event",
        "artist",
        "venue",
        "genre",
        "artist_link",
        "artist_genre",
        "event_genre",
        "line_up",
        "event_search",
    )
    parts = (f"(SELECT jsonb_agg(to_jsonb({one}) ORDER BY to_jsonb({one})) FROM {one})" for one in tables)
    everything = Query(str, f"SELECT concat_ws('', {', '.join(parts)})")
    await load(db, text, NOW)
    async with db.transaction() as connection:
        before = await everything.first(connection)
    await load(db, text, NOW)
    async with db.transaction() as connection:
        assert await everything.first(connection) == before


PROMO = '\n[[night.promo]]\ncode = "Friends-1"\npercent = 25\nuses_max = 3\n'
CODES = Query(str, "SELECT concat_ws(' ', coalesce(code, 'withdrawn'), percent, amount_minor, uses_max) FROM promo")


async def test_a_code_can_be_given_changed_withdrawn_and_given_again(db: Database) -> None:
    told: list[list[str]] = []
    for text in (PROMO, PROMO.replace("percent = 25", 'amount_off = "2.50"').replace("uses_max = 3\n", ""), "", PROMO):
        await load(db, NIGHT + text)
        async with db.transaction() as connection:
            told.append(await CODES.all(connection))
    assert told == [["FRIENDS-1 25 3"], ["FRIENDS-1 250"], ["withdrawn 250"], ["FRIENDS-1 25 3"]]


@pytest.mark.parametrize(
    ("old", "new", "field"),
    [
        ("percent = 25", "percent = 0", "promo[0].percent"),
        ("percent = 25", "percent = 101", "promo[0].percent"),
        ("percent = 25", "", "promo[0].percent"),
        ("percent = 25", 'percent = 25\namount_off = "1.00"', "promo[0].percent"),
        ("percent = 25", 'amount_off = "0.00"', "promo[0].amount_off"),
        ("percent = 25", 'amount_off = "1.005"', "promo[0].amount_off"),
        ("uses_max = 3", "uses_max = 0", "promo[0].uses_max"),
        ('"Friends-1"', '"two words"', "promo[0].code"),
        ("uses_max = 3", "uses_max = 3" + PROMO.replace("Friends", "FRIENDS"), "promo[1].code"),
    ],
)
def test_each_slip_in_a_code_is_named(old: str, new: str, field: str) -> None:
    assert old in PROMO
    with pytest.raises(Unprocessable) as refused:
        read_nights_file(NIGHT + PROMO.replace(old, new), NOW)
    assert f"night[0].{field}" in [error.field for error in refused.value.errors]


ENTRY_LISTS = """
[[night.entry_list]]
name = "Door"
re_entry = true

[[night.entry_list]]
name = "Backstage"
ticket_types = ["Entry"]
opens_at = "in 30 days 20:00"
"""
LISTS = Query(
    str,
    """SELECT concat_ws(' ', name, re_entry, to_char(opens_at AT TIME ZONE 'Europe/Berlin', 'HH24:MI'),
  (SELECT count(*) FROM entry_list_type WHERE list_id = entry_list.id)) FROM entry_list ORDER BY name""",
)


async def test_entry_lists_are_loaded_and_loaded_again(db: Database) -> None:
    for _ in range(2):
        await load(db, NIGHT + ENTRY_LISTS)
        async with db.transaction() as connection:
            assert await LISTS.all(connection) == ["Backstage f 20:00 1", "Door t 0"]
    await load(db, NIGHT + ENTRY_LISTS.replace('ticket_types = ["Entry"]\n', "").replace("re_entry = true\n", ""))
    async with db.transaction() as connection:
        assert await LISTS.all(connection) == ["Backstage f 20:00 0", "Door f 0"]


@pytest.mark.parametrize(
    ("old", "new", "field"),
    [
        ('"Backstage"', '"Door"', "entry_list[1].name"),
        ('["Entry"]', '["Entry", "Crew"]', "entry_list[1].ticket_types[1]"),
        ('"in 30 days 20:00"', '"soon"', "entry_list[1].opens_at"),
    ],
)
def test_an_entry_list_that_cannot_be_meant(old: str, new: str, field: str) -> None:
    with pytest.raises(Unprocessable) as refused:
        read_nights_file((NIGHT + ENTRY_LISTS).replace(old, new), NOW)
    assert [error.field for error in refused.value.errors] == [f"night[0].{field}"]


DOOR_PRICES = """
[[night.door_price]]
ticket_type = "Entry"
price = "15.00"

[[night.door_price]]
ticket_type = "Entry"
from = "next day 01:00"
price = "12.50"
cash = false
"""
PRICED = Query(
    str,
    """SELECT concat_ws(' ', to_char(from_at AT TIME ZONE 'Europe/Berlin', 'HH24:MI'), price_minor, cash, card)
FROM door_price ORDER BY from_at""",
)


async def test_prices_at_the_door_are_what_the_file_says_last(db: Database) -> None:
    for _ in range(2):
        await load(db, NIGHT + DOOR_PRICES)
        async with db.transaction() as connection:
            assert await PRICED.all(connection) == ["22:00 1500 t t", "01:00 1250 f t"]
    await load(db, NIGHT)
    async with db.transaction() as connection:
        assert await PRICED.all(connection) == []


@pytest.mark.parametrize(
    ("old", "new", "field"),
    [
        ('"15.00"', '"0"', "door_price[0].price"),
        ('"15.00"', '"0.20"', "door_price[0].card"),
        ('"15.00"', '"a lot"', "door_price[0].price"),
        ('ticket_type = "Entry"\nfrom', 'ticket_type = "Table"\nfrom', "door_price[1].ticket_type"),
        ('"next day 01:00"', '"22:00"', "door_price[1].from"),
        ('"next day 01:00"', '"next day 06:00"', "door_price[1].from"),
        ("cash = false", "cash = false\ncard = false", "door_price[1].cash"),
    ],
)
def test_a_price_at_the_door_that_cannot_be_meant(old: str, new: str, field: str) -> None:
    with pytest.raises(Unprocessable) as refused:
        read_nights_file((NIGHT + DOOR_PRICES).replace(old, new), NOW)
    assert field.replace("door_price", "night[0].door_price") in [error.field for error in refused.value.errors]
