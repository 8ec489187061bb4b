"""A night as its page and the programme show it: when, where, who plays, and the ladder of prices."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, TypeAlias
from uuid import UUID

from boxoffice.catalogue.events import LIST_MAX, SLUG
from boxoffice.foundation.db import Connection, Query
from boxoffice.foundation.problems import NotFound

QUANTITY_MAX = 10
FEW_LEFT = 10

RungState: TypeAlias = Literal["sold_out", "few_left", "on_sale", "next", "not_yet", "ended", "cancelled"]


@dataclass(frozen=True, slots=True)
class NightRow:
    """One row of `event` with its venue and organiser. `now` is the database's time of reading."""

    id: UUID
    slug: str
    title: str
    description: str
    status: str
    currency: str
    doors_at: datetime
    starts_at: datetime
    ends_at: datetime
    time_zone: str
    sale_starts_at: datetime | None
    sale_ends_at: datetime
    age_minimum: int
    quantity_max_per_person: int | None
    venue_name: str
    venue_address: str
    venue_city: str
    organiser: str
    now: datetime


@dataclass(frozen=True, slots=True)
class SetTime:
    """Who plays, and when: None while the time is not announced."""

    artist: str
    set_starts_at: datetime | None


@dataclass(frozen=True, slots=True)
class ReleaseRow:
    """A release with what is left of it, as far as its room has place."""

    ticket_type_id: UUID
    ticket_type: str
    description: str
    name: str
    price_minor: int
    left: int


@dataclass(frozen=True, slots=True)
class Rung:
    """One step of a price ladder; `left` is how many of it could be bought now."""

    name: str
    price_minor: int
    left: int
    state: RungState


@dataclass(frozen=True, slots=True)
class Offer:
    """A ticket type: its ladder in the order of sale, and the largest number that one order may take."""

    id: UUID
    name: str
    description: str
    rungs: tuple[Rung, ...]
    quantity_max: int

    def rung_for(self, quantity: int) -> Rung | None:
        """The step that `quantity` tickets would be sold from: the first that has them all (SQL: `release_on_sale`)."""
        return next((rung for rung in self.rungs if quantity <= rung.left), None)

    @property
    def now(self) -> Rung:
        """The step that one ticket comes from; the last one where none is to be had."""
        return self.rung_for(1) or self.rungs[-1]


@dataclass(frozen=True, slots=True)
class Night:
    """Everything that the event page says."""

    row: NightRow
    line_up: tuple[SetTime, ...]
    offers: tuple[Offer, ...]
    sale: Literal["open", "not_yet", "ended", "cancelled", "sold_out"]

    @property
    def price_from_minor(self) -> int | None:
        """The lowest price that can be paid now; None when nothing can be bought."""
        prices = [offer.now.price_minor for offer in self.offers if offer.quantity_max]
        return min(prices, default=None)

    def offer(self, ticket_type_id: UUID) -> Offer | None:
        """The offer of that id."""
        return next((offer for offer in self.offers if offer.id == ticket_type_id), None)


@dataclass(frozen=True, slots=True)
class NightCard:
    """A night in the programme. `price_from_minor` is None when nothing is left."""

    slug: str
    title: str
    status: str
    doors_at: datetime
    starts_at: datetime
    ends_at: datetime
    time_zone: str
    venue_name: str
    venue_city: str
    currency: str
    sale_starts_at: datetime | None
    sale_ends_at: datetime
    artists: list[str]
    price_from_minor: int | None
    now: datetime


NIGHT = Query(
    NightRow,
    """
SELECT event.id, event.slug, event.title, event.description, event.status, event.currency, event.doors_at,
  event.starts_at, event.ends_at, event.time_zone, event.sale_starts_at, event.sale_ends_at, event.age_minimum,
  event.quantity_max_per_person, venue.name AS venue_name, venue.address AS venue_address, venue.city AS venue_city,
  organisation.name AS organiser, clock() AS now
FROM event JOIN venue ON venue.id = event.venue_id JOIN organisation ON organisation.id = event.organisation_id
WHERE event.slug = $1 AND event.status <> 'draft'
""",
)

