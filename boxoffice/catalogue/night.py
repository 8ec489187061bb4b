"""A night as its page shows it: when, where, who plays, and the ladder of prices."""

from datetime import datetime, timedelta
from typing import Literal, TypeAlias
from uuid import UUID

import msgspec

from boxoffice.catalogue.events import SLUG
from boxoffice.foundation.db import Connection, Query
from boxoffice.foundation.problems import NotFound

QUANTITY_MAX = 10
FEW_LEFT = 10
FEW_LEFT_SHARE = 0.1
"""Few are left of a night when no more than ten tickets, or a tenth of all, can still be bought."""

Sale: TypeAlias = Literal["open", "not_yet", "ended", "cancelled", "sold_out"]
RungState: TypeAlias = Literal["sold_out", "few_left", "on_sale", "next", "not_yet", "ended", "cancelled"]


class NightRow(msgspec.Struct, frozen=True):
    """One row of `event` with its venue and organiser; an empty text is not said. `now` is the time of reading."""

    id: UUID
    slug: str
    title: str
    subtitle: str
    description: str
    status: str
    cancelled_reason: str
    moved_from_starts_at: datetime | None
    moved_from_venue: str
    moved_words: str
    currency: str
    doors_at: datetime
    starts_at: datetime
    ends_at: datetime
    time_zone: str
    last_entry_at: datetime | None
    sale_starts_at: datetime | None
    sale_ends_at: datetime
    age_minimum: int
    quantity_max_per_person: int | None
    policy_re_entry: str
    policy_cloakroom: str
    policy_photos: str
    policy_refunds: str
    policy_access: str
    revision: int
    updated_at: datetime
    venue_slug: str
    venue_name: str
    venue_address: str
    venue_city: str
    venue_country: str
    venue_latitude: float | None
    venue_longitude: float | None
    organiser: str
    takes_codes: bool
    now: datetime

    @property
    def has_moved(self) -> bool:
        """Whether it was to be on another day or in another place before."""
        return self.moved_from_starts_at is not None or self.moved_from_venue != ""


class SetTime(msgspec.Struct, frozen=True):
    """Who plays, on which stage ("" where there is one), and when: None while the time is not announced."""

    artist_slug: str
    artist: str
    set_starts_at: datetime | None
    set_ends_at: datetime | None
    stage: str


class Genre(msgspec.Struct, frozen=True):
    """A kind of music."""

    slug: str
    name: str


class ReleaseRow(msgspec.Struct, frozen=True):
    """A release with what is left of it, as far as its room has place."""

    ticket_type_id: UUID
    ticket_type: str
    description: str
    admits: int
    checks: list[str]
    last_entry_at: datetime | None
    name: str
    price_minor: int
    cap: int
    left: int
    of_release: int
    room_cap: int | None
    room_left: int | None
    entry_ended: bool


class Rung(msgspec.Struct, frozen=True):
    """One step of a price ladder; `left` is how many of it could be bought now."""

    name: str
    price_minor: int
    left: int
    state: RungState


class Offer(msgspec.Struct, frozen=True):
    """A ticket type: its ladder in the order of sale, and the largest number that one order may take. One ticket lets
    in `admits` people, none for the first time after `last_entry_at`: once `entry_ended` it is not sold any more.
    `checks_name`: the door compares the name on the ticket with an ID."""

    id: UUID
    name: str
    description: str
    rungs: tuple[Rung, ...]
    quantity_max: int
    admits: int
    last_entry_at: datetime | None
    entry_ended: bool
    checks_name: bool

    def rung_for(self, quantity: int) -> Rung | None:
        """The step that `quantity` tickets would be sold from: the first that has them all (SQL: `release_on_sale`)."""
        return next((rung for rung in self.rungs if quantity <= rung.left), None)

    @property
    def now(self) -> Rung:
        """The step that one ticket comes from; the last one where none is to be had."""
        return self.rung_for(1) or self.rungs[-1]


class Night(msgspec.Struct, frozen=True):
    """Everything that the event page says."""

    row: NightRow
    line_up: tuple[SetTime, ...]
    genres: tuple[Genre, ...]
    offers: tuple[Offer, ...]
    sale: Sale
    left: int
    """How many tickets of all types can still be bought."""
    few_left: bool

    @property
    def is_over(self) -> bool:
        """Whether it has ended."""
        return self.row.now >= self.row.ends_at

    @property
    def lasts_days(self) -> bool:
        """Whether a time alone does not say which day it is of."""
        return self.row.ends_at - self.row.doors_at > timedelta(hours=20)

    @property
    def stages(self) -> tuple[str, ...]:
        """The stages in the order of the line-up."""
        return tuple(dict.fromkeys(act.stage for act in self.line_up))

    @property
    def price_from_minor(self) -> int | None:
        """The lowest price that can be paid now; None when nothing can be bought."""
        prices = [offer.now.price_minor for offer in self.offers if offer.quantity_max]
        return min(prices, default=None)

    def offer(self, ticket_type_id: UUID) -> Offer | None:
        """The offer of that id."""
        return next((offer for offer in self.offers if offer.id == ticket_type_id), None)


