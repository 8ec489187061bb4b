"""Sending a ticket on: its holder offers it to an address, whoever got the mail takes it, and its code is given out
anew.

Locks are taken in one order: the ticket, then its transfer.
"""

from datetime import datetime
from uuid import UUID

import msgspec

from boxoffice.foundation import logs
from boxoffice.foundation.db import Command, Connection, Query, as_id
from boxoffice.foundation.email_address import read_email
from boxoffice.foundation.ids import EVENT_CODE_LENGTH, new_id, random_code, with_check
from boxoffice.foundation.person_name import read_name
from boxoffice.foundation.problems import FieldError, Problem, TooOften, Unprocessable
from boxoffice.foundation.rate_limit import Limit, allow
from boxoffice.foundation.written import write_day, write_time
from boxoffice.tickets.issue import TICKET_CODE_LENGTH
from boxoffice.tickets.transfer import Transfer, mail_transfer, offer_ended, transfer_of

OF_A_TICKET = Limit("offers of one ticket", 5, 3600)
TO_AN_ADDRESS = Limit("offers to one address", 10, 3600)
"""Nobody's mailbox is filled with tickets that they never asked for."""


class NotTransferable(Problem):
    """This ticket cannot be sent on, or no longer."""

    status, type, title = 409, "not_transferable", "Cannot be sent on"


class AlreadyOffered(Problem):
    """Somebody else was offered it first, and may still take it."""

    status, type, title = 409, "already_offered", "Offered already"


class NothingOffered(Problem):
    """There is no offer to take back: it was taken, or is over."""

    status, type, title = 409, "nothing_offered", "Nothing to take back"


class OfferedTooOften(TooOften):
    """So many mails about tickets were asked for."""

    type, title = "offered_too_often", "Offered too often"


class Held(msgspec.Struct, frozen=True):
    """A ticket with who holds it and until when it may be sent on."""

    event_id: UUID
    id: UUID
    code: str
    status: str
    blocked_reason: str | None
    revision: int
    holder: str
    holder_email: str
    event_status: str
    transfers: bool
    until: datetime
    time_zone: str
    now: datetime


_HELD = """
SELECT ticket.event_id, ticket.id, ticket.code, ticket.status, blocked_reason, ticket.revision, holder,
  coalesce(holder_email, orders.email) AS holder_email, event.status AS event_status, transfers,
  coalesce(transfer_until, doors_at) AS until, time_zone, clock() AS now
FROM ticket JOIN orders ON orders.event_id = ticket.event_id AND orders.id = ticket.order_id
JOIN event ON event.id = ticket.event_id WHERE ticket.event_id = $1 AND ticket.id = $2
"""
HELD = Query(Held, _HELD)
LOCK_HELD = Query(Held, f"{_HELD} FOR UPDATE OF ticket")
OFFER = Command("""
INSERT INTO ticket_transfer (event_id, id, ticket_id, old_revision, old_code, from_email, from_name, to_email, to_name,
  status, offered_at)
SELECT event_id, $3, id, revision, code, $4, holder, $5, $6, 'offered', clock() FROM ticket
WHERE event_id = $1 AND id = $2
ON CONFLICT (event_id, ticket_id) WHERE status = 'offered' DO NOTHING
""")
TAKE_BACK = Query(
    as_id,
    """
UPDATE ticket_transfer SET status = 'taken_back', ended_at = clock()
WHERE event_id = $1 AND ticket_id = $2 AND from_email = $3 AND status = 'offered' RETURNING id
""",
)
DECLINE = Command("""
UPDATE ticket_transfer SET status = 'declined', ended_at = clock()
WHERE event_id = $1 AND id = $2 AND status = 'offered'
""")
ACCEPT = Command("""
UPDATE ticket_transfer SET status = 'accepted', ended_at = clock()
WHERE event_id = $1 AND id = $2 AND status = 'offered' AND old_revision = $3
""")
REISSUE = Command("""
UPDATE ticket SET code = $3, revision = revision + 1, holder = $4, holder_email = $5, reissued_at = clock()
WHERE event_id = $1 AND id = $2 AND revision = $6 AND status = 'active' AND blocked_reason IS NULL
""")


async def held(connection: Connection, event_id: UUID, ticket_id: UUID) -> Held:
    """A ticket as far as sending it on goes."""
    found = await HELD.first(connection, event_id, ticket_id)
    assert found is not None
    return found


def refusal(ticket: Held) -> str | None:
    """Why a ticket cannot be sent on now, in a sentence; None when it can."""
    if ticket.event_status == "cancelled":
        return "The night is cancelled, so there is nothing to send on."
    if ticket.status == "used":
        return "Somebody has come in with this ticket, so it can no longer be sent on."
    if ticket.status != "active":
        return "This ticket no longer opens the door, so there is nothing to send on."
    if ticket.blocked_reason is not None:
        return "This ticket is held back while a bank looks into its payment. It can be sent on once that is settled."
    if not ticket.transfers:
        return "Tickets of this night stay with whoever bought them: the organiser lets nobody send them on."
    if ticket.now >= ticket.until:
        until = f"{write_day(ticket.until, ticket.time_zone)}, {write_time(ticket.until, ticket.time_zone)}"
        return f"Tickets of this night could be sent on until {until}."
    return None


