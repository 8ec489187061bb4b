"""Names are put on a guest list, never more than its quota: each becomes tickets that nobody paid for."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

import msgspec

from boxoffice.foundation.db import Command, Connection
from boxoffice.foundation.email_address import read_email
from boxoffice.foundation.person_name import read_name
from boxoffice.foundation.problems import FieldError, Problem, Unprocessable
from boxoffice.guests.guest_list import Guest, GuestList, guests_on, lists_of
from boxoffice.orders.give import Given, Places, give, known_orders, lock_places, request_for
from boxoffice.orders.place import Request

if TYPE_CHECKING:
    from boxoffice.catalogue.nights_file import NightsFile

Source = Literal["file", "csv", "link"]


class GuestListFull(Problem):
    """More people than the list has places left."""

    status, type, title = 409, "guest_list_full", "The list is full"


class GuestListClosed(Problem):
    """Its time is over, or the night is called off."""

    status, type, title = 409, "guest_list_closed", "The list is closed"


class Named(msgspec.Struct, frozen=True):
    """A guest to be added: a name in the form of `read_name`, how many come along, an address or nothing."""

    name: str
    plus_ones: int = 0
    email: str = ""

    @property
    def people(self) -> int:
        """The guest and who comes along."""
        return 1 + self.plus_ones


ADD = Command("""
INSERT INTO guest (event_id, order_id, list_id, name, plus_ones, added_by, added_at)
SELECT $1, row.order_id, $2, row.name, row.plus_ones, $3, clock()
FROM unnest($4::uuid[], $5::text[], $6::smallint[]) AS row (order_id, name, plus_ones)
""")


def checked(guest_list: GuestList, name: str, plus_ones: int | None, email: str) -> Named:
    """A guest as somebody typed it. Raises Unprocessable with the errors of `name`, `plus_ones` and `email`."""
    errors: list[FieldError] = []
    try:
        name = read_name(name)
    except ValueError as error:
        errors.append(FieldError("name", str(error)))
    if plus_ones is None or not 0 <= plus_ones <= guest_list.plus_ones_max:
        most = guest_list.plus_ones_max
        errors.append(FieldError("plus_ones", f"A whole number from 0 to {most}." if most else "Guests come alone."))
    try:
        email = read_email(email) if email.strip() else ""
    except ValueError as error:
        errors.append(FieldError("email", str(error)))
    if errors:
        raise Unprocessable("Nobody was added yet.", tuple(errors))
    return Named(name, plus_ones or 0, email)


async def add_guest(connection: Connection, guest_list: GuestList, guest: Named, key: str, source: Source) -> Given:
    """Puts a guest on the list, once for its key: sent again, it is the same guest.

    Raises GuestListClosed, GuestListFull, IdempotencyConflict.
    """
    _check_open(guest_list, source)
    places = await lock_places(connection, guest_list.event_id, guest_list.id)
    request = _request(guest_list, guest, key)
    known = await known_orders(connection, guest_list.event_id, [request])
    if known:
        return known[request.key].given(request)
    (given,) = await _put(connection, guest_list, places, [(guest, request)], source)
    return given


async def add_named(
    connection: Connection, guest_list: GuestList, guests: Sequence[Named], source: Source
) -> list[Named]:
    """Puts all of them on the list or, when they are too many, none; returns those who are new on it.

    Who is on it already, or was taken off it, stays so: a file may be loaded again. It takes as many statements for one
    as for hundreds. Raises GuestListFull, GuestListClosed.
    """
    places = await lock_places(connection, guest_list.event_id, guest_list.id)
    there = {same(one) for one in await guests_on(connection, guest_list)}
    absent: dict[tuple[str, str], Named] = {}
    for guest in guests:
        if same(guest) not in there:
            absent.setdefault(same(guest), guest)
    asked = [(guest, _request(guest_list, guest, "\0".join(same))) for same, guest in absent.items()]
    known = await known_orders(connection, guest_list.event_id, [request for _, request in asked])
    new = [(guest, request) for guest, request in asked if request.key not in known]
    if new:
        _check_open(guest_list, source)
        await _put(connection, guest_list, places, new, source)
    return [guest for guest, _ in new]


async def add_guests_of_file(connection: Connection, file: "NightsFile") -> int:
    """Adds the guests whom a nights file names, after its nights were loaded; returns how many are new.

    Raises GuestListFull.
    """
    added = 0
    for night in file.nights:
        named = {one.name: one.guests for one in night.guest_lists if one.guests}
        for guest_list in await lists_of(connection, night.entry.slug) if named else []:
            guests = [Named(one.name, one.plus_ones, one.email) for one in named.get(guest_list.name, ())]
            added += len(await add_named(connection, guest_list, guests, "file"))
    return added


def closed(guest_list: GuestList) -> GuestListClosed:
    """The answer to whoever comes too late."""
    if guest_list.event_status == "cancelled":
        return GuestListClosed("The night is cancelled, and this list with it.")
    if guest_list.entry_ended:
        return GuestListClosed(f"Entry by {guest_list.name} has ended: nobody can be added or taken off any more.")
    return GuestListClosed("This list is closed: nobody can be added or taken off any more. Nothing was changed.")


def _check_open(guest_list: GuestList, source: Source) -> None:
    if (source == "link" and not guest_list.is_open) or (source == "csv" and guest_list.entry_ended):
        raise closed(guest_list)


def _request(guest_list: GuestList, guest: Named, key: str) -> Request:
    return request_for(f"guest:{guest_list.id}:{key}", guest.email, guest_list.id, _names(guest))


async def _put(
    connection: Connection,
    guest_list: GuestList,
    places: Places,
    new: Sequence[tuple[Named, Request]],
    source: Source,
) -> list[Given]:
    people = sum(guest.people for guest, _ in new)
    if people > places.left:
        raise _full(guest_list, people, places.left)
    given = await give(connection, guest_list.event_id, places, [request for _, request in new])
    guests = [guest for guest, _ in new]
    await ADD.run(
        connection,
        *(guest_list.event_id, guest_list.id, source),
        [one.order_id for one in given],
        [one.name for one in guests],
        [one.plus_ones for one in guests],
    )
    return given


def _names(guest: Named) -> tuple[str, ...]:
    """The name on each ticket."""
    return (guest.name, *[f"With {guest.name}"] * guest.plus_ones)


def same(guest: Named | Guest) -> tuple[str, str]:
    """What tells a guest whom a file names twice from two guests."""
    return guest.name.casefold(), guest.email


def _full(guest_list: GuestList, people: int, left: int) -> GuestListFull:
    places = {0: "no place", 1: "one place"}.get(max(left, 0), f"{left} places")
    return GuestListFull(
        f"{guest_list.name} has {places} left, and this is {people} {'person' if people == 1 else 'people'}. "
        "Nobody was added."
    )