_NIGHT = """
SELECT event.id, event.slug, event.title, event.subtitle, event.description, event.status, event.cancelled_reason,
  event.moved_from_starts_at, event.moved_from_venue, event.moved_words, event.currency, event.doors_at,
  event.starts_at, event.ends_at, event.time_zone, event.last_entry_at, event.sale_starts_at, event.sale_ends_at,
  event.age_minimum, event.quantity_max_per_person, event.policy_re_entry, event.policy_cloakroom,
  event.policy_photos, event.policy_refunds, event.policy_access, event.revision, event.updated_at,
  venue.slug AS venue_slug, venue.name AS venue_name, venue.address AS venue_address, venue.city AS venue_city,
  venue.country AS venue_country, venue.latitude AS venue_latitude, venue.longitude AS venue_longitude,
  organisation.name AS organiser,
  EXISTS (SELECT FROM promo WHERE promo.event_id = event.id AND promo.code IS NOT NULL) AS takes_codes, clock() AS now
FROM event JOIN venue ON venue.id = event.venue_id JOIN organisation ON organisation.id = event.organisation_id
WHERE event.status <> 'draft' AND """
NIGHT = Query(NightRow, _NIGHT + "event.slug = $1")

# Calendars that are subscribed to keep what was: a night stays in them for a year.
_KEPT_IN_CALENDARS = " AND event.ends_at > clock() - interval '1 year' ORDER BY event.starts_at LIMIT 500"
_PLAYED_BY = "event.id IN (SELECT event_id FROM line_up JOIN artist ON artist.id = artist_id WHERE artist.slug = $1)"
OF_ARTIST = Query(
    NightRow,
    _NIGHT + _PLAYED_BY + _KEPT_IN_CALENDARS,
)
OF_VENUE = Query(NightRow, _NIGHT + "venue.slug = $1" + _KEPT_IN_CALENDARS)

LINE_UP = Query(
    SetTime,
    """
SELECT artist.slug AS artist_slug, artist.name AS artist, line_up.set_starts_at, line_up.set_ends_at, line_up.stage
FROM line_up JOIN artist ON artist.id = line_up.artist_id WHERE line_up.event_id = $1 ORDER BY line_up.position
""",
)

GENRES = Query(
    Genre,
    """
SELECT genre.slug, genre.name FROM event_genre JOIN genre ON genre.slug = event_genre.genre
WHERE event_genre.event_id = $1 ORDER BY genre.name
""",
)

LADDER = Query(
    ReleaseRow,
    """
SELECT ladder.ticket_type_id, ticket_type.name AS ticket_type, ticket_type.description, admits, checks,
  type_entry.last_entry_at, ladder.name, price_minor, stock.cap, available AS left,
  stock.cap - stock.used AS of_release, room.cap AS room_cap, room.cap - room.used AS room_left, entry_ended
FROM ladder JOIN ticket_type ON ticket_type.event_id = ladder.event_id AND ticket_type.id = ladder.ticket_type_id
JOIN type_entry ON type_entry.event_id = ladder.event_id AND type_entry.ticket_type_id = ladder.ticket_type_id
JOIN stock ON stock.event_id = ladder.event_id AND stock.id = ladder.stock_id
LEFT JOIN stock AS room ON room.event_id = ladder.event_id AND room.id = ladder.room_stock_id
WHERE ladder.event_id = $1 ORDER BY ticket_type.position, ladder.position
""",
)


async def show_night(connection: Connection, slug: str) -> Night:
    """The night of a slug. Raises NotFound for a draft or an unknown slug alike."""
    row = await NIGHT.first(connection, slug) if SLUG.fullmatch(slug) else None
    if row is None:
        raise NotFound("There is no night at this address. It may have moved: look through all nights.")
    line_up = await LINE_UP.all(connection, row.id)
    genres = await GENRES.all(connection, row.id)
    releases = await LADDER.all(connection, row.id)
    by_type: dict[UUID, list[ReleaseRow]] = {}
    for release in releases:
        by_type.setdefault(release.ticket_type_id, []).append(release)
    offers = tuple(_offer(row, ladder) for ladder in by_type.values())
    # One room serves every type that draws on it.
    sold = [one for one in releases if not one.entry_ended]
    left = min([sum(one.of_release for one in sold), *(one.room_left for one in sold if one.room_left is not None)])
    cap = min([sum(one.cap for one in sold), *(one.room_cap for one in sold if one.room_cap is not None)])
    nothing_left: Sale = "ended" if releases and not sold else "sold_out"
    sale = _closed(row) or ("open" if any(offer.quantity_max for offer in offers) else nothing_left)
    few = sale == "open" and is_few(left, cap)
    return Night(row, tuple(line_up), tuple(genres), offers, sale, left, few)


async def nights_of_artist(connection: Connection, slug: str) -> list[NightRow]:
    """The artist's nights of the last year and those to come."""
    return await OF_ARTIST.all(connection, slug)


async def nights_of_venue(connection: Connection, slug: str) -> list[NightRow]:
    """The venue's nights of the last year and those to come."""
    return await OF_VENUE.all(connection, slug)


def is_few(left: int, cap: int) -> bool:
    """Whether `left` of `cap` tickets are few."""
    return left <= max(FEW_LEFT, cap * FEW_LEFT_SHARE)


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
        state = _closed(row) or ("ended" if release.entry_ended else None) or _state(release.left, selling=selling)
        selling = selling or release.left > 0
        rungs.append(Rung(release.name, release.price_minor, release.left, state))
    first = ladder[0]
    largest = 0 if _closed(row) else max(rung.left for rung in rungs)
    quantity_max = min(largest, QUANTITY_MAX, row.quantity_max_per_person or QUANTITY_MAX)
    return Offer(
        first.ticket_type_id,
        first.ticket_type,
        first.description,
        tuple(rungs),
        quantity_max,
        first.admits,
        first.last_entry_at,
        first.entry_ended,
        "name" in first.checks,
    )


def _state(left: int, *, selling: bool) -> RungState:
    if left <= 0:
        return "sold_out"
    if selling:
        return "next"
    return "few_left" if left <= FEW_LEFT else "on_sale"
