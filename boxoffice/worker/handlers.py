"""Name of a job -> what does it. A job may run twice; each of these bears it."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from uuid import UUID

from boxoffice.accounts.login import MAIL_JOB
from boxoffice.box import BoxOffice
from boxoffice.foundation.clock import now
from boxoffice.foundation.jobs import Job, Postponed
from boxoffice.orders.read_fee import read_fee
from boxoffice.orders.refund import end_review
from boxoffice.orders.send_refund import send_refund
from boxoffice.payments.stripe import StripeTooFast
from boxoffice.worker.mails import (
    send_alarm,
    send_cancelled,
    send_disputed,
    send_login,
    send_refund_mail,
    send_review,
    send_settling,
    send_tickets,
    send_transfer,
)
from boxoffice.worker.wallets import patch_google_night, patch_google_tickets, push_passes

TURN_WAITED_FOR_SECONDS = 2.0
TURN_GOOD_FOR = timedelta(seconds=15)
"""Later than that it would come on top of the others' turns."""


async def _refund(box: BoxOffice, job: Job) -> None:
    await _turn_of_refund(box, job)
    try:
        await send_refund(box.till, UUID(job.argument("event_id")), UUID(job.argument("refund_id")))
    except StripeTooFast:
        await box.till.refund_pace.pause()
        raise


async def _turn_of_refund(box: BoxOffice, job: Job) -> None:
    """Returns when it is this refund's turn. Raises Postponed when that is not soon, or while Stripe is away."""
    async with box.db.transaction() as connection:
        moment = await now(connection)
    if away_seconds := await box.till.breaker.away():
        raise Postponed(moment + timedelta(seconds=away_seconds), has_turn=False)
    if job.turn_at is not None and moment - job.turn_at < TURN_GOOD_FOR:
        return
    turn = await box.till.refund_pace.turn()
    if turn.wait_seconds > TURN_WAITED_FOR_SECONDS:
        raise Postponed(turn.at, has_turn=True)
    await asyncio.sleep(turn.wait_seconds)


async def _end_review(box: BoxOffice, job: Job) -> None:
    await box.db.attempt(end_review, UUID(job.argument("event_id")), UUID(job.argument("order_id")))


async def _fee(box: BoxOffice, job: Job) -> None:
    await read_fee(box.till, UUID(job.argument("event_id")), job.argument("payment_intent"))


HANDLERS: dict[str, Callable[[BoxOffice, Job], Awaitable[None]]] = {
    MAIL_JOB: send_login,
    "mail_tickets": send_tickets,
    "mail_settling": send_settling,
    "mail_review": send_review,
    "mail_refund": send_refund_mail,
    "mail_cancelled": send_cancelled,
    "mail_disputed": send_disputed,
    "mail_transfer": send_transfer,
    "alarm": send_alarm,
    "send_refund": _refund,
    "end_review": _end_review,
    "read_fee": _fee,
    "push_passes": push_passes,
    "patch_google_night": patch_google_night,
    "patch_google_tickets": patch_google_tickets,
}
