"""What is wrong with a nights file, field by field, and what its nights mean where nothing is."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from boxoffice.catalogue.nights_file_tables import (
    Check,
    DoorPriceEntry,
    File,
    GuestEntry,
    NightEntry,
    PromoEntry,
    TicketTypeEntry,
    VenueEntry,
)
from boxoffice.catalogue.planned_night import (
    DoorPrice,
    EntryList,
    GuestList,
    NamedGuest,
    Night,
    Promo,
    Release,
    Set,
    TicketType,
)
from boxoffice.foundation.email_address import read_email
from boxoffice.foundation.local_time import instant
from boxoffice.foundation.money import minimum_minor, to_minor
from boxoffice.foundation.person_name import read_name
from boxoffice.foundation.problems import FieldError

Value = TypeVar("Value")
Perhaps = Callable[[str, str], datetime | None]
"""A field of a night and its text: the instant that it means, None for an empty one."""

QUOTA_MAX = 1_000
PLUS_ONES_MAX = 9
ADMITS_MAX = 50


class NightsChecks:
    """Collects every error of a file instead of stopping at the first."""

    def __init__(self, file: File, now: datetime) -> None:
        self.errors: list[FieldError] = []
        self._now = now
        self._organisations = {entry.slug for entry in file.organisation}
        self._genres = {entry.slug for entry in file.genre}
        self._venues = {entry.slug: entry for entry in file.venue}
        self._artists = {entry.slug for entry in file.artist}

    def people_and_places(self, file: File) -> None:
        """What is wrong outside the nights: slugs given twice, venues and artists that cannot be."""
        for name in ("organisation", "genre", "venue", "artist", "night"):
            slugs = [entry.slug for entry in getattr(file, name)]
            for number, slug in enumerate(slugs):
                if slug in slugs[:number]:
                    self._wrong(f"{name}[{number}].slug", f'There is another [[{name}]] with slug "{slug}".')
        for number, venue in enumerate(file.venue):
            self._venue(f"venue[{number}]", venue)
        for number, artist in enumerate(file.artist):
            self._named_genres(f"artist[{number}].genres", artist.genres)

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
        self._named_genres(f"{path}.genres", entry.genres)
        self._numbers(path, entry)
        self._words(path, entry)
        self._entry_lists(path, entry)
        self._door_rules(path, entry)
        self._guest_lists(path, entry)
        releases = [
            self._releases(f"{path}.ticket_type[{place}]", ticket_type, entry.currency)
            for place, ticket_type in enumerate(entry.ticket_type)
        ]
        if zone is None:
            return None
        night = self._scheduled(path, entry, zone, releases)
        if len(self.errors) == errors_before:
            self._order_of_times(path, night)
            self._order_at_the_door(path, night)
        return night if len(self.errors) == errors_before else None

    def _scheduled(
        self, path: str, entry: NightEntry, zone: ZoneInfo, releases: Sequence[tuple[Release, ...]]
    ) -> Night:
        doors_at = self._try(f"{path}.doors_at", lambda: instant(entry.doors_at, zone, self._now), self._now)
        doors_day = doors_at.astimezone(zone).date()

        def moment(field: str, text: str) -> datetime:
            return self._try(f"{path}.{field}", lambda: instant(text, zone, self._now, doors_day), doors_at)

        def perhaps(field: str, text: str) -> datetime | None:
            return moment(field, text) if text else None

        starts_at = moment("starts_at", entry.starts_at)
        return Night(
            entry=entry,
            time_zone=zone.key,
            doors_at=doors_at,
            starts_at=starts_at,
            ends_at=moment("ends_at", entry.ends_at),
            last_entry_at=perhaps("last_entry_at", entry.last_entry_at),
            moved_from_starts_at=perhaps("moved.from_starts_at", entry.moved.from_starts_at if entry.moved else ""),
            sale_starts_at=perhaps("sale_starts_at", entry.sale_starts_at),
            sale_ends_at=perhaps("sale_ends_at", entry.sale_ends_at) or starts_at,
            transfer_until=perhaps("transfer_until", entry.transfer_until),
            line_up=_line_up(entry, perhaps),
            ticket_types=_ticket_types(entry, releases, perhaps),
            promos=tuple(
                self._promo(f"{path}.promo[{place}]", promo, entry.currency) for place, promo in enumerate(entry.promo)
            ),
            entry_lists=_entry_lists(entry, perhaps),
            guest_lists=self._lists_of_guests(path, entry, perhaps, doors_at),
            door_prices=self._door_prices(path, entry, perhaps, doors_at),
        )

    def _lists_of_guests(
        self, path: str, entry: NightEntry, perhaps: Perhaps, doors_at: datetime
    ) -> tuple[GuestList, ...]:
        return tuple(
            GuestList(
                one.name,
                one.given_by,
                one.quota,
                one.plus_ones_max,
                perhaps(f"guest_list[{place}].closes_at", one.closes_at) or doors_at,
                perhaps(f"guest_list[{place}].last_entry_at", one.last_entry_at),
                _checks_of(one.check, entry),
                tuple(
                    self._guest(f"{path}.guest_list[{place}].guest[{number}]", guest)
                    for number, guest in enumerate(one.guest)
                ),
            )
            for place, one in enumerate(entry.guest_list)
        )

    def _door_prices(self, path: str, entry: NightEntry, perhaps: Perhaps, doors_at: datetime) -> tuple[DoorPrice, ...]:
        return tuple(
            DoorPrice(
                one.ticket_type,
                perhaps(f"door_price[{place}].from", one.from_) or doors_at,
                self._door_price(f"{path}.door_price[{place}]", one, entry.currency),
                one.cash,
                one.card,
            )
            for place, one in enumerate(entry.door_price)
        )

    def _promo(self, path: str, promo: PromoEntry, currency: str) -> Promo:
        amount_minor = None
        if (promo.percent is None) == (promo.amount_off is None):
            self._wrong(f"{path}.percent", "Give percent or amount_off.")
        if promo.percent is not None and not 1 <= promo.percent <= 100:  # noqa: PLR2004
            self._wrong(f"{path}.percent", "A percentage from 1 to 100.")
        if promo.amount_off is not None:
            text = promo.amount_off
            amount_minor = self._try(f"{path}.amount_off", lambda: to_minor(text, currency), 1)
            if amount_minor == 0:
                self._wrong(f"{path}.amount_off", "More than nothing.")
        if promo.uses_max is not None and promo.uses_max < 1:
            self._wrong(f"{path}.uses_max", "At least 1, or leave it out.")
        return Promo(promo.code.upper(), promo.percent, amount_minor, promo.uses_max)

    def _order_of_times(self, path: str, night: Night) -> None:
        if not night.doors_at <= night.starts_at < night.ends_at:
            self._wrong(f"{path}.starts_at", "Doors open first, then the night starts, then it ends.")
        if night.last_entry_at is not None and not night.doors_at <= night.last_entry_at <= night.ends_at:
            self._wrong(f"{path}.last_entry_at", "The last entry is between the doors and the end.")
        if night.transfer_until is not None and night.transfer_until > night.ends_at:
            self._wrong(f"{path}.transfer_until", "Tickets are sent on before the night ends.")
        if night.sale_starts_at is not None and night.sale_starts_at >= night.sale_ends_at:
            self._wrong(f"{path}.sale_ends_at", "The sale ends after it starts.")
        for place, set_ in enumerate(night.line_up):
            if set_.ends_at is not None and (set_.starts_at is None or set_.starts_at >= set_.ends_at):
                self._wrong(f"{path}.line_up[{place}].ends_at", "A set starts before it ends.")
            elif set_.starts_at is not None and not night.doors_at <= set_.starts_at < night.ends_at:
                self._wrong(f"{path}.line_up[{place}].starts_at", "A set starts between the doors and the end.")

    def _order_at_the_door(self, path: str, night: Night) -> None:
        for kind, rules in (
            ("ticket_type", night.ticket_types),
            ("entry_list", night.entry_lists),
            ("guest_list", night.guest_lists),
        ):
            for place, one in enumerate(rules):
                if one.last_entry_at is not None and not night.doors_at < one.last_entry_at <= night.ends_at:
                    sentence = "The last entry is after the doors and not after the end."
                    self._wrong(f"{path}.{kind}[{place}].last_entry_at", sentence)
        for place, one in enumerate(night.guest_lists):
            if one.closes_at > night.ends_at:
                self._wrong(f"{path}.guest_list[{place}].closes_at", "A guest list closes before the night ends.")

        begun: set[tuple[str, datetime]] = set()
        for place, one in enumerate(night.door_prices):
            field = f"{path}.door_price[{place}].from"
            if one.from_at >= night.ends_at:
                self._wrong(field, "A price at the door begins before the night ends.")
            if (one.ticket_type, one.from_at) in begun:
                self._wrong(field, "This ticket type has another price at the door from the same moment on.")
            begun.add((one.ticket_type, one.from_at))

    def _words(self, path: str, entry: NightEntry) -> None:
        codes = [promo.code.upper() for promo in entry.promo]
        for place, code in enumerate(codes):
            if code in codes[:place]:
                self._wrong(f"{path}.promo[{place}].code", "There is another code like this.")
        if entry.transfer_until and not entry.transfers:
            self._wrong(f"{path}.transfer_until", "Leave it out: transfers = false lets nobody send a ticket on.")
        if entry.code not in ("static", "rotating"):
            self._wrong(f"{path}.code", "One of static, rotating.")
        elif not entry.paper and entry.code == "static":
            self._wrong(f"{path}.paper", 'Without paper tickets need code = "rotating".')
        if entry.cancelled_reason and entry.status != "cancelled":
            self._wrong(f"{path}.cancelled_reason", 'Only a night with status = "cancelled" has a reason.')
        if entry.moved is not None and not (entry.moved.from_starts_at or entry.moved.from_venue):
            self._wrong(f"{path}.moved", "Say what it moved from: from_starts_at, from_venue, or both.")

    def _guest_lists(self, path: str, entry: NightEntry) -> None:
        names = [ticket_type.name for ticket_type in entry.ticket_type]
        for place, one in enumerate(entry.guest_list):
            field = f"{path}.guest_list[{place}]"
            if one.name in names:
                self._wrong(f"{field}.name", "There is another guest list or ticket type with this name.")
            names.append(one.name)
            if not 1 <= one.quota <= QUOTA_MAX:
                self._wrong(f"{field}.quota", f"A whole number from 1 to {QUOTA_MAX:,}.")
            if not 0 <= one.plus_ones_max <= PLUS_ONES_MAX:
                self._wrong(f"{field}.plus_ones_max", f"A whole number from 0 to {PLUS_ONES_MAX}.")
            for number, guest in enumerate(one.guest):
                if not 0 <= guest.plus_ones <= one.plus_ones_max:
                    sentence = f"This list takes up to {one.plus_ones_max} with each guest: see plus_ones_max."
                    self._wrong(f"{field}.guest[{number}].plus_ones", sentence)
            people = sum(1 + guest.plus_ones for guest in one.guest)
            if people > one.quota:
                self._wrong(f"{field}.guest", f"{people} people are named, and the quota is {one.quota}.")

    def _guest(self, field: str, guest: GuestEntry) -> NamedGuest:
        name = self._try(f"{field}.name", lambda: read_name(guest.name), "")
        email = self._try(f"{field}.email", lambda: read_email(guest.email), "") if guest.email else ""
        return NamedGuest(name, guest.plus_ones, email)

    def _door_rules(self, path: str, entry: NightEntry) -> None:
        for place, one in enumerate(entry.ticket_type):
            if not 1 <= one.admits <= ADMITS_MAX:
                self._wrong(f"{path}.ticket_type[{place}].admits", f"A whole number from 1 to {ADMITS_MAX}.")
        asked = [("", entry.check)]
        asked += [(f"ticket_type[{place}].", one.check or []) for place, one in enumerate(entry.ticket_type)]
        asked += [(f"guest_list[{place}].", one.check or []) for place, one in enumerate(entry.guest_list)]
        for place, one in enumerate(entry.door_price):
            if one.ticket_type not in {ticket_type.name for ticket_type in entry.ticket_type}:
                self._wrong(f"{path}.door_price[{place}].ticket_type", f'There is no ticket type "{one.ticket_type}".')
        for where, checks in asked:
            if "age" in checks and entry.age_minimum == 0:
                self._wrong(f"{path}.{where}check", "Everybody is old enough for this night: see age_minimum.")
            if len(set(checks)) != len(checks):
                self._wrong(f"{path}.{where}check", "Once is enough.")

    def _entry_lists(self, path: str, entry: NightEntry) -> None:
        types = {one.name for one in (*entry.ticket_type, *entry.guest_list)}
        names = [one.name for one in entry.entry_list]
        for place, one in enumerate(entry.entry_list):
            if one.name in names[:place]:
                self._wrong(f"{path}.entry_list[{place}].name", "There is another list with this name.")
            for number, name in enumerate(one.ticket_types):
                if name not in types:
                    field = f"{path}.entry_list[{place}].ticket_types[{number}]"
                    self._wrong(field, f'This night has no ticket type or guest list called "{name}".')

    def _venue(self, path: str, venue: VenueEntry) -> None:
        if venue.capacity is not None and venue.capacity < 1:
            self._wrong(f"{path}.capacity", "A venue holds at least one person, or leave it out.")
        if (venue.latitude is None) != (venue.longitude is None):
            self._wrong(f"{path}.longitude", "Latitude and longitude come together.")
        if venue.latitude is not None and not -90 <= venue.latitude <= 90:  # noqa: PLR2004
            self._wrong(f"{path}.latitude", "Degrees from -90 to 90, north is positive.")
        if venue.longitude is not None and not -180 <= venue.longitude <= 180:  # noqa: PLR2004
            self._wrong(f"{path}.longitude", "Degrees from -180 to 180, east is positive.")

    def _named_genres(self, path: str, genres: list[str]) -> None:
        for place, genre in enumerate(genres):
            if genre not in self._genres:
                self._wrong(f"{path}[{place}]", f'There is no [[genre]] with slug "{genre}".')
            elif genre in genres[:place]:
                self._wrong(f"{path}[{place}]", "Once is enough.")

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
        artists = [set_.artist for set_ in entry.line_up]
        for place, artist in enumerate(artists):
            if artist not in self._artists:
                self._wrong(f"{path}.line_up[{place}].artist", f'There is no [[artist]] with slug "{artist}".')
            elif artist in artists[:place]:
                self._wrong(f"{path}.line_up[{place}].artist", f'"{artist}" is in this line-up already.')
        names = [ticket_type.name for ticket_type in entry.ticket_type]
        if not names or len(set(names)) != len(names):
            self._wrong(f"{path}.ticket_type", "At least one ticket type, each with a name of its own.")

    def _releases(self, path: str, entry: TicketTypeEntry, currency: str) -> tuple[Release, ...]:
        if not entry.release:
            self._wrong(f"{path}.release", "At least one release with a price and a quantity.")
        releases: list[Release] = []
        for place, release in enumerate(entry.release):
            field = f"{path}.release[{place}]"
            if not 1 <= release.quantity <= 1_000_000:  # noqa: PLR2004
                self._wrong(f"{field}.quantity", "A whole number from 1 to 1,000,000.")
            price_minor = self._price(f"{field}.price", release.price, currency)
            releases.append(Release(release.name, price_minor, release.quantity))
        return tuple(releases)

    def _door_price(self, path: str, one: DoorPriceEntry, currency: str) -> int:
        price_minor = self._price(f"{path}.price", one.price, currency)
        if price_minor == 0:
            self._wrong(f"{path}.price", "What costs nothing is not sold at the door: put people on a guest list.")
        elif one.card and price_minor < minimum_minor(currency):
            self._wrong(f"{path}.card", "The price is below the smallest card payment: say card = false.")
        if not (one.cash or one.card):
            self._wrong(f"{path}.cash", "It is paid in cash, by card, or both.")
        return price_minor

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


def _checks_of(own: list[Check] | None, night: NightEntry) -> tuple[Check, ...]:
    return tuple(night.check if own is None else own)


def _line_up(night: NightEntry, perhaps: Perhaps) -> tuple[Set, ...]:
    return tuple(
        Set(
            one.artist,
            perhaps(f"line_up[{place}].starts_at", one.starts_at),
            perhaps(f"line_up[{place}].ends_at", one.ends_at),
            one.stage,
        )
        for place, one in enumerate(night.line_up)
    )


def _ticket_types(
    night: NightEntry, releases: Sequence[tuple[Release, ...]], perhaps: Perhaps
) -> tuple[TicketType, ...]:
    return tuple(
        TicketType(
            one.name,
            one.description,
            releases[place],
            one.admits,
            perhaps(f"ticket_type[{place}].last_entry_at", one.last_entry_at),
            _checks_of(one.check, night),
        )
        for place, one in enumerate(night.ticket_type)
    )


def _entry_lists(night: NightEntry, perhaps: Perhaps) -> tuple[EntryList, ...]:
    return tuple(
        EntryList(
            one.name,
            tuple(one.ticket_types),
            one.re_entry,
            perhaps(f"entry_list[{place}].opens_at", one.opens_at),
            perhaps(f"entry_list[{place}].last_entry_at", one.last_entry_at),
        )
        for place, one in enumerate(night.entry_list)
    )
