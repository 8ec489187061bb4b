"""The nights file: a TOML file in which an organiser writes down nights, and what is wrong with it, field by field.

`nights/demo.toml` documents the format by example.
"""

import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from boxoffice.catalogue.events import SLUG
from boxoffice.foundation.local_time import instant
from boxoffice.foundation.money import to_minor
from boxoffice.foundation.problems import FieldError, Unprocessable

Value = TypeVar("Value")


class _Struct(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A table of the file: unknown keys are errors, so that a slip of the pen never goes unnoticed."""


# `\Z`, for `$` lets a line break pass at the end.
Slug = Annotated[str, msgspec.Meta(pattern=rf"^{SLUG.pattern}\Z", max_length=80)]
Text = Annotated[str, msgspec.Meta(pattern="^[^\\x00]*$", min_length=1, max_length=200)]
LongText = Annotated[str, msgspec.Meta(pattern="^[^\\x00]*$", max_length=20_000)]
Country = Annotated[str, msgspec.Meta(pattern=r"^[A-Z]{2}\Z")]
Currency = Annotated[str, msgspec.Meta(pattern=r"^[a-z]{3}\Z")]


class OrganisationEntry(_Struct, frozen=True):
    """`[[organisation]]`"""

    slug: Slug
    name: Text


class VenueEntry(_Struct, frozen=True):
    """`[[venue]]`: `country` is ISO 3166 alpha-2, `time_zone` an IANA name."""

    slug: Slug
    name: Text
    address: Text
    city: Text
    country: Country
    time_zone: str


class ArtistEntry(_Struct, frozen=True):
    """`[[artist]]`"""

    slug: Slug
    name: Text


class SetEntry(_Struct, frozen=True):
    """`[[night.line_up]]`: an artist and, once it is known, when the set starts (local time)."""

    artist: str
    starts_at: str = ""


class ReleaseEntry(_Struct, frozen=True):
    """`[[night.ticket_type.release]]`: `price` in major units as text, all-in; sold in the order of the file."""

    name: Text
    price: str
    quantity: int


class TicketTypeEntry(_Struct, frozen=True):
    """`[[night.ticket_type]]`"""

    name: Text
    release: list[ReleaseEntry]
    description: LongText = ""


class NightEntry(_Struct, frozen=True):
    """`[[night]]`: every time is the venue's local time. Without `sale_starts_at` it sells once it is published, and
    without `sale_ends_at` until it starts."""

    slug: Slug
    title: Text
    organisation: str
    venue: str
    currency: Currency
    doors_at: str
    starts_at: str
    ends_at: str
    ticket_type: list[TicketTypeEntry]
    description: LongText = ""
    status: str = "published"
    sale_starts_at: str = ""
    sale_ends_at: str = ""
    room_capacity: int | None = None
    age_minimum: int = 18
    hold_minutes: int = 12
    quantity_max_per_person: int | None = None
    line_up: list[SetEntry] = []


class _File(_Struct, frozen=True):
    organisation: list[OrganisationEntry] = []
    venue: list[VenueEntry] = []
    artist: list[ArtistEntry] = []
    night: list[NightEntry] = []


@dataclass(frozen=True, slots=True)
class Set:
    """One artist's place in the line-up; `starts_at` None while it is unannounced."""

    artist_slug: str
    starts_at: datetime | None


@dataclass(frozen=True, slots=True)
class Release:
    """One step of a ticket type's ladder, `price_minor` in the night's currency."""

    name: str
    price_minor: int
    quantity: int


@dataclass(frozen=True, slots=True)
class TicketType:
    """A ticket type with its releases in selling order."""

    name: str
    description: str
    releases: tuple[Release, ...]


@dataclass(frozen=True, slots=True)
class Night:
    """A checked night: instants in UTC, money in minor units."""

    entry: NightEntry
    time_zone: str
    doors_at: datetime
    starts_at: datetime
    ends_at: datetime
    sale_starts_at: datetime | None
    sale_ends_at: datetime
    line_up: tuple[Set, ...]
    ticket_types: tuple[TicketType, ...]


@dataclass(frozen=True, slots=True)
class NightsFile:
    """A checked file."""

    organisations: tuple[OrganisationEntry, ...]
    venues: tuple[VenueEntry, ...]
    artists: tuple[ArtistEntry, ...]
    nights: tuple[Night, ...]


def read_nights_file(text: str, now: datetime) -> NightsFile:
    """Parses and checks a whole file; "in 10 days" counts from `now`.

    Raises Unprocessable with an error for every field that cannot be meant.
    """
    try:
        file = msgspec.convert(tomllib.loads(text), _File)
    except tomllib.TOMLDecodeError as error:
        raise Unprocessable(f"This is not TOML: {error}.") from error
    except msgspec.ValidationError as error:
        sentence, _, path = str(error).partition(" - at `$")
        field = path.rstrip("`").lstrip(".")
        raise Unprocessable("The nights file has a field that does not fit.", (FieldError(field, sentence),)) from error
    checks = _Checks(file, now)
    nights = tuple(checks.night(number, entry) for number, entry in enumerate(file.night))
    if checks.errors:
        raise Unprocessable("The nights file cannot be meant like this.", tuple(checks.errors))
    assert all(night is not None for night in nights)
    return NightsFile(
        organisations=tuple(file.organisation),
        venues=tuple(file.venue),
        artists=tuple(file.artist),
        nights=tuple(night for night in nights if night is not None),
    )


class _Checks:
    """Collects every error of a file instead of stopping at the first."""

    def __init__(self, file: _File, now: datetime) -> None:
        self.errors: list[FieldError] = []
        self._now = now
        self._organisations = {entry.slug for entry in file.organisation}
        self._venues = {entry.slug: entry for entry in file.venue}
        self._artists = {entry.slug for entry in file.artist}

    def night(self, number: int, entry: NightEntry) -> Night | None:
        """The night with instants and minor units, or None with `errors` longer."""
        path = f"night[{number}]"
        errors_before = len(self.errors)
        venue = self._venues.get(entry.venue)
        zone = self._zone(venue) if venue else None
        if venue is None:
            self._wrong(f"{path}.venue", f'There is no [[venue]] with slug "{entry.venue}".')
        if entry.organisation not in self._organisations:
            self._wrong(f"{path}.organisation", f'There is no [[organisation]] with slug "{entry.organisation}".')
        self._numbers(path, entry)
        ticket_types = tuple(
            self._ticket_type(f"{path}.ticket_type[{place}]", ticket_type, entry.currency)
            for place, ticket_type in enumerate(entry.ticket_type)
        )
        if zone is None:
            return None
        night = self._scheduled(path, entry, zone, ticket_types)
        return night if len(self.errors) == errors_before else None

    def _scheduled(self, path: str, entry: NightEntry, zone: ZoneInfo, ticket_types: tuple[TicketType, ...]) -> Night:
        def moment(field: str, text: str, otherwise: datetime) -> datetime:
            if not text:
                return otherwise
            return self._try(f"{path}.{field}", lambda: instant(text, zone, self._now), otherwise)

        starts_at = moment("starts_at", entry.starts_at, self._now)
        night = Night(
            entry=entry,
            time_zone=zone.key,
            doors_at=moment("doors_at", entry.doors_at, starts_at),
            starts_at=starts_at,
            ends_at=moment("ends_at", entry.ends_at, starts_at),
            sale_starts_at=moment("sale_starts_at", entry.sale_starts_at, starts_at) if entry.sale_starts_at else None,
            sale_ends_at=moment("sale_ends_at", entry.sale_ends_at, starts_at),
            line_up=tuple(
                Set(
                    set_.artist,
                    moment(f"line_up[{place}].starts_at", set_.starts_at, starts_at) if set_.starts_at else None,
                )
                for place, set_ in enumerate(entry.line_up)
            ),
            ticket_types=ticket_types,
        )
        if not night.doors_at <= night.starts_at < night.ends_at:
            self._wrong(f"{path}.starts_at", "Doors open first, then the night starts, then it ends.")
        if night.sale_starts_at is not None and night.sale_starts_at >= night.sale_ends_at:
            self._wrong(f"{path}.sale_ends_at", "The sale ends after it starts.")
        return night

    def _numbers(self, path: str, entry: NightEntry) -> None:
        if entry.status not in ("draft", "published", "cancelled"):
            self._wrong(f"{path}.status", "One of draft, published, cancelled.")
        if not 10 <= entry.hold_minutes <= 15:  # noqa: PLR2004
            self._wrong(f"{path}.hold_minutes", "A hold lasts 10 to 15 minutes.")
        if not 0 <= entry.age_minimum <= 99:  # noqa: PLR2004
            self._wrong(f"{path}.age_minimum", "An age from 0 to 99.")
        if entry.room_capacity is not None and entry.room_capacity < 1:
            self._wrong(f"{path}.room_capacity", "A room holds at least one person.")
        if entry.quantity_max_per_person is not None and entry.quantity_max_per_person < 1:
            self._wrong(f"{path}.quantity_max_per_person", "At least 1, or leave it out.")
        for place, set_ in enumerate(entry.line_up):
            if set_.artist not in self._artists:
                self._wrong(f"{path}.line_up[{place}].artist", f'There is no [[artist]] with slug "{set_.artist}".')
        names = [ticket_type.name for ticket_type in entry.ticket_type]
        if not names or len(set(names)) != len(names):
            self._wrong(f"{path}.ticket_type", "At least one ticket type, each with a name of its own.")

    def _ticket_type(self, path: str, entry: TicketTypeEntry, currency: str) -> TicketType:
        if not entry.release:
            self._wrong(f"{path}.release", "At least one release with a price and a quantity.")
        releases: list[Release] = []
        for place, release in enumerate(entry.release):
            field = f"{path}.release[{place}]"
            if not 1 <= release.quantity <= 1_000_000:  # noqa: PLR2004
                self._wrong(f"{field}.quantity", "A whole number from 1 to 1,000,000.")
            price_minor = self._price(f"{field}.price", release.price, currency)
            releases.append(Release(release.name, price_minor, release.quantity))
        return TicketType(entry.name, entry.description, tuple(releases))

    def _price(self, field: str, price: str, currency: str) -> int:
        return self._try(field, lambda: to_minor(price, currency), 0)

    def _zone(self, venue: VenueEntry) -> ZoneInfo | None:
        try:
            return ZoneInfo(venue.time_zone)
        except (ZoneInfoNotFoundError, ValueError):
            self._wrong(f"venue.{venue.slug}.time_zone", f'"{venue.time_zone}" is no IANA zone like "Europe/Berlin".')
            return None

    def _try(self, field: str, attempt: Callable[[], Value], otherwise: Value) -> Value:
        try:
            return attempt()
        except ValueError as error:
            self._wrong(field, str(error))
            return otherwise

    def _wrong(self, field: str, detail: str) -> None:
        self.errors.append(FieldError(field, detail))