async def offer(connection: Connection, event_id: UUID, ticket_id: UUID, email: str, name: str) -> UUID:
    """Offers a ticket to an address; returns the transfer's id. Until it is taken, it opens the door for its holder.

    `email` and `name` as somebody typed them. Raises Unprocessable, NotTransferable, AlreadyOffered, OfferedTooOften.
    """
    to_email, to_name = _read(email, name)
    ticket = await LOCK_HELD.first(connection, event_id, ticket_id)
    assert ticket is not None
    _refuse(ticket)
    if to_email == ticket.holder_email:
        sentence = "This ticket is this person's already."
        raise Unprocessable(sentence, (FieldError("email", sentence),))
    transfer_id = new_id()
    if not await OFFER.run(connection, event_id, ticket_id, transfer_id, ticket.holder_email, to_email, to_name):
        raise AlreadyOffered("This ticket is offered to somebody already. Take that back first, then send it anew.")
    for limit, who in ((OF_A_TICKET, str(ticket_id)), (TO_AN_ADDRESS, to_email)):
        if wait := await allow(connection, limit, who):
            raise OfferedTooOften(
                "That was offered many times within an hour. Nothing was sent: try again later.", wait
            )
    await mail_transfer(connection, event_id, transfer_id, "offered")
    logs.info("ticket offered", event_id=str(event_id), ticket_id=str(ticket_id))
    return transfer_id


async def take_back(connection: Connection, event_id: UUID, ticket_id: UUID, holder_email: str) -> None:
    """Ends the offer that a holder made. Raises NothingOffered when it was taken before, or there is none."""
    transfer_id = await TAKE_BACK.first(connection, event_id, ticket_id, holder_email)
    if transfer_id is None:
        raise NothingOffered("There is no offer to take back: it was taken, or it is over.")
    await mail_transfer(connection, event_id, transfer_id, "taken_back")


async def accept(connection: Connection, event_id: UUID, transfer_id: UUID) -> Transfer:
    """Gives the ticket to whom it was offered, under a new code; the old one is worthless from this commit on.

    Whoever accepts twice has it once. Raises OfferEnded, NotTransferable.
    """
    asked = await transfer_of(connection, event_id, transfer_id)
    ticket = await LOCK_HELD.first(connection, event_id, asked.ticket_id)
    assert ticket is not None
    asked = await transfer_of(connection, event_id, transfer_id)
    if asked.status == "accepted":
        return asked
    if asked.status == "offered":
        _refuse(ticket)
    if not await ACCEPT.run(connection, event_id, transfer_id, ticket.revision):
        raise offer_ended(await transfer_of(connection, event_id, transfer_id))
    code = with_check(ticket.code[:EVENT_CODE_LENGTH] + random_code(TICKET_CODE_LENGTH))
    holder = (code, asked.to_name, asked.to_email)
    if await REISSUE.run(connection, event_id, ticket.id, *holder, ticket.revision) != 1:
        raise NotTransferable("Something else happened to this ticket just now, so it stays where it is.")
    await mail_transfer(connection, event_id, transfer_id, "accepted")
    await mail_transfer(connection, event_id, transfer_id, "yours")
    logs.info("ticket sent on", event_id=str(event_id), ticket_id=str(ticket.id))
    return await transfer_of(connection, event_id, transfer_id)


async def decline(connection: Connection, event_id: UUID, transfer_id: UUID) -> None:
    """Ends an offer for whoever got it and does not want it: the ticket stays with its holder, who is told.

    Whoever declines twice has declined once. Raises OfferEnded when something else came first.
    """
    if not await DECLINE.run(connection, event_id, transfer_id):
        asked = await transfer_of(connection, event_id, transfer_id)
        if asked.status != "declined":
            raise offer_ended(asked)
        return
    await mail_transfer(connection, event_id, transfer_id, "declined")
    logs.info("ticket declined", event_id=str(event_id), transfer_id=str(transfer_id))


def _read(email: str, name: str) -> tuple[str, str]:
    errors: list[FieldError] = []
    read: list[str] = []
    for field, text, reader in (("email", email, read_email), ("name", name, read_name)):
        try:
            read.append(reader(text))
        except ValueError as error:
            errors.append(FieldError(field, str(error)))
    if errors:
        raise Unprocessable("Look at the fields named here.", tuple(errors))
    return read[0], read[1]


def _refuse(ticket: Held) -> None:
    if sentence := refusal(ticket):
        raise NotTransferable(sentence)
