"""A night as its file means it: instants in UTC, money in minor units, rules resolved."""

from datetime import datetime

import msgspec

from boxoffice.catalogue.nights_file_tables import Check, NightEntry


class Set(msgspec.Struct, frozen=True):
    """One artist's place in the line-up; `starts_at` and `ends_at` None while they are unannounced."""

    artist_slug: str
    starts_at: datetime | None
    ends_at: datetime | None
    stage: str


class Release(msgspec.Struct, frozen=True):
    """One step of a ticket type's ladder, `price_minor` in the night's currency."""

    name: str
    price_minor: int
    quantity: int


class TicketType(msgspec.Struct, frozen=True):
    """A ticket type with its releases in selling order."""

    name: str
    description: str
    releases: tuple[Release, ...]
    admits: int
    last_entry_at: datetime | None
    checks: tuple[Check, ...]


class Promo(msgspec.Struct, frozen=True):
    """A code in capitals, and what it takes off each ticket: one of `percent` and `amount_minor`."""

    code: str
    percent: int | None
    amount_minor: int | None
    uses_max: int | None


class EntryList(msgspec.Struct, frozen=True):
    """A door or a zone; no `ticket_types` means every one."""

    name: str
    ticket_types: tuple[str, ...]
    re_entry: bool
    opens_at: datetime | None
    last_entry_at: datetime | None


class NamedGuest(msgspec.Struct, frozen=True):
    """A guest whom the file names; `email` is empty when none is known."""

    name: str
    plus_ones: int
    email: str


class GuestList(msgspec.Struct, frozen=True):
    """`quota` people at most, each guest with up to `plus_ones_max` more."""

    name: str
    given_by: str
    quota: int
    plus_ones_max: int
    closes_at: datetime
    last_entry_at: datetime | None
    checks: tuple[Check, ...]
    guests: tuple[NamedGuest, ...]


class DoorPrice(msgspec.Struct, frozen=True):
    """What a ticket type costs at the door from `from_at` on, and how it may be paid."""

    ticket_type: str
    from_at: datetime
    price_minor: int
    cash: bool
    card: bool


class Night(msgspec.Struct, frozen=True):
    """A checked night: instants in UTC, money in minor units."""

    entry: NightEntry
    time_zone: str
    doors_at: datetime
    starts_at: datetime
    ends_at: datetime
    last_entry_at: datetime | None
    moved_from_starts_at: datetime | None
    sale_starts_at: datetime | None
    sale_ends_at: datetime
    transfer_until: datetime | None
    line_up: tuple[Set, ...]
    ticket_types: tuple[TicketType, ...]
    promos: tuple[Promo, ...]
    entry_lists: tuple[EntryList, ...]
    guest_lists: tuple[GuestList, ...]
    door_prices: tuple[DoorPrice, ...]
