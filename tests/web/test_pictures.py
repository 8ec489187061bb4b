"""The pictures that shared links show."""

import re

import pytest
from httpx import AsyncClient

from boxoffice.box import BoxOffice
from boxoffice.catalogue.palettes import palette_of
from boxoffice.edge.poster import artwork
from boxoffice.web.storefront.picture import NIGHT
from tests.nights import NIGHT as ONE_NIGHT
from tests.nights import load
from tests.paper import pixels

PICTURE = "/events/tiefdruck-eins/picture.png"
SIZE_MAX = 300_000


async def picture(browser: AsyncClient, path: str = PICTURE) -> bytes:
    answer = await browser.get(path)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "image/png"
    assert len(answer.content) < SIZE_MAX
    assert pixels(answer.content).shape == (630, 1200, 3)
    return answer.content


async def change(box: BoxOffice, sql: str) -> None:
    async with box.db.transaction() as connection:
        await connection.execute(sql)


async def test_a_night_has_a_picture_in_its_own_colours(browser: AsyncClient) -> None:
    drawn = pixels(await picture(browser))
    red, green, blue = (int(palette_of("tiefdruck-eins").ground[at : at + 2], 16) for at in (1, 3, 5))
    assert drawn[2, 2].tolist() == [blue, green, red]
    assert (drawn[:, :690] != drawn[2, 2]).any(axis=2).sum() > 10_000, "there are letters beside the art"


async def test_a_picture_is_kept_and_asked_for_again_by_its_tag(browser: AsyncClient) -> None:
    first = await browser.get(PICTURE)
    assert "max-age=600" in first.headers["cache-control"]
    assert "public" in first.headers["cache-control"]
    assert "set-cookie" not in first.headers
    again = await browser.get(PICTURE, headers={"If-None-Match": f"W/{first.headers['etag']}"})
    assert (again.status_code, again.content) == (304, b"")
    assert (await browser.get(PICTURE, headers={"If-None-Match": '"other"'})).status_code == 200


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE event SET status = 'cancelled'",
        "UPDATE event SET moved_from_venue = 'Elsewhere'",
        "UPDATE stock SET used = cap",
        "UPDATE event SET sale_starts_at = clock() + interval '1 day'",
        "UPDATE event SET title = 'نور: a night of light'",
        "UPDATE release SET price_minor = 0",
        "UPDATE artist SET name = 'Ein anderer'",
    ],
)
async def test_it_shows_what_is_true_now(browser: AsyncClient, box: BoxOffice, sql: str) -> None:
    before = await picture(browser)
    await change(box, sql)
    assert await picture(browser) != before
    assert await picture(browser) == await picture(browser)


async def test_a_night_that_is_not_there_has_none(browser: AsyncClient, box: BoxOffice) -> None:
    assert (await browser.get("/events/nowhere/picture.png")).status_code == 404
    await change(box, "UPDATE event SET status = 'draft'")
    assert (await browser.get(PICTURE)).status_code == 404


async def test_the_site_has_one_with_nights_and_without(browser: AsyncClient, box: BoxOffice) -> None:
    with_nights = await picture(browser, "/picture.png")
    for number in range(6):
        await load(box.db, re.sub("tiefdruck-eins", f"night-{number}", ONE_NIGHT))
    assert await picture(browser, "/picture.png") != with_nights
    await change(box, "UPDATE event SET status = 'draft'")
    await picture(browser, "/picture.png")


@pytest.mark.slow
async def test_no_pattern_and_no_colour_makes_a_heavy_picture(box: BoxOffice) -> None:
    for number in range(60):
        slug = f"night-{number}"
        palette = palette_of(slug)
        words = {"title": "Ein recht langer Titel", "venue": "Keller Drei", "city": "Hamburg", "badge": "from €12.00"}
        data = words | {"acts": ["Lo Kontakt"] * 5, "more": ["3 more"], "when": "Fri 4 Dec 2026", "han": []}
        colours = {"art": artwork(slug), "ground": palette.ground, "letters": palette.letters}
        assert len(await box.typesetter.png(NIGHT, data | colours)) < SIZE_MAX, slug
