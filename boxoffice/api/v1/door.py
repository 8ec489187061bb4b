"""`/api/v1/.../door`: how a phone becomes a scanner, and what it keeps for when there is no network."""

from base64 import b64encode
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Request, get, post
from litestar.datastructures import CacheControlHeader
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, HeaderParameter

from boxoffice.api.openapi import DOOR
from boxoffice.api.v1.orders import NEVER_CACHED
from boxoffice.api.v1.scans import Moment, bearer
from boxoffice.box import BoxOffice
from boxoffice.door.device import Paired, night_of, pair
from boxoffice.door.sync import AlsoLetIn, Counts, DoorKey, DoorTicket, DoorType, door_list
from boxoffice.edge.json_body import read_json
from boxoffice.foundation.problems import FieldError, Problem, Unprocessable

KEYS_KEPT_SECONDS = 60


class PairingBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The secret part of a scanner's link and its PIN; `device_at` is what the phone's clock says."""

    link: Annotated[str, msgspec.Meta(max_length=100)]
    pin: Annotated[str, msgspec.Meta(max_length=20)]
    device_at: Moment | None = None


class DoorShown(msgspec.Struct, frozen=True):
    """Everything that a scanner needs, or what has changed since `since`; `cursor` is the next `since`.

    `opens_at`: nobody is let in before it. `takes_paper`: codes that stay are taken, not only those that change.
    `retired_keys`: what they signed is no longer taken. `also_let_in`: every scan of this scanner's that another one's
    entry counts before.
    """

    device: UUID
    now: datetime
    cursor: datetime
    event: str
    event_code: str
    time_zone: str
    ends_at: datetime
    gate: str
    role: str
    sells: bool
    list_name: str
    re_entry: bool
    takes_paper: bool
    opens_at: datetime
    age_minimum: int
    keys: list[DoorKey]
    retired_keys: list[DoorKey]
    ticket_types: list[DoorType]
    tickets: list[DoorTicket]
    counts: Counts
    also_let_in: list[AlsoLetIn]


class PublicKey(msgspec.Struct, frozen=True):
    """`key`: 32 bytes of an Ed25519 public key in base64."""

    number: int
    key: str


class KeysShown(msgspec.Struct, frozen=True):
    """What anybody needs to tell whether the code of a ticket is genuine; not whether it still opens the door."""

    event_code: str
    keys: list[PublicKey]


@get(
    "/api/v1/events/{slug:str}/keys",
    tags=[DOOR],
    summary="Show the keys that tickets are signed with",
    cache_control=CacheControlHeader(public=True, max_age=KEYS_KEPT_SECONDS),
)
async def show_keys(box: NamedDependency[BoxOffice], slug: FromPath[str]) -> KeysShown:
    """The night's public keys (Ed25519, 32 bytes in base64), by the number in the code's text."""
    from boxoffice.tickets.code import keys_of_night  # noqa: PLC0415 - its cryptography is slow to load

    async with box.db.transaction() as connection:
        night = await night_of(connection, slug)
        keys = await keys_of_night(connection, night.id)
    good = [PublicKey(key.number, b64encode(key.public_key).decode()) for key in keys if key.retired_at is None]
    return KeysShown(night.short_code, good)


@post(
    "/api/v1/events/{slug:str}/door/pairings",
    tags=[DOOR],
    summary="Pair a scanner",
    status_code=201,
    cache_control=NEVER_CACHED,
    opt={"body": PairingBody},
)
async def pair_device(box: NamedDependency[BoxOffice], slug: FromPath[str], request: Request[Any, Any, Any]) -> Paired:
    """Makes this phone the scanner of a link; whoever had it before is out. Five wrong PINs lock the link."""
    body = await read_json(request, PairingBody)
    async with box.db.transaction() as connection:
        paired = await pair(connection, box.settings.secret_key, slug, body.link, body.pin, body.device_at)
    if isinstance(paired, Problem):
        raise paired
    return paired


@get("/api/v1/events/{slug:str}/door", tags=[DOOR], summary="What a scanner keeps", cache_control=NEVER_CACHED)
async def show_door(
    box: NamedDependency[BoxOffice],
    slug: FromPath[str],
    since: FromQuery[str] = "",
    device_at: FromQuery[str] = "",
    authorization: Annotated[str, HeaderParameter(name="Authorization")] = "",
) -> DoorShown:
    """Tickets and keys for a scanner that may lose its network: everything, or what has changed since `since`."""
    moments = _moment("since", since), _moment("device_at", device_at)
    async with box.db.transaction() as connection:
        found = await door_list(connection, slug, bearer(authorization), *moments)
    if isinstance(found, Problem):
        raise found
    scanner = found.scanner
    return DoorShown(
        device=scanner.id,
        now=scanner.now,
        cursor=found.cursor,
        event=scanner.event_title,
        event_code=scanner.event_code,
        time_zone=scanner.time_zone,
        ends_at=scanner.ends_at,
        gate=scanner.gate,
        role=scanner.role,
        sells=scanner.sells,
        list_name=scanner.list_name,
        re_entry=scanner.re_entry,
        takes_paper=scanner.takes_paper,
        opens_at=scanner.opens_at,
        age_minimum=scanner.age_minimum,
        keys=found.keys,
        retired_keys=found.retired_keys,
        ticket_types=found.ticket_types,
        tickets=found.tickets,
        counts=found.counts,
        also_let_in=found.also_let_in,
    )


def _moment(name: str, text: str) -> datetime | None:
    if not text:
        return None
    try:
        return msgspec.convert(text, Moment)
    except msgspec.ValidationError as error:
        detail = "A moment like 2026-11-28T22:00:00Z."
        raise Unprocessable("This is no moment.", (FieldError(name, detail),)) from error
