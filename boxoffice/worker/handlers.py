"""Name of a job -> what does it. A job may run twice; each of these bears it."""

from collections.abc import Awaitable, Callable
from uuid import UUID

from boxoffice.accounts.login import MAIL_JOB
from boxoffice.box import BoxOffice
from boxoffice.foundation.jobs import Job
from boxoffice.orders.refund import end_review, send_refund
from boxoffice.worker.mails import send_alarm, send_login, send_refund_mail, send_review, send_settling, send_tickets


async def _refund(box: BoxOffice, job: Job) -> None:
    await send_refund(box.till, UUID(job.argument("event_id")), UUID(job.argument("refund_id")))


async def _end_review(box: BoxOffice, job: Job) -> None:
    await box.db.attempt(end_review, UUID(job.argument("event_id")), UUID(job.argument("order_id")))


HANDLERS: dict[str, Callable[[BoxOffice, Job], Awaitable[None]]] = {
    MAIL_JOB: send_login,
    "mail_tickets": send_tickets,
    "mail_settling": send_settling,
    "mail_review": send_review,
    "mail_refund": send_refund_mail,
    "alarm": send_alarm,
    "send_refund": _refund,
    "end_review": _end_review,
}
