"""`/events/{slug}/picture.png` and `/picture.png`: what a shared link shows, 1200 by 630 pixels (Open Graph)."""

from pathlib import Path
from zoneinfo import ZoneInfo

from litestar import Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.types import Scope

from boxoffice.box import BoxOffice
from boxoffice.catalogue.night import Night, show_night
from boxoffice.catalogue.palettes import palette_of
from boxoffice.catalogue.search import NightCard, Wanted, find_nights
from boxoffice.edge.letters import stretched
from boxoffice.edge.poster import Words, artwork, poster, words_of
from boxoffice.edge.render import shared_page, short_day
from boxoffice.foundation.letters_of_fonts import writable
from boxoffice.foundation.written import write_money, write_time, write_zone
from boxoffice.tickets.pdf import han_fonts

NIGHT, SITE = Path(__file__).parent / "picture.typ", Path(__file__).parent / "pictures.typ"
PICTURE_KEPT = "public, max-age=600, stale-while-revalidate=86400"
ACTS_MAX = 5
POSTERS = 4
HOUSE_GROUND, HOUSE_INK = "#0b0a0c", "#f5f1e8"
BADGES = {"cancelled": "Cancelled", "ended": "Sale ended", "sold_out": "Sold out"}


@get("/events/{slug:str}/picture.png", include_in_schema=False)
async def show_picture(scope: Scope, box: NamedDependency[BoxOffice], slug: FromPath[str]) -> Response[bytes]:
    """A night: title, when, where, who plays, and from what price or why there are no tickets."""

    async def make() -> bytes:
        async with box.db.transaction() as connection:
            night = await show_night(connection, slug)
        return await box.typesetter.png(NIGHT, _of_night(night))

    return shared_page(scope, await box.shared_pages.get(("picture", slug), make), PICTURE_KEPT, "image/png")


@get("/picture.png", include_in_schema=False)
async def show_site_picture(scope: Scope, box: NamedDependency[BoxOffice]) -> Response[bytes]:
    """The box office: its name and the posters of the next nights."""

    async def make() -> bytes:
        async with box.db.transaction() as connection:
            nights = (await find_nights(connection, Wanted(), POSTERS)).nights
        posters = [poster(night.slug, _words(night)) for night in nights]
        data = {"ground": HOUSE_GROUND, "posters": posters, "wordmark": _wordmark(), "han": []}
        return await box.typesetter.png(SITE, data)

    return shared_page(scope, await box.shared_pages.get(("picture",), make), PICTURE_KEPT, "image/png")


def _of_night(night: Night) -> dict[str, object]:
    row = night.row
    palette = palette_of(row.slug)
    acts = [writable(act.artist) for act in night.line_up[:ACTS_MAX]]
    words = {"title": writable(row.title), "venue": writable(row.venue_name), "city": writable(row.venue_city)}
    return {
        **words,
        "acts": acts,
        "more": [f"{more} more"] if (more := len(night.line_up) - ACTS_MAX) > 0 else [],
        "when": " · ".join(
            (
                short_day(row.doors_at, row.time_zone),
                write_time(row.doors_at, row.time_zone),
                write_zone(row.doors_at, row.time_zone),
            )
        ),
        "badge": _badge(night),
        "art": artwork(row.slug),
        "ground": palette.ground,
        "letters": palette.letters,
        "han": han_fonts(f"{words}{acts}", row.time_zone),
    }


def _words(night: NightCard) -> Words:
    acts = tuple(night.artists)
    return words_of(night.title, night.doors_at, night.time_zone, night.venue_name, night.venue_city, acts)


def _badge(night: Night) -> str:
    row = night.row
    if night.sale == "not_yet" and row.sale_starts_at is not None:
        return f"From {row.sale_starts_at.astimezone(ZoneInfo(row.time_zone)):%-d %b}"
    if night.sale in BADGES:
        return BADGES[night.sale]
    price = night.price_from_minor
    if price is None:
        return ""
    several = len({rung.price_minor for offer in night.offers for rung in offer.rungs if rung.left > 0}) > 1
    words = f"{'from ' if several else ''}{write_money(price, row.currency)}" if price else "Free"
    return f"{'New date' if row.moved_from_starts_at else 'New place'}: {words}" if row.has_moved else words


def _wordmark() -> str:
    path, stroke = stretched("BOX OFFICE", 10, 10, 1000, 116)
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1020 136"><path fill="none" stroke-linecap="square" '
        f'stroke-miterlimit="1.6" stroke="{HOUSE_INK}" stroke-width="{stroke:.0f}" d="{path}"/></svg>'
    )
