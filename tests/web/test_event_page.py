"""What everyone sees: the programme, a night with its ladder of prices, its poster."""

import re
from xml.etree import ElementTree as ET

import pytest
from httpx import AsyncClient

from boxoffice.box import BoxOffice
from boxoffice.edge.poster import Words, poster
from tests.nights import load
from tests.web.cast import LONG_NIGHT, place

EVENT = "/events/tiefdruck-eins"


async def test_the_programme_lists_nights_with_place_and_price(browser: AsyncClient) -> None:
    page = await browser.get("/")
    assert page.status_code == 200
    for words in ("Tiefdruck Eins", "Keller Drei", "Hamburg", "from €12.00", "Lo Kontakt"):
        assert words in page.text


async def test_a_night_is_told_whole(browser: AsyncClient) -> None:
    page = (await browser.get(EVENT)).text
    for words in ("Tiefdruck Eins", "Hafenweg 3", "18+", "Lo Kontakt", "01:00", "Berlin time", "<strong>warm</strong>"):
        assert words in page
    assert "only 10 left" in page
    assert "after that" in page
    assert "only 5 left" in page


async def test_a_table_and_a_last_entry_are_told_before_somebody_buys(browser: AsyncClient, box: BoxOffice) -> None:
    table = 'name = "Entry"\nadmits = 6\nlast_entry_at = "next day 00:30"'
    await load(box.db, LONG_NIGHT.replace('name = "Entry"', table, 1))
    page = re.sub(r"<[^>]+>", "", (await browser.get(EVENT)).text)
    assert "One ticket is for 6 people, who come in together. Entry with it until 00:30." in page
    assert "only 10 left" in page  # the room of 60 holds ten tables


async def test_everyone_gets_the_same_page_so_it_may_be_kept(browser: AsyncClient, box: BoxOffice) -> None:
    for address in ("/", EVENT):
        page = await browser.get(address)
        assert "set-cookie" not in page.headers
        assert re.search(r"public, max-age=\d, s-maxage=\d, stale-while-revalidate", page.headers["cache-control"])
        assert 'method="post"' not in page.text
        assert 'name="key"' not in page.text
        signed_in = await browser.get(address, headers={"Cookie": "session=somebody; order_ABCD=secret"})
        assert signed_in.text == page.text


async def test_the_ladder_says_sold_out_and_moves_on(browser: AsyncClient, box: BoxOffice) -> None:
    await place(box, quantity=10)
    page = (await browser.get(EVENT)).text
    assert "sold out" in page
    assert "from <strong>€16.50" in page
    assert "from €16.50" in (await browser.get("/")).text


async def test_a_sale_that_is_not_open_says_why_and_sells_nothing(browser: AsyncClient, box: BoxOffice) -> None:
    soon = LONG_NIGHT.replace("room_capacity", 'sale_starts_at = "in 9 days 12:00"\nroom_capacity')
    await load(box.db, soon)
    assert "On sale from" in (await browser.get(EVENT)).text
    async with box.db.transaction() as connection:
        await connection.execute("UPDATE event SET sale_starts_at = NULL, sale_ends_at = clock()")
    assert "The sale has ended" in (await browser.get(EVENT)).text
    async with box.db.transaction() as connection:
        await connection.execute("UPDATE event SET status = 'cancelled'")
    page = (await browser.get(EVENT)).text
    assert "This night is cancelled" in page
    assert 'type="number"' not in page
    assert "Cancelled" in (await browser.get("/")).text


async def test_a_full_room_is_sold_out_for_every_type(browser: AsyncClient, box: BoxOffice) -> None:
    async with box.db.transaction() as connection:
        await connection.execute(
            "UPDATE stock SET used = cap WHERE id = (SELECT DISTINCT room_stock_id FROM ticket_type)"
        )
    assert "Sold out." in (await browser.get(EVENT)).text
    assert "Sold out" in (await browser.get("/")).text


