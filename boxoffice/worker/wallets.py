"""Jobs that tell wallets of what changed. The triggers `ticket_wallets`, `ticket_type_wallets`,
`event_wallets` and `venue_wallets` ask for them in the transaction that changed it; each tells what is true when it
runs."""

from uuid import UUID

from boxoffice.box import BoxOffice
from boxoffice.edge.wallet_passes import tell_google, to_keep
from boxoffice.foundation import logs
from boxoffice.foundation.db import Connection
from boxoffice.foundation.jobs import Job, enqueue
from boxoffice.wallet.apple_devices import drop_phones, phones_with
from boxoffice.wallet.apple_push import SomeNotTold
from boxoffice.wallet.card import show_pass
from boxoffice.wallet.google_pass import any_pass_of, given_passes, night_class, place_of, ticket_object

PHONES_A_JOB = 500
OBJECTS_A_JOB = 40


async def push_passes(box: BoxOffice, job: Job) -> None:
    """Tells phones with passes of a ticket, or of a night, to fetch them anew; those that are gone are dropped."""
    push = box.apple_push
    if push is None:
        return
    event_id, ticket_id, after = _about(job)
    async with box.db.transaction() as connection:
        phones = await phones_with(connection, event_id, ticket_id, after, PHONES_A_JOB)
        if len(phones) == PHONES_A_JOB:
            await _the_rest(connection, job, phones[-1].id)
    if not phones:
        return
    problem = None
    try:
        gone = await push.push(phones)
    except SomeNotTold as error:
        gone, problem = error.gone, error
    if gone:
        async with box.db.transaction() as connection:
            await drop_phones(connection, gone)
    logs.info("phones were told of passes", told=len(phones) - len(gone), gone=len(gone))
    if problem is not None:
        raise problem


async def patch_google_night(box: BoxOffice, job: Job) -> None:
    """Tells Google of a night whose time, place or name changed."""
    google = box.settings.google_wallet
    event_id, _, _ = _about(job)
    async with box.db.transaction() as connection:
        key = await any_pass_of(connection, event_id)
        shown = await show_pass(connection, key) if key else None
    if google is not None and shown is not None:
        card = shown.card
        await tell_google(box, night_class(google, card), (), card.now)


async def patch_google_tickets(box: BoxOffice, job: Job) -> None:
    """Tells Google of a ticket, or of a night's tickets, whose status or holder changed."""
    google = box.settings.google_wallet
    if google is None:
        return
    event_id, ticket_id, after = _about(job)
    async with box.db.transaction() as connection:
        keys = await given_passes(connection, event_id, ticket_id, after, OBJECTS_A_JOB)
        passes = await to_keep(connection, box, [one for key in keys if (one := await show_pass(connection, key))])
        if len(keys) == OBJECTS_A_JOB:
            await _the_rest(connection, job, place_of(keys[-1]))
    if passes:
        objects = [ticket_object(google, one.shown, one.qr_text, box.settings.base_url) for one in passes]
        card = passes[0].shown.card
        await tell_google(box, night_class(google, card), objects, card.now)


def _about(job: Job) -> tuple[UUID, UUID | None, str]:
    ticket_id = job.argument("ticket_id")
    return UUID(job.argument("event_id")), UUID(ticket_id) if ticket_id else None, job.argument("after")


async def _the_rest(connection: Connection, job: Job, after: str) -> None:
    about = {name: job.argument(name) for name in ("event_id", "ticket_id")}
    await enqueue(connection, job.name, f"{job.subject}:{after}", about | {"after": after})