LINE_UP = Query(
    SetTime,
    """
SELECT artist.name AS artist, line_up.set_starts_at FROM line_up JOIN artist ON artist.id = line_up.artist_id
WHERE line_up.event_id = $1 ORDER BY line_up.position
""",
)

LADDER = Query(
    ReleaseRow,
    """
SELECT ticket_type_id, ticket_type.name AS ticket_type, ticket_type.description, ladder.name, price_minor,
  available AS left
FROM ladder JOIN ticket_type ON ticket_type.event_id = ladder.event_id AND ticket_type.id = ladder.ticket_type_id
WHERE ladder.event_id = $1 ORDER BY ticket_type.position, ladder.position
""",
)

# What is left of a room counts for every type that draws on it.
PROGRAMME = Query(
    NightCard,
    """
SELECT event.slug, event.title, event.status, event.doors_at, event.starts_at, event.ends_at, event.time_zone,
  venue.name AS venue_name, venue.city AS venue_city, event.currency, event.sale_starts_at, event.sale_ends_at,
  ARRAY(SELECT artist.name FROM line_up JOIN artist ON artist.id = line_up.artist_id
    WHERE line_up.event_id = event.id ORDER BY line_up.position) AS artists,
  (SELECT min(price_minor) FROM release_on_sale(event.id, 1) WHERE available > 0) AS price_from_minor,
  clock() AS now
FROM event JOIN venue ON venue.id = event.venue_id
WHERE event.status <> 'draft' AND event.ends_at > clock() ORDER BY event.starts_at, event.slug LIMIT $1
""",
)


async def programme(connection: Connection) -> list[NightCard]:
    """Nights that are not over, soonest first, at most 200."""
    return await PROGRAMME.all(connection, LIST_MAX)


async def show_night(connection: Connection, slug: str) -> Night:
    """The night of a slug. Raises NotFound for a draft or an unknown slug alike."""
    row = await NIGHT.first(connection, slug) if SLUG.fullmatch(slug) else None
    if row is None:
        raise NotFound("There is no night at this address. It may have moved: look through all nights.")
    line_up = await LINE_UP.all(connection, row.id)
    releases = await LADDER.all(connection, row.id)
    by_type: dict[UUID, list[ReleaseRow]] = {}
    for release in releases:
        by_type.setdefault(release.ticket_type_id, []).append(release)
    offers = tuple(_offer(row, ladder) for ladder in by_type.values())
    closed = _closed(row)
    sold_out = not any(offer.quantity_max for offer in offers)
    return Night(row, tuple(line_up), offers, closed or ("sold_out" if sold_out else "open"))


def _closed(row: NightRow) -> Literal["cancelled", "ended", "not_yet"] | None:
    """Why nothing is on sale whatever is left; None when the sale is open."""
    if row.status == "cancelled":
        return "cancelled"
    if row.now >= row.sale_ends_at:
        return "ended"
    if row.sale_starts_at is not None and row.now < row.sale_starts_at:
        return "not_yet"
    return None


def _offer(row: NightRow, ladder: list[ReleaseRow]) -> Offer:
    rungs: list[Rung] = []
    selling = False
    for release in ladder:
        state = _closed(row) or _state(release.left, selling=selling)
        selling = selling or release.left > 0
        rungs.append(Rung(release.name, release.price_minor, release.left, state))
    first = ladder[0]
    largest = 0 if _closed(row) else max(rung.left for rung in rungs)
    quantity_max = min(largest, QUANTITY_MAX, row.quantity_max_per_person or QUANTITY_MAX)
    return Offer(first.ticket_type_id, first.ticket_type, first.description, tuple(rungs), quantity_max)


def _state(left: int, *, selling: bool) -> RungState:
    if left <= 0:
        return "sold_out"
    if selling:
        return "next"
    return "few_left" if left <= FEW_LEFT else "on_sale"
