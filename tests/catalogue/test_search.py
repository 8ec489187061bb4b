"""Finding nights: by words however they are spelt, and by city, date, artist, venue and genre."""

from datetime import UTC, datetime

import pytest

from boxoffice.catalogue.search import Found, find_nights, read_wanted, searchable_words
from boxoffice.foundation.db import Database
from tests.conftest import ROOT
from tests.nights import load

TODAY = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)  # a Tuesday


async def load_demo(db: Database) -> None:
    await load(db, (ROOT / "nights" / "demo.toml").read_text(), TODAY)
    db.moved_clock = TODAY


async def found(db: Database, *, past: bool = False, limit: int = 48, **parameters: str) -> Found:
    wanted, errors = read_wanted(parameters, past=past)
    assert errors == ()
    async with db.transaction() as connection:
        return await find_nights(connection, wanted, limit)


async def slugs(db: Database, *, past: bool = False, **parameters: str) -> list[str]:
    return [night.slug for night in (await found(db, past=past, limit=48, **parameters)).nights]


@pytest.mark.parametrize(
    ("typed", "exact", "slug"),
    [
        ("kesselhaus", True, "kesselhaus-opening"),
        ("Kesselhaus NEUN", True, "kesselhaus-opening"),
        ("kess", True, "kesselhaus-opening"),  # while typing
        ("neun kessel", True, "kesselhaus-opening"),  # in any order
        ("keselhaus", False, "kesselhaus-opening"),
        ("kesslehaus neun", False, "kesselhaus-opening"),
        ("tecno", False, "kesselhaus-opening"),
        ("Šimůnek", True, "dub-club"),
        ("simunek", True, "dub-club"),
        ("simunk", False, "dub-club"),
        ("zolc", True, "osnowa"),  # Żółć
        ("łódź", True, "osnowa"),
        ("lodz", True, "osnowa"),
        ("poslední-smyčka!", True, "vinohradska-smycka"),
        ("نور", True, "noor"),
        ("الليل", True, "noor"),
        ("水瀬", True, "minamo-listening"),
        ("l’heure", True, "heure-volee"),
        ("montreal", True, "heure-volee"),
    ],
)
async def test_a_night_is_found_however_it_is_spelt(db: Database, typed: str, exact: bool, slug: str) -> None:
    await load_demo(db)
    result = await found(db, q=typed)
    assert slug in [night.slug for night in result.nights]
    assert result.exact is exact


async def test_nothing_is_found_for_what_is_like_nothing(db: Database) -> None:
    await load_demo(db)
    for typed in ("xqzwvy", "🎧", "--", "%", "_", "\\", ":*", "!&|()<->", "\u0301", "%" * 100):
        result = await found(db, q=typed)
        assert result.nights == [] or not result.exact, typed


async def test_of_many_words_those_that_mean_something_are_suggested(db: Database) -> None:
    await load_demo(db)
    result = await found(db, q="xqzwvy kesselhaus")
    assert result.nights == []
    assert "kesselhaus-opening" in [night.slug for night in result.suggested]


async def test_filters_combine(db: Database) -> None:
    await load_demo(db)
    assert await slugs(db, city="glasgow") == ["dub-club", "noor"]
    assert await slugs(db, city="Lodz") == ["osnowa"]
    assert await slugs(db, city="São Paulo") == ["garoa"]
    assert await slugs(db, artist="zoe-simunek") == ["dub-club", "vinohradska-smycka"]
    assert await slugs(db, venue="dock-hall", genre="dub") == ["dub-club"]
    assert await slugs(db, q="dub", city="glasgow", date="2026-12", genre="dub", artist="low-orbit") == ["dub-club"]
    assert await slugs(db, city="glasgow", genre="techno") == []


async def test_a_day_is_the_venues_and_a_festival_is_on_each_of_its_own(db: Database) -> None:
    await load_demo(db)
    assert await slugs(db, date="2026-12-04") == ["kesselhaus-opening"]
    assert await slugs(db, date="2026-12-05") == ["dub-club"]  # the opening's morning is the night before
    assert await slugs(db, date="2027-02-05") == await slugs(db, date="2027-02-06") == ["slipway"]
    assert await slugs(db, date="2027-02-07") == []
    assert "slipway" in await slugs(db, date="2027-02")


