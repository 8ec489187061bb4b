"""`/api/v1/events`: nights and what their tickets cost."""

from datetime import datetime
from typing import Annotated

import msgspec
from litestar import Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, Parameter

from boxoffice.api.openapi import NIGHTS
from boxoffice.box import BoxOffice
from boxoffice.catalogue.events import LIST_MAX, EventSummary, TicketTypeOnSale, event_on_sale
from boxoffice.catalogue.night import Genre, Night, Sale, show_night
from boxoffice.catalogue.search import WORDS_LENGTH_MAX, find_nights, read_wanted
from boxoffice.edge.render import with_query
from boxoffice.foundation.problems import Unprocessable


class VenueOfEvent(msgspec.Struct, frozen=True):
    """Where it is; coordinates are degrees of WGS 84."""

    slug: str
    name: str
    address: str
    city: str
    country: str
    latitude: float | None
    longitude: float | None


class SetOfEvent(msgspec.Struct, frozen=True):
    """Who plays, on which stage (empty where there is one), and when: null while it is not announced."""

    artist: str
    slug: str
    stage: str
    starts_at: datetime | None
    ends_at: datetime | None


class MovedFrom(msgspec.Struct, frozen=True):
    """When and where it was to be before: null what has not changed. Tickets stay good."""

    starts_at: datetime | None
    venue: str | None


class EventDetail(msgspec.Struct, frozen=True):
    """A night with its ticket types; prices in minor units of `currency`. `sale` says whether tickets can be bought
    now, or why not."""

    slug: str
    title: str
    starts_at: datetime
    time_zone: str
    status: str
    ticket_types: list[TicketTypeOnSale]
    subtitle: str
    description: str
    sale: Sale
    doors_at: datetime
    ends_at: datetime
    last_entry_at: datetime | None
    sale_starts_at: datetime | None
    sale_ends_at: datetime
    age_minimum: int
    venue: VenueOfEvent
    line_up: list[SetOfEvent]
    genres: list[Genre]
    moved_from: MovedFrom | None
    cancelled_reason: str


Words = Annotated[
    str, Parameter(description=f"Words of a title, artist, venue or city; at most {WORDS_LENGTH_MAX} characters.")
]
City = Annotated[str, Parameter(description='A city, as in "berlin" or "são-paulo".')]
Date = Annotated[str, Parameter(description="tonight, weekend, a month (2026-12) or a day (2026-12-04) at the venue.")]
Slug = Annotated[str, Parameter(description="A slug.")]
After = Annotated[str, Parameter(description="The slug of the last night of the page before; the Link header has it.")]


@get("/api/v1/events", tags=[NIGHTS], summary="Find nights")
async def list_events(
    box: NamedDependency[BoxOffice],
    q: FromQuery[Words] = "",
    city: FromQuery[City] = "",
    date: FromQuery[Date] = "",
    artist: FromQuery[Slug] = "",
    venue: FromQuery[Slug] = "",
    genre: FromQuery[Slug] = "",
    after: FromQuery[After] = "",
) -> Response[list[EventSummary]]:
    """Nights that are not over, soonest first."""
    asked = {"q": q, "city": city, "date": date, "artist": artist, "venue": venue, "genre": genre, "after": after}
    wanted, errors = read_wanted(asked)
    if errors:
        raise Unprocessable("A filter cannot be meant like this.", errors)
    async with box.db.transaction() as connection:
        found = await find_nights(connection, wanted, LIST_MAX)
    nights = [EventSummary(one.slug, one.title, one.starts_at, one.time_zone, one.status) for one in found.nights]
    headers: dict[str, str] = {}
    if found.next_after:
        following = with_query(f"{box.settings.base_url}/api/v1/events", wanted.query(after=found.next_after))
        headers["Link"] = f'<{following}>; rel="next"'
    return Response(nights, headers=headers)


@get("/api/v1/events/{slug:str}", tags=[NIGHTS], summary="Show a night and its tickets")
async def show_event(box: NamedDependency[BoxOffice], slug: FromPath[str]) -> EventDetail:
    """One night: 404 for a draft or an unknown slug alike."""
    async with box.db.transaction() as connection:
        _, ticket_types = await event_on_sale(connection, slug)
        night = await show_night(connection, slug)
    return _detail(night, ticket_types)


def _detail(night: Night, ticket_types: list[TicketTypeOnSale]) -> EventDetail:
    row = night.row
    return EventDetail(
        slug=row.slug,
        title=row.title,
        starts_at=row.starts_at,
        time_zone=row.time_zone,
        status=row.status,
        ticket_types=ticket_types,
        subtitle=row.subtitle,
        description=row.description,
        sale=night.sale,
        doors_at=row.doors_at,
        ends_at=row.ends_at,
        last_entry_at=row.last_entry_at,
        sale_starts_at=row.sale_starts_at,
        sale_ends_at=row.sale_ends_at,
        age_minimum=row.age_minimum,
        venue=VenueOfEvent(
            row.venue_slug,
            row.venue_name,
            row.venue_address,
            row.venue_city,
            row.venue_country,
            row.venue_latitude,
            row.venue_longitude,
        ),
        line_up=[
            SetOfEvent(act.artist, act.artist_slug, act.stage, act.set_starts_at, act.set_ends_at)
            for act in night.line_up
        ],
        genres=list(night.genres),
        moved_from=MovedFrom(row.moved_from_starts_at, row.moved_from_venue or None) if row.has_moved else None,
        cancelled_reason=row.cancelled_reason,
    )
