"""All work outside requests, in bounded rounds: the worker's loop and cron do every kind, requests at most jobs."""

import asyncio
from collections.abc import Awaitable, Callable

import msgspec

from boxoffice.accounts.login import delete_old_requests
from boxoffice.accounts.sessions import delete_ended
from boxoffice.box import BoxOffice
from boxoffice.foundation import logs
from boxoffice.foundation.db import LOST
from boxoffice.foundation.heartbeat import beat
from boxoffice.foundation.jobs import Job, Postponed, claim, claim_one, done, failed, postpone
from boxoffice.foundation.problems import Unavailable
from boxoffice.foundation.rate_limit import delete_full
from boxoffice.orders.cancel_night import cancel_some
from boxoffice.orders.reconcile import reconcile_recent
from boxoffice.orders.repair import read_missed_events, repair
from boxoffice.orders.send_refund import look_at_refunds
from boxoffice.payments.stripe import StripeProblem
from boxoffice.tickets.end_transfers import expire_offers

JOBS_AT_ONCE = 20
JOB_SECONDS = 30
"""The longest that one may take: its lease lasts longer, so nobody else is at it."""
INLINE_SECONDS = 3
AT_ONCE_SECONDS = 2


async def run_jobs(box: BoxOffice) -> int:
    """Claims and does due jobs, at most twenty; returns how many."""
    async with box.db.transaction() as connection:
        jobs = await claim(connection, JOBS_AT_ONCE)
    outcomes = await asyncio.gather(*(_run(box, job) for job in jobs), return_exceptions=True)
    for error in outcomes:
        if error is not None:
            raise error
    return len(jobs)


async def run_inline(box: BoxOffice) -> None:
    """Where no worker runs: does due jobs before the request ends, for at most three seconds; a claim cut short is
    taken up again when its lease is over."""
    if not box.settings.worker_inline:
        return
    try:
        async with asyncio.timeout(INLINE_SECONDS):
            await run_jobs(box)
    except TimeoutError:
        logs.warning("jobs are left for the next request or cron")


async def run_at_once(box: BoxOffice, name: str, subject: str) -> None:
    """Does a job that somebody waits for, right after the commit that asked for it, within two seconds.

    What fails or takes longer is the worker's, ten seconds later; so nothing is raised.
    """
    try:
        async with box.db.transaction() as connection:
            job = await claim_one(connection, name, subject)
        if job is not None:
            await _run(box, job, AT_ONCE_SECONDS)
    except LOST as error:
        logs.warning("a job is left for the worker", job=name, problem=type(error.__cause__ or error).__name__)


async def tick(box: BoxOffice) -> dict[str, int]:
    """What cron does: everything once; how much of each there was."""
    await show_life(box, "cron")
    return {name: await work.do(box) for name, work in WORK.items()}


async def show_life(box: BoxOffice, who: str) -> int:
    """Notes that `worker` or `cron` is at work; `boxoffice doctor` looks for it. Never anything to be busy with."""
    async with box.db.transaction() as connection:
        await beat(connection, who)
    return 0


async def _repair(box: BoxOffice) -> int:
    return await repair(box.till)


async def _read_missed_events(box: BoxOffice) -> int:
    return await read_missed_events(box.till)


async def _cancel_some(box: BoxOffice) -> int:
    return await cancel_some(box.till)


async def _look_at_refunds(box: BoxOffice) -> int:
    return await look_at_refunds(box.till)


async def _expire_offers(box: BoxOffice) -> int:
    async with box.db.transaction() as connection:
        return await expire_offers(connection)


async def _tidy(box: BoxOffice) -> int:
    """Throws away what only takes room: spent limits, old sign-in requests, ended sessions."""
    async with box.db.transaction() as connection:
        return await delete_full(connection) + await delete_old_requests(connection) + await delete_ended(connection)


async def _reconcile(box: BoxOffice) -> int:
    return await reconcile_recent(box.till)


async def _run(box: BoxOffice, job: Job, within_seconds: float = JOB_SECONDS) -> None:
    with logs.bound(job=job.name, job_id=str(job.id), subject=job.subject, tries=job.tries):
        await _try(box, job, within_seconds)


async def _try(box: BoxOffice, job: Job, within_seconds: float) -> None:
    # Mails, their templates and SMTP are slow to load, and most requests do no job.
    from boxoffice.foundation.mail import MailNotSent  # noqa: PLC0415
    from boxoffice.worker.handlers import HANDLERS  # noqa: PLC0415

    try:
        async with asyncio.timeout(within_seconds):
            await HANDLERS[job.name](box, job)
    except Postponed as postponed:
        async with box.db.transaction() as connection:
            await postpone(connection, job, postponed)
    except Exception as error:  # noqa: BLE001 - kept with the job, which runs again
        for_good = isinstance(error, MailNotSent) and error.permanent
        our_fault = not isinstance(error, (MailNotSent, StripeProblem, TimeoutError, Unavailable, *LOST))
        async with box.db.transaction() as connection:
            parked = await failed(
                connection, job, f"{type(error).__name__}: {error}", for_good=for_good, our_fault=our_fault
            )
        if parked:
            logs.error("job is parked: see `boxoffice jobs --parked`", problem=error)
        else:
            logs.warning("job failed", problem=type(error).__name__)
    else:
        logs.info("job done")
        async with box.db.transaction() as connection:
            await done(connection, job)


class Work(msgspec.Struct, frozen=True):
    """One kind of work: `do` does what there is of it, at most a round's worth, and says how much that was."""

    do: Callable[[BoxOffice], Awaitable[int]]
    every_seconds: float = 0
    """How long the worker waits between two rounds of it."""
    quiet_seconds: float = 0
    """The same while nothing is going on: Stripe counts what is read of it."""


# Jobs come after what asks for them, so that one tick does both.
WORK = {
    "repaired": Work(_repair),
    "missed_events": Work(_read_missed_events, 60, quiet_seconds=600),
    "reconciled": Work(_reconcile, 60),
    "cancelled": Work(_cancel_some),
    "looked_at_refunds": Work(_look_at_refunds, 60),
    "expired_offers": Work(_expire_offers, 60),
    "jobs": Work(run_jobs),
    "tidied": Work(_tidy, 60),
}