async def test_tonight_and_the_weekend_are_the_venues_too(db: Database) -> None:
    await load_demo(db)
    assert await slugs(db, date="tonight") == []
    assert await slugs(db, date="weekend") == []
    db.moved_clock = datetime(2026, 12, 2, 12, 0, tzinfo=UTC)  # the Wednesday before the opening
    assert await slugs(db, date="weekend") == ["kesselhaus-opening", "dub-club"]
    db.moved_clock = datetime(2026, 12, 5, 2, 0, tzinfo=UTC)  # three in the morning in Berlin: still Friday night
    assert await slugs(db, date="tonight") == ["kesselhaus-opening"]
    db.moved_clock = datetime(2026, 12, 5, 12, 0, tzinfo=UTC)
    assert await slugs(db, date="tonight") == ["dub-club"]
    assert await slugs(db, date="weekend") == ["dub-club"]


async def test_past_nights_stay_findable(db: Database) -> None:
    await load_demo(db)
    assert "kesselhaus-closing" not in await slugs(db, q="closing")
    assert await slugs(db, past=True, q="closing") == ["kesselhaus-closing"]
    db.moved_clock = datetime(2028, 1, 1, tzinfo=UTC)
    assert await slugs(db) == []
    everything = await slugs(db, past=True)
    assert (everything[0], everything[-1]) == ("heure-volee", "kesselhaus-closing")  # latest first


async def test_signs_that_mean_something_to_databases_are_harmless(db: Database) -> None:
    await load_demo(db)
    for typed in (
        "' OR 1=1 --",
        "a'b",
        "a:b:*",
        "a & !b | (c <-> d)",
        "a\\'b",
        "100%_",
        "a\0b",
        "\u202ea",
        "é" * 100,
        "a " * 50,
    ):
        await found(db, q=typed[:100], city=typed)


@pytest.mark.parametrize("past", [False, True])
async def test_pages_follow_each_other_without_a_gap(db: Database, past: bool) -> None:
    await load_demo(db)
    db.moved_clock = datetime(2028, 1, 1, tzinfo=UTC) if past else TODAY
    whole = await slugs(db, past=past)
    turned: list[str] = []
    after = ""
    for _ in range(len(whole)):
        page = await found(db, past=past, limit=4, after=after)
        turned += [night.slug for night in page.nights]
        after = page.next_after
        if not after:
            break
    assert turned == whole
    assert len(whole) > 12


async def test_a_new_name_is_found_at_once_and_a_draft_never(db: Database) -> None:
    await load_demo(db)
    text = (ROOT / "nights" / "demo.toml").read_text()
    await load(db, text.replace('"Mira Volt"', '"Mira Ampere"'), TODAY)
    assert "kesselhaus-opening" in await slugs(db, q="ampere")
    assert (await found(db, q="volt")).exact is False or "kesselhaus-opening" not in await slugs(db, q="volt")
    async with db.transaction() as connection:
        await connection.execute("UPDATE event SET status = 'draft', cancelled_reason = ''")
    assert await slugs(db) == await slugs(db, q="ampere") == []


@pytest.mark.parametrize(
    ("parameters", "field"),
    [
        ({"q": "a" * 101}, "q"),
        ({"date": "soon"}, "date"),
        ({"date": "2026-13"}, "date"),
        ({"date": "2026-02-30"}, "date"),
        ({"date": "٢٠٢٦-١٢"}, "date"),
        ({"artist": "../etc"}, "artist"),
        ({"venue": "A B"}, "venue"),
        ({"genre": "'"}, "genre"),
        ({"after": "\0"}, "after"),
    ],
)
def test_what_cannot_be_meant_is_named(parameters: dict[str, str], field: str) -> None:
    _, errors = read_wanted(parameters)
    assert [error.field for error in errors] == [field]


def test_words_are_letters_and_digits() -> None:
    assert searchable_words("Łódź! b2b_(x) \0 '--' ") == ("łódź", "b2b", "x")
    assert searchable_words("a a a") == ("a",)