async def test_a_draft_and_an_unknown_night_are_one_answer(browser: AsyncClient, box: BoxOffice) -> None:
    async with box.db.transaction() as connection:
        await connection.execute("UPDATE event SET status = 'draft'")
    draft, unknown = await browser.get(EVENT), await browser.get("/events/nowhere")
    assert draft.status_code == unknown.status_code == 404
    assert draft.text == unknown.text
    assert (await browser.get("/events/nowhere/poster.svg")).status_code == 404


async def test_markup_in_a_description_is_harmless(browser: AsyncClient, box: BoxOffice) -> None:
    async with box.db.transaction() as connection:
        await connection.execute(
            "UPDATE event SET title = $1, description = $2",
            "<script>alert(1)</script>",
            "<script>alert(2)</script> [x](javascript:alert(3)) <img src=x onerror=alert(4)>",
        )
    page = (await browser.get(EVENT)).text
    assert "<script>alert" not in page
    assert 'href="javascript' not in page
    assert "<img src=x" not in page


async def test_the_poster_is_a_picture_that_is_always_the_same(browser: AsyncClient) -> None:
    poster = await browser.get(f"{EVENT}/poster.svg")
    assert poster.headers["content-type"].startswith("image/svg+xml")
    assert "max-age=3600" in poster.headers["cache-control"]
    assert poster.text == (await browser.get(f"{EVENT}/poster.svg")).text


async def test_choosing_and_checking_out_with_all_that_they_load_weigh_less_than_100_kilobytes(
    browser: AsyncClient, box: BoxOffice
) -> None:
    async with box.db.transaction() as connection:
        entry = await connection.fetchval("SELECT id FROM ticket_type WHERE name = 'Entry'")
    pages = [await browser.get(path) for path in (EVENT, f"{EVENT}/checkout?{entry}=2")]
    loaded = re.compile(r'(?:src|href)="(/static/[^"]+|/events/[^"]+\.svg)"')
    parts = sorted({part for page in pages for part in loaded.findall(page.text)})
    assert len(parts) >= 5
    answers = [*pages, *[await browser.get(part) for part in parts]]
    weights = {str(answer.url.path): int(answer.headers["content-length"]) for answer in answers}
    assert sum(weights.values()) < 100_000, weights


async def test_static_files_are_kept_under_their_version_only(browser: AsyncClient) -> None:
    address = re.findall(r'href="(/static/app.css[^"]+)"', (await browser.get("/")).text)[0]
    assert "immutable" in (await browser.get(address)).headers["cache-control"]
    assert "immutable" not in (await browser.get("/static/app.css?v=old")).headers["cache-control"]
    assert (await browser.get("/static/..%2Fapp.py")).status_code == 404


@pytest.mark.parametrize(
    "title",
    [
        *("Dub Club", "404", "Garden State of Mind", "Donaudampfschifffahrtsgesellschaft", "Ночь света", "夜の電車"),
        *("ليلة: a night of light", "🎧🔥", 'Rave 🌈 <Nation> & "Friends"', "x" * 200, "- - -"),
    ],
)
def test_every_title_makes_a_poster_that_is_small_and_well_formed(title: str) -> None:
    acts = ("Zoë Šimůnek", "نور الليل", "深夜急行", *(f"Act {number}" for number in range(12)))
    words = Words(title, "Fri 4 Dec", "23:00", "Kesselhaus <Neun>", "東京", acts)
    for luck in range(40):
        drawn = poster(f"a-night-{luck}", words)
        assert len(drawn.encode()) < 40_000
        picture = ET.fromstring(drawn)
        assert (picture.get("width"), picture.get("height")) == ("800", "1000")
        assert drawn == poster(f"a-night-{luck}", words)


def test_a_poster_says_what_letters_it_has_none_for_in_the_machines_own() -> None:
    drawn = poster("a-night", Words("夜の電車", "Fri 4 Dec", "23:00", "Dock Hall", "東京", ("نور الليل",)))
    for words in ("夜の電車", "東京", "نور الليل"):
        assert f">{words}</text>" in drawn
    assert "<text" not in poster("a-night", Words("Ночь Zoë", "Fri 4 Dec", "23:00", "Dock Hall", "Wien"))
