"""`/api/v1/events/{slug}/scans`: what scanners read, one or a batch."""

import asyncio
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from litestar import Request, post
from litestar.di import NamedDependency
from litestar.params import FromPath, HeaderParameter

from boxoffice.api.openapi import DOOR
from boxoffice.api.v1.orders import NEVER_CACHED
from boxoffice.box import BoxOffice
from boxoffice.door.scan import Answer, Asked, SupervisorsOnly
from boxoffice.edge.json_body import read_json_items
from boxoffice.foundation.problems import FieldError, Problem, Unprocessable

SCANS_MAX = 500
Moment = Annotated[datetime, msgspec.Meta(tz=True)]
Nonce = Annotated[str, msgspec.Meta(min_length=8, max_length=64, pattern=r"^[\x21-\x7e]+\Z")]
Text = Annotated[str, msgspec.Meta(max_length=8192)]
Reason = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
Given = Literal[
    "admitted", "already_used", "blocked", "cancelled", "refunded", "unknown", "wrong_event", "wrong_list", "not_yet",
    "left", "not_inside", "undone",
]  # fmt: skip


class UndoBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The scan that is taken back, and why; `device` when it was another one's."""

    nonce: Nonce
    reason: Reason
    device: UUID | None = None


class ScanBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A QR code's text as `payload` or a typed `code`; `scanned_at` and `sent_at` by the scanner's own clock.

    `nonce` is new for each scan, and the same when it is sent again. `answered` is what the scanner said when it could
    not ask. `override` is a supervisor's reason to let in whatever is found. `found`: somebody looked the ticket up by
    its name. `told_by`: the scanner that sends it, where the phone `answered` as `device` and was paired anew since.
    """

    device: UUID
    nonce: Nonce
    scanned_at: Moment
    payload: Text | None = None
    code: Text | None = None
    direction: Literal["in", "out"] = "in"
    sent_at: Moment | None = None
    answered: Given | None = None
    override: Reason | None = None
    found: bool = False
    undo: UndoBody | None = None
    told_by: UUID | None = None


class TicketAtDoor(msgspec.Struct, frozen=True):
    """Whose ticket it is. One scan of it is `admits` people; `checks` is what to look at when they come in, `age` and
    `name`; after `last_entry_at` nobody comes in with it for the first time."""

    code: str
    ticket_type: str
    holder: str
    admits: int
    checks: list[str]
    last_entry_at: datetime | None


class ScanAnswer(msgspec.Struct, frozen=True):
    """The answer, which never changes. `used_at` and `gate`: since when and by which gate the ticket is in.

    `objection`: what a scanner that answered alone would have been told. `because`: why a good ticket's code is
    cancelled: `sent_on` to somebody else, `reissued`, signed with a `retired_key`, an `old_picture` of a code that
    changes, or `no_paper` where only codes that change are taken; or `too_late` when it is `blocked` for its hour
    alone; or why a code is `unknown`: `mistyped`, or an `order_code` where a ticket's is wanted. Null where the answer
    says it all. A batch tells `supervisors_only` here.
    """

    nonce: str
    answer: str
    ticket: TicketAtDoor | None
    used_at: datetime | None
    gate: str | None
    objection: str | None
    because: str | None = None


@post(
    "/api/v1/events/{slug:str}/scans",
    tags=[DOOR],
    summary="Scan a ticket, or tell of many scans",
    status_code=200,
    cache_control=NEVER_CACHED,
    opt={"body": ScanBody},
)
async def scan(
    box: NamedDependency[BoxOffice],
    slug: FromPath[str],
    request: Request[Any, Any, Any],
    authorization: Annotated[str, HeaderParameter(name="Authorization")] = "",
) -> ScanAnswer | list[ScanAnswer]:
    """Answers and writes down one scan, or a list of up to 500. The same nonce again gets the same answer."""
    bodies, several = await read_json_items(request, ScanBody, SCANS_MAX)
    errors = [error for place, body in enumerate(bodies) for error in _errors(body, f"[{place}]." if several else "")]
    if errors:
        raise Unprocessable("The body does not fit. Nothing was changed.", tuple(errors))
    desk = await box.desks.of(slug)
    token = bearer(authorization)
    answers = await asyncio.gather(*(desk.scan(_asked(body, token)) for body in bodies))
    shown = [_shown(body, answer, alone=not several) for body, answer in zip(bodies, answers, strict=True)]
    return shown if several else shown[0]


def bearer(authorization: str) -> str:
    """The token of an Authorization header; empty when it is none of that kind."""
    scheme, _, token = authorization.partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def _errors(body: ScanBody, path: str) -> list[FieldError]:
    told = [name for name in ("payload", "code", "undo") if getattr(body, name) is not None]
    if len(told) != 1:
        return [FieldError(f"{path}payload", "One of `payload`, `code` and `undo`, and only one.")]
    if body.answered == "undone" and not body.undo:
        return [FieldError(f"{path}answered", "Only an undo is answered like this.")]
    if body.told_by and not body.answered:
        return [FieldError(f"{path}told_by", "Only what another scanner answered alone is told for it.")]
    return []


def _asked(body: ScanBody, token: str) -> Asked:
    undo = body.undo
    return Asked(
        device_id=body.device,
        token=token,
        nonce=body.nonce,
        text=body.payload or body.code or "",
        scanned_at=body.scanned_at,
        sent_at=body.sent_at,
        is_exit=body.direction == "out",
        answered=body.answered,
        override=_keepable(body.override or ""),
        is_found=body.found,
        undoes=(undo.device or body.device, undo.nonce) if undo else None,
        reason=_keepable(undo.reason) if undo else "",
        told_by=body.told_by,
    )


def _keepable(reason: str) -> str:
    """What the books can hold: a scan that was made is kept, whatever was typed beside it."""
    return reason.replace("\0", "\ufffd")


def _shown(body: ScanBody, answer: Answer | Problem, *, alone: bool) -> ScanAnswer:
    if isinstance(answer, Problem):
        if alone or not isinstance(answer, SupervisorsOnly):
            raise answer
        return ScanAnswer(body.nonce, answer.type, None, None, None, None, None)
    ticket = None
    if answer.ticket is not None:
        one = answer.ticket
        ticket = TicketAtDoor(one.code, one.ticket_type, one.holder, one.admits, one.checks, answer.last_entry_at)
    return ScanAnswer(
        answer.nonce, answer.answer, ticket, answer.used_at, answer.used_gate, answer.objection, answer.because
    )
