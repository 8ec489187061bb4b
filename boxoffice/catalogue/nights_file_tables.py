"""The tables of a nights file, as somebody writes them down: words, amounts and times are text here."""

from typing import Annotated, Literal

import msgspec

from boxoffice.catalogue.events import SLUG


class _Struct(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A table of the file: unknown keys are errors, so that a slip of the pen never goes unnoticed."""


# `\Z`, for `$` lets a line break pass at the end.
Slug = Annotated[str, msgspec.Meta(pattern=rf"^{SLUG.pattern}\Z", max_length=80)]
Text = Annotated[str, msgspec.Meta(pattern="^[^\\x00]*$", min_length=1, max_length=200)]
Line = Annotated[str, msgspec.Meta(pattern="^[^\\x00]*$", max_length=200)]
LongText = Annotated[str, msgspec.Meta(pattern="^[^\\x00]*$", max_length=20_000)]
Country = Annotated[str, msgspec.Meta(pattern=r"^[A-Z]{2}\Z")]
Currency = Annotated[str, msgspec.Meta(pattern=r"^[a-z]{3}\Z")]
Check = Literal["age", "name"]


class OrganisationEntry(_Struct, frozen=True):
    """`[[organisation]]`"""

    slug: Slug
    name: Text


class GenreEntry(_Struct, frozen=True):
    """`[[genre]]`: nights and artists name it by its slug."""

    slug: Slug
    name: Text


class VenueEntry(_Struct, frozen=True):
    """`[[venue]]`: `country` is ISO 3166 alpha-2, `time_zone` an IANA name; coordinates are degrees of WGS 84."""

    slug: Slug
    name: Text
    address: Text
    city: Text
    country: Country
    time_zone: str
    description: LongText = ""
    capacity: int | None = None
    latitude: float | None = None
    longitude: float | None = None
    directions: LongText = ""
    accessibility: LongText = ""


class LinkEntry(_Struct, frozen=True):
    """`[[artist.link]]`: an address of the artist's own on the web."""

    name: Text
    url: Annotated[str, msgspec.Meta(pattern=r"^https://[^\s/][^\s\x00]*\Z", max_length=500)]


class ArtistEntry(_Struct, frozen=True):
    """`[[artist]]`: `country` is ISO 3166 alpha-2, `genres` are slugs."""

    slug: Slug
    name: Text
    biography: LongText = ""
    city: Line = ""
    country: Country | Literal[""] = ""
    genres: list[str] = []
    link: list[LinkEntry] = []


class SetEntry(_Struct, frozen=True):
    """`[[night.line_up]]`: an artist and, once they are known, when the set starts and ends, and on which stage."""

    artist: str
    starts_at: str = ""
    ends_at: str = ""
    stage: Line = ""


class MovedEntry(_Struct, frozen=True):
    """`[night.moved]`: when and where the night was to be before, and what people should know about it."""

    from_starts_at: str = ""
    from_venue: Line = ""
    words: LongText = ""


class PoliciesEntry(_Struct, frozen=True):
    """`[night.policies]`: one or two sentences each; an empty one is not shown."""

    re_entry: LongText = ""
    cloakroom: LongText = ""
    photos: LongText = ""
    refunds: LongText = ""
    access: LongText = ""


class ReleaseEntry(_Struct, frozen=True):
    """`[[night.ticket_type.release]]`: `price` in major units as text, all-in; sold in the order of the file."""

    name: Text
    price: str
    quantity: int


class TicketTypeEntry(_Struct, frozen=True):
    """`[[night.ticket_type]]`: one ticket lets in `admits` people, none of them for the first time after
    `last_entry_at`. `check`: what the door looks at, the night's own unless said."""

    name: Text
    release: list[ReleaseEntry]
    description: LongText = ""
    admits: int = 1
    last_entry_at: str = ""
    check: list[Check] | None = None


class PromoEntry(_Struct, frozen=True):
    """`[[night.promo]]`: `percent` or `amount_off` (major units as text) off each ticket; without `uses_max` any number
    of orders may use it."""

    code: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*\Z", max_length=40)]
    percent: int | None = None
    amount_off: str | None = None
    uses_max: int | None = None


class EntryListEntry(_Struct, frozen=True):
    """`[[night.entry_list]]`: what people enter by. Without `ticket_types` it takes every one, guest lists too; without
    `opens_at` it opens an hour before the doors. `re_entry`: who has left may come in again. After `last_entry_at`
    nobody comes in by it for the first time; a type that no other list takes is not sold any more then."""

    name: Text
    ticket_types: list[str] = []
    re_entry: bool = False
    opens_at: str = ""
    last_entry_at: str = ""


class GuestEntry(_Struct, frozen=True):
    """`[[night.guest_list.guest]]`: a name, who comes along, and where the tickets are mailed to, if anywhere."""

    name: Text
    plus_ones: int = 0
    email: Line = ""


class GuestListEntry(_Struct, frozen=True):
    """`[[night.guest_list]]`: `quota` people, guests and who comes along, whom `given_by` may name until `closes_at`,
    which is the doors unless said. Its places are its own: none of a release, none of the room's capacity."""

    name: Text
    given_by: Text
    quota: int
    plus_ones_max: int = 1
    closes_at: str = ""
    last_entry_at: str = ""
    check: list[Check] | None = None
    guest: list[GuestEntry] = []


class DoorPriceEntry(_Struct, frozen=True):
    """`[[night.door_price]]`: what a ticket type costs at the door from a moment on (the doors unless said) until its
    next price or the end; `price` in major units as text, all-in. Sold from the type's own releases."""

    ticket_type: str
    price: str
    from_: str = msgspec.field(default="", name="from")
    cash: bool = True
    card: bool = True


class NightEntry(_Struct, frozen=True):
    """`[[night]]`: every time is the venue's local time; all but `doors_at` may be counted from its day. Without
    `sale_starts_at` it sells once it is published, and without `sale_ends_at` until it starts. Tickets may be sent on
    until `transfer_until`, or the doors, unless `transfers` is false. `code` is `static`, or `rotating`: it changes on
    the phone all the time, and with `paper` false the door takes no other."""

    slug: Slug
    title: Text
    organisation: str
    venue: str
    currency: Currency
    doors_at: str
    starts_at: str
    ends_at: str
    ticket_type: list[TicketTypeEntry]
    subtitle: Line = ""
    description: LongText = ""
    genres: list[str] = []
    status: str = "published"
    cancelled_reason: LongText = ""
    moved: MovedEntry | None = None
    policies: PoliciesEntry = PoliciesEntry()
    last_entry_at: str = ""
    sale_starts_at: str = ""
    sale_ends_at: str = ""
    room_capacity: int | None = None
    age_minimum: int = 18
    hold_minutes: int = 12
    quantity_max_per_person: int | None = None
    transfers: bool = True
    transfer_until: str = ""
    code: str = "static"
    paper: bool = True
    line_up: list[SetEntry] = []
    promo: list[PromoEntry] = []
    entry_list: list[EntryListEntry] = []
    guest_list: list[GuestListEntry] = []
    door_price: list[DoorPriceEntry] = []
    check: list[Check] = []


class File(_Struct, frozen=True):
    """The whole file."""

    organisation: list[OrganisationEntry] = []
    genre: list[GenreEntry] = []
    venue: list[VenueEntry] = []
    artist: list[ArtistEntry] = []
    night: list[NightEntry] = []
