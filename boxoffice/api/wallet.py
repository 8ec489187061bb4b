"""What phones ask and say about passes in Apple Wallet: Apple's web service, under the address that each pass names.

Source: Apple's documentation "Wallet Passes", "Adding a web service to update passes". Who has the pass has its token.
"""

import hmac
import re
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime, parsedate_to_datetime
from typing import Annotated, Any

import msgspec
from litestar import Request, Response, delete, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, HeaderParameter, QueryParameter

from boxoffice.api.v1.orders import NEVER_CACHED
from boxoffice.box import BoxOffice
from boxoffice.edge.client_address import client_address
from boxoffice.edge.json_body import read_json
from boxoffice.edge.wallet_passes import apple_passes, to_keep
from boxoffice.foundation import logs
from boxoffice.foundation.problems import NotFound, Problem
from boxoffice.foundation.rate_limit import Limit, allow
from boxoffice.wallet.apple_devices import COMMITS_WITHIN, changed_since, register, unregister
from boxoffice.wallet.card import PassKey, read_serial, show_pass

BASE = "/api/wallet/v1"
REGISTRATION = f"{BASE}/devices/{{device:str}}/registrations/{{pass_type:str}}/{{serial:str}}"
DEVICE_SHAPE = re.compile(r"[0-9A-Za-z._-]{1,64}")
SCHEME = "ApplePass "
LOGGED_MAX, LINE_MAX = 10, 500
LOGS = Limit("lines of wallets", 20, 600)
PushToken = Annotated[str, msgspec.Meta(pattern=r"^[0-9A-Fa-f]{8,200}$")]


class NotYourPass(Problem):
    """The token is not this pass's, or there is no such pass: the same answer for both."""

    status, type, title = 401, "not_your_pass", "Not your pass"


class PushBody(msgspec.Struct, frozen=True):
    """Where Apple reaches the phone."""

    push_token: PushToken = msgspec.field(name="pushToken")


class LogBody(msgspec.Struct, frozen=True):
    """What phones found wrong with passes or this service, in words."""

    logs: list[str]


class ChangedPasses(msgspec.Struct, frozen=True, rename="camel"):
    """Serial numbers, and the tag to ask with next time."""

    serial_numbers: list[str]
    last_updated: str


@post(REGISTRATION, status_code=201, include_in_schema=False, cache_control=NEVER_CACHED)
async def register_phone(
    request: Request[Any, Any, Any],
    box: NamedDependency[BoxOffice],
    device: FromPath[str],
    pass_type: FromPath[str],
    serial: FromPath[str],
    authorization: Annotated[str, HeaderParameter(name="Authorization")] = "",
) -> Response[None]:
    """The phone has the pass and wants to hear of changes: 201, or 200 when it had said so before."""
    key = _key_of(box, pass_type, serial, authorization)
    _known_shape(device)
    body = await read_json(request, PushBody)
    new = await box.db.attempt(register, key, device, body.push_token.lower())
    if new is None:
        raise _not_yours()
    return Response(None, status_code=201 if new else 200)


@delete(REGISTRATION, status_code=200, include_in_schema=False, cache_control=NEVER_CACHED)
async def unregister_phone(
    box: NamedDependency[BoxOffice],
    device: FromPath[str],
    pass_type: FromPath[str],
    serial: FromPath[str],
    authorization: Annotated[str, HeaderParameter(name="Authorization")] = "",
) -> None:
    """The pass was taken off the phone."""
    key = _key_of(box, pass_type, serial, authorization)
    await box.db.attempt(unregister, key, device)


@get(
    f"{BASE}/devices/{{device:str}}/registrations/{{pass_type:str}}",
    include_in_schema=False,
    cache_control=NEVER_CACHED,
)
async def list_changed(
    box: NamedDependency[BoxOffice],
    device: FromPath[str],
    pass_type: FromPath[str],
    passes_updated_since: Annotated[str, QueryParameter(name="passesUpdatedSince")] = "",
) -> Response[Any]:
    """Which of the phone's passes changed since the tag that it was given last: 204 when none did."""
    _ours(box, pass_type)
    _known_shape(device)
    async with box.db.transaction() as connection:
        keys, tag = await changed_since(connection, device, passes_updated_since)
    if not keys:
        return Response(None, status_code=204)
    return Response(ChangedPasses([str(key) for key in keys], tag))


@get(f"{BASE}/passes/{{pass_type:str}}/{{serial:str}}", include_in_schema=False, cache_control=NEVER_CACHED)
async def show_latest(
    box: NamedDependency[BoxOffice],
    pass_type: FromPath[str],
    serial: FromPath[str],
    authorization: Annotated[str, HeaderParameter(name="Authorization")] = "",
    if_modified_since: Annotated[str, HeaderParameter(name="If-Modified-Since")] = "",
) -> Response[Any]:
    """The pass as it is now. What changed a moment ago is always sent, for HTTP's dates are whole seconds."""
    from boxoffice.wallet.apple_pass import PKPASS  # noqa: PLC0415 - its cryptography is slow to load

    key = _key_of(box, pass_type, serial, authorization)
    async with box.db.transaction() as connection:
        shown = await show_pass(connection, key)
        if shown is None:
            raise _not_yours()
        card = shown.card
        headers = {"Last-Modified": format_datetime(card.changed_at.astimezone(UTC), usegmt=True)}
        if _has_it(if_modified_since, card.changed_at) and card.now - card.changed_at > COMMITS_WITHIN:
            return Response(None, status_code=304, headers=headers)
        passes = await to_keep(connection, box, [shown])
    (made,) = await apple_passes(box, passes)
    return Response(made, media_type=PKPASS, headers=headers)


@post(f"{BASE}/log", status_code=200, include_in_schema=False, cache_control=NEVER_CACHED)
async def take_log(request: Request[Any, Any, Any], box: NamedDependency[BoxOffice]) -> None:
    """Phones say what is wrong with a pass: it stands in our log."""
    body = await read_json(request, LogBody)
    async with box.db.transaction() as connection:
        too_often = await allow(connection, LOGS, client_address(box.settings, request))
    for line in body.logs[:LOGGED_MAX] if not too_often else ():
        logs.warning("a wallet says", words=line[:LINE_MAX])


def _key_of(box: BoxOffice, pass_type: str, serial: str, authorization: str) -> PassKey:
    """The pass whose token is shown. Raises NotYourPass."""
    from boxoffice.wallet.apple_pass import authentication_token  # noqa: PLC0415 - its cryptography is slow to load

    _ours(box, pass_type)
    key = read_serial(serial)
    token = authorization.removeprefix(SCHEME) if authorization.startswith(SCHEME) else ""
    if key is None or not hmac.compare_digest(
        token.encode(errors="replace"), authentication_token(box.settings.secret_key, key).encode()
    ):
        raise _not_yours()
    return key


def _ours(box: BoxOffice, pass_type: str) -> None:
    apple = box.settings.apple_wallet
    if apple is None or apple.pass_type_id != pass_type:
        raise NotFound("There are no passes of this type here.")


def _known_shape(device: str) -> None:
    if not DEVICE_SHAPE.fullmatch(device):
        raise NotFound("No device is called like this.")


def _not_yours() -> NotYourPass:
    return NotYourPass("This token does not open this pass.")


def _has_it(if_modified_since: str, changed_at: datetime) -> bool:
    try:
        seen = parsedate_to_datetime(if_modified_since)
    except ValueError:
        return False
    return (seen if seen.tzinfo else seen.replace(tzinfo=UTC)) + timedelta(seconds=1) > changed_at
