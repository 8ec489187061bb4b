"""`/api/v1/events`: nights and what their tickets cost."""

from datetime import datetime

import msgspec
from litestar import get
from litestar.di import NamedDependency
from litestar.params import FromPath

from boxoffice.box import BoxOffice
from boxoffice.catalogue.events import EventSummary, TicketTypeOnSale, event_on_sale, upcoming_events


class EventDetail(msgspec.Struct, frozen=True):
    """A night with its ticket types; prices in minor units of `currency`."""

    slug: str
    title: str
    starts_at: datetime
    time_zone: str
    status: str
    ticket_types: list[TicketTypeOnSale]


@get("/api/v1/events")
async def list_events(box: NamedDependency[BoxOffice]) -> list[EventSummary]:
    """Nights that are not over, soonest first."""
    async with box.db.transaction() as connection:
        return await upcoming_events(connection)


@get("/api/v1/events/{slug:str}")
async def show_event(box: NamedDependency[BoxOffice], slug: FromPath[str]) -> EventDetail:
    """One night: 404 for a draft or an unknown slug alike."""
    async with box.db.transaction() as connection:
        event, ticket_types = await event_on_sale(connection, slug)
    return EventDetail(event.slug, event.title, event.starts_at, event.time_zone, event.status, ticket_types)
