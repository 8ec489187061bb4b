"""A night's guest lists: who fills them, how many are on them, and the link by which that is done."""

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as NotBase64
from datetime import datetime
from uuid import UUID

import msgspec

from boxoffice.foundation.db import Connection, Query
from boxoffice.foundation.problems import NotFound
from boxoffice.foundation.signing import derived_key

TOKEN_LENGTH = 64
ID_BYTES = 16


class GuestList(msgspec.Struct, frozen=True):
    """A list with its night. `quota` and `taken` count people; `last_entry_at`: after it nobody comes in
    by it for the first time, and then at the latest it closes."""

    event_id: UUID
    id: UUID
    name: str
    given_by: str
    quota: int
    taken: int
    plus_ones_max: int
    closes_at: datetime
    last_entry_at: datetime | None
    link_revision: int
    event_slug: str
    event_title: str
    event_status: str
    doors_at: datetime
    time_zone: str
    venue_name: str
    venue_city: str
    now: datetime

    @property
    def left(self) -> int:
        """How many people more can be named; none when the quota was made smaller than what is taken."""
        return max(0, self.quota - self.taken)

    @property
    def is_open(self) -> bool:
        """Whether names may still be added and taken off."""
        return self.event_status == "published" and self.now < self.closes_at

    @property
    def entry_ended(self) -> bool:
        """Whether nobody comes in by it any more who has not been in before."""
        return self.last_entry_at is not None and self.now >= self.last_entry_at

    @property
    def plus_ones_now(self) -> int:
        """How many may come along with one more guest."""
        return min(self.plus_ones_max, self.left - 1)


class Guest(msgspec.Struct, frozen=True):
    """A name on a list: `people` are the guest and who comes along, of whom `came` have by now."""

    list_id: UUID
    order_id: UUID
    order_code: str
    name: str
    people: int
    came: int
    email: str
    added_by: str
    added_at: datetime

    @property
    def plus_ones(self) -> int:
        """Who comes along."""
        return self.people - 1


_LIST = """
SELECT guest_list.event_id, guest_list.id, ticket_type.name, given_by, stock.cap AS quota, stock.used AS taken,
  plus_ones_max, least(closes_at, type_entry.last_entry_at) AS closes_at, type_entry.last_entry_at, link_revision,
  event.slug AS event_slug, event.title AS event_title, event.status AS event_status, doors_at, event.time_zone,
  venue.name AS venue_name, venue.city AS venue_city, clock() AS now
FROM guest_list JOIN event ON event.id = guest_list.event_id JOIN venue ON venue.id = event.venue_id
JOIN ticket_type ON ticket_type.event_id = guest_list.event_id AND ticket_type.id = guest_list.id
JOIN type_entry ON type_entry.event_id = guest_list.event_id AND type_entry.ticket_type_id = guest_list.id
JOIN release ON release.event_id = guest_list.event_id AND release.ticket_type_id = guest_list.id
JOIN stock ON stock.event_id = release.event_id AND stock.id = release.stock_id
WHERE event.status <> 'draft' AND """
OF_NIGHT = Query(GuestList, f"{_LIST} event.slug = $1 ORDER BY ticket_type.position")
ONE = Query(GuestList, f"{_LIST} guest_list.event_id = $1 AND guest_list.id = $2")
# Only those who may still come, or have: whoever was taken off is on the list no more.
_GUESTS = """
SELECT guest.list_id, guest.order_id, orders.code AS order_code, guest.name, tickets.people, tickets.came, orders.email,
  guest.added_by, guest.added_at
FROM guest JOIN orders ON orders.event_id = guest.event_id AND orders.id = guest.order_id
CROSS JOIN LATERAL (SELECT count(*)::integer AS people,
    (count(*) FILTER (WHERE ticket.status = 'used'))::integer AS came
  FROM ticket WHERE ticket.event_id = guest.event_id AND ticket.order_id = guest.order_id
    AND ticket.status IN ('active', 'used')) AS tickets
WHERE tickets.people > 0 AND guest.event_id = $1"""
_BY_NAME = " ORDER BY lower(guest.name), guest.added_at"
GUESTS = Query(Guest, f"{_GUESTS} AND guest.list_id = $2{_BY_NAME}")
GUESTS_OF_NIGHT = Query(Guest, f"{_GUESTS}{_BY_NAME}")
NEW_LINK = Query(
    int,
    """
UPDATE guest_list SET link_revision = link_revision + 1 WHERE event_id = $1 AND id = $2 RETURNING link_revision
""",
)


async def lists_of(connection: Connection, slug: str) -> list[GuestList]:
    """Every guest list of a night, in its organiser's order; none for a draft."""
    return await OF_NIGHT.all(connection, slug) if "\0" not in slug else []


async def list_named(connection: Connection, slug: str, name: str) -> GuestList:
    """The night's list of this name, in whatever capitals. Raises NotFound, which tells the names that there are."""
    lists = await lists_of(connection, slug)
    found = next((one for one in lists if one.name.casefold() == name.casefold()), None)
    if found is None:
        names = ", ".join(one.name for one in lists)
        raise NotFound(f"This night has no guest list called {name}. " + (f"It has: {names}." if names else ""))
    return found


async def guests_on(connection: Connection, guest_list: GuestList) -> list[Guest]:
    """Its guests by name."""
    return await GUESTS.all(connection, guest_list.event_id, guest_list.id)


async def guests_of_night(connection: Connection, event_id: UUID) -> dict[UUID, list[Guest]]:
    """The guests of all its lists by name, by the list's id; a list without any is not among them."""
    found: dict[UUID, list[Guest]] = {}
    for guest in await GUESTS_OF_NIGHT.all(connection, event_id):
        found.setdefault(guest.list_id, []).append(guest)
    return found


def share_token(secret_key: str, guest_list: GuestList, revision: int | None = None) -> str:
    """What names a list in its link, 64 characters: its ids, and an HMAC of them and the link's revision."""
    number = guest_list.link_revision if revision is None else revision
    ids = guest_list.event_id.bytes + guest_list.id.bytes
    return urlsafe_b64encode(ids + _signature(secret_key, ids, number)).decode()


async def list_of_token(connection: Connection, secret_key: str, token: str) -> GuestList:
    """The list of a link. Raises NotFound for a revoked link as for one that never was."""
    ids, signature = _read_token(token)
    if signature:
        event_id, list_id = UUID(bytes=ids[:ID_BYTES]), UUID(bytes=ids[ID_BYTES:])
        found = await ONE.first(connection, event_id, list_id)
        if found and hmac.compare_digest(signature, _signature(secret_key, ids, found.link_revision)):
            return found
    raise NotFound("There is no guest list at this address. Ask whoever sent you the link for a new one.")


async def revoke_link(connection: Connection, guest_list: GuestList) -> int:
    """Makes every link given out so far worth nothing; returns the revision of the next."""
    revision = await NEW_LINK.first(connection, guest_list.event_id, guest_list.id)
    assert revision is not None
    return revision


def _read_token(token: str) -> tuple[bytes, bytes]:
    if len(token) != TOKEN_LENGTH or not token.isascii():
        return b"", b""
    try:
        content = urlsafe_b64decode(token)
    except NotBase64:
        return b"", b""
    return content[: 2 * ID_BYTES], content[2 * ID_BYTES :]


def _signature(secret_key: str, ids: bytes, revision: int) -> bytes:
    message = ids + revision.to_bytes(4, "big")
    return hmac.digest(derived_key(secret_key, "guest list links"), message, "sha256")[:ID_BYTES]
