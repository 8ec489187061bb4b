"""Sending a ticket on: its holder offers it to an address, whoever got the mail takes it, and its code is given out
anew.

Locks are taken in one order: the ticket, then its transfer.
"""

import hmac
from base64 import urlsafe_b64encode
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from boxoffice.foundation import logs
from boxoffice.foundation.db import Command, Connection, Query, as_id
from boxoffice.foundation.email_address import read_email
from boxoffice.foundation.ids import EVENT_CODE_LENGTH, new_id, random_code, with_check
from boxoffice.foundation.jobs import enqueue
from boxoffice.foundation.person_name import read_name
from boxoffice.foundation.problems import FieldError, NotFound, Problem, TooOften, Unprocessable
from boxoffice.foundation.rate_limit import Limit, allow
from boxoffice.foundation.signing import derived_key
from boxoffice.foundation.written import write_day, write_time
from boxoffice.tickets.issue import TICKET_CODE_LENGTH
from boxoffice.tickets.ticket import rule_words

TRANSFER_MOVES: dict[str, frozenset[str]] = {
    "offered": frozenset(["accepted", "declined", "taken_back", "expired", "ended"]),
    "accepted": frozenset(),
    "declined": frozenset(),
    "taken_back": frozenset(),
    "expired": frozenset(),
    "ended": frozenset(),
}
"""From each status of a transfer to those it may move to; the database refuses every other move."""

OF_A_TICKET = Limit("offers of one ticket", 5, 3600)
TO_AN_ADDRESS = Limit("offers to one address", 10, 3600)
"""Nobody's mailbox is filled with tickets that they never asked for."""
AT_ONCE = 200


class NotTransferable(Problem):
    """This ticket cannot be sent on, or no longer."""

    status, type, title = 409, "not_transferable", "Cannot be sent on"


class AlreadyOffered(Problem):
    """Somebody else was offered it first, and may still take it."""

    status, type, title = 409, "already_offered", "Offered already"


class NothingOffered(Problem):
    """There is no offer to take back: it was taken, or is over."""

    status, type, title = 409, "nothing_offered", "Nothing to take back"


class OfferEnded(Problem):
    """An offer that can no longer be taken."""

    status, type, title = 410, "offer_ended", "Offer ended"


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


class Transfer(msgspec.Struct, frozen=True):
    """One transfer with what its mails and its page say of the night. `until`: when it may last be taken; `code`,
    `revision` and `holder_email`: the ticket as it is now."""

    event_id: UUID
    id: UUID
    ticket_id: UUID
    old_code: str
    from_email: str
    from_name: str
    to_email: str
    to_name: str
    status: str
    offered_at: datetime
    ended_at: datetime | None
    until: datetime
    code: str
    revision: int
    ticket_status: str
    blocked_reason: str | None
    holder_email: str
    buyer_email: str
    order_code: str
    ticket_type: str
    admits: int
    last_entry_at: datetime | None
    event_slug: str
    event_title: str
    event_status: str
    doors_at: datetime
    starts_at: datetime
    ends_at: datetime
    time_zone: str
    takes_paper: bool
    venue_name: str
    venue_address: str
    venue_city: str
    now: datetime

    @property
    def is_open(self) -> bool:
        """Whether it can still be taken, as far as time goes."""
        return self.status == "offered" and self.now < self.until

    @property
    def rule(self) -> str:
        """What is special about coming in with it, as `rule_words` says it."""
        return rule_words(self.admits, self.last_entry_at, self.time_zone)


class _Key(msgspec.Struct, frozen=True):
    event_id: UUID
    id: UUID


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
END = Query(
    as_id,
    """
UPDATE ticket_transfer SET status = 'ended', ended_at = clock()
WHERE event_id = $1 AND ticket_id = ANY($2::uuid[]) AND status = 'offered' RETURNING id
""",
)
# Who holds a ticket without having bought it: the last transfer of it.
SENT_TO = Query(
    as_id,
    """
SELECT transfer.id FROM ticket
JOIN orders ON orders.event_id = ticket.event_id AND orders.id = ticket.order_id
CROSS JOIN LATERAL (SELECT id FROM ticket_transfer WHERE ticket_transfer.event_id = ticket.event_id
  AND ticket_id = ticket.id AND ticket_transfer.status = 'accepted' ORDER BY old_revision DESC LIMIT 1) AS transfer
WHERE ticket.event_id = $1 AND ticket.id = ANY($2::uuid[]) AND holder_email <> orders.email
""",
)
OF_ORDER = Query(
    as_id,
    """
SELECT id FROM ticket
WHERE event_id = $1 AND order_id = $2 AND holder_email IS NOT NULL AND status = ANY($3::text[])
""",
)
# Reads across nights: offers whose time is over.
EXPIRE = Query(
    _Key,
    """
UPDATE ticket_transfer AS transfer SET status = 'expired', ended_at = clock()
FROM (SELECT ticket_transfer.event_id, ticket_transfer.id FROM ticket_transfer JOIN event ON event.id = event_id
  WHERE ticket_transfer.status = 'offered' AND coalesce(transfer_until, doors_at) <= clock()
  ORDER BY ticket_transfer.event_id, ticket_transfer.id LIMIT $1
  FOR UPDATE OF ticket_transfer SKIP LOCKED) AS late
WHERE transfer.event_id = late.event_id AND transfer.id = late.id AND transfer.status = 'offered'
RETURNING transfer.event_id, transfer.id
""",
)
_TRANSFER = """
SELECT transfer.event_id, transfer.id, transfer.ticket_id, old_code, from_email, from_name, to_email,
  to_name, transfer.status, offered_at, ended_at, coalesce(transfer_until, doors_at) AS until, ticket.code,
  ticket.revision, ticket.status AS ticket_status, blocked_reason, coalesce(holder_email, orders.email) AS holder_email,
  orders.email AS buyer_email, orders.code AS order_code, ticket_type.name AS ticket_type, admits,
  type_entry.last_entry_at, event.slug AS event_slug, event.title AS event_title, event.status AS event_status,
  doors_at, starts_at, ends_at, event.time_zone, event.paper AS takes_paper, venue.name AS venue_name, venue.address AS
  venue_address,
  venue.city AS venue_city, clock() AS now
FROM ticket_transfer AS transfer
JOIN ticket ON ticket.event_id = transfer.event_id AND ticket.id = transfer.ticket_id
JOIN orders ON orders.event_id = ticket.event_id AND orders.id = ticket.order_id
JOIN ticket_type ON ticket_type.event_id = ticket.event_id AND ticket_type.id = ticket.ticket_type_id
JOIN type_entry ON type_entry.event_id = ticket.event_id AND type_entry.ticket_type_id = ticket.ticket_type_id
JOIN event ON event.id = transfer.event_id JOIN venue ON venue.id = event.venue_id
"""
ONE = Query(Transfer, f"{_TRANSFER} WHERE transfer.event_id = $1 AND transfer.id = $2")
OPEN = Query(
    Transfer,
    f"{_TRANSFER} WHERE transfer.event_id = $1 AND transfer.ticket_id = $2 AND transfer.status = 'offered'",
)
OF_OLD_CODE = Query(
    Transfer, f"{_TRANSFER} WHERE event.short_code = $1 AND old_code = $2 AND transfer.status = 'accepted'"
)
# These two read across nights.
WAITING = Query(
    Transfer,
    f"{_TRANSFER} WHERE to_email = $1 AND transfer.status = 'offered' AND coalesce(transfer_until, doors_at) > clock()"
    " ORDER BY starts_at",
)
SENT = Query(
    Transfer,
    f"""{_TRANSFER} WHERE from_email = $1 AND transfer.status = 'accepted'
  AND coalesce(holder_email, orders.email) <> $1 AND NOT EXISTS (SELECT FROM ticket_transfer AS later
    WHERE later.event_id = transfer.event_id AND later.ticket_id = transfer.ticket_id AND later.status = 'accepted'
      AND later.from_email = $1 AND later.old_revision > transfer.old_revision)
ORDER BY starts_at, transfer.id""",
)


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
    await _mail(connection, event_id, transfer_id, "offered")
    logs.info("ticket offered", event_id=str(event_id), ticket_id=str(ticket_id))
    return transfer_id


async def take_back(connection: Connection, event_id: UUID, ticket_id: UUID, holder_email: str) -> None:
    """Ends the offer that a holder made. Raises NothingOffered when it was taken before, or there is none."""
    transfer_id = await TAKE_BACK.first(connection, event_id, ticket_id, holder_email)
    if transfer_id is None:
        raise NothingOffered("There is no offer to take back: it was taken, or it is over.")
    await _mail(connection, event_id, transfer_id, "taken_back")


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
    await _mail(connection, event_id, transfer_id, "accepted")
    await _mail(connection, event_id, transfer_id, "yours")
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
    await _mail(connection, event_id, transfer_id, "declined")
    logs.info("ticket declined", event_id=str(event_id), transfer_id=str(transfer_id))


async def end_transfers(connection: Connection, event_id: UUID, tickets: Sequence[UUID]) -> None:
    """What follows from tickets that no longer open the door: offers of them end, and who holds one without having
    bought it is told. The caller holds their locks."""
    for transfer_id in await END.all(connection, event_id, tickets):
        await _mail(connection, event_id, transfer_id, "ended")
    for transfer_id in await SENT_TO.all(connection, event_id, tickets):
        await _mail(connection, event_id, transfer_id, "void")


async def tell_holders(connection: Connection, order: tuple[UUID, UUID], state: str) -> None:
    """Tells whoever holds tickets of an order without having bought them that they are `blocked`, or `valid` again."""
    tickets = await OF_ORDER.all(connection, *order, ["active", "used"])
    for transfer_id in await SENT_TO.all(connection, order[0], tickets) if tickets else []:
        await _mail(connection, order[0], transfer_id, state, again=True)


async def expire_offers(connection: Connection) -> int:
    """Ends offers that nobody took in time, and tells who made them; returns how many, at most 200."""
    late = await EXPIRE.all(connection, AT_ONCE)
    for transfer in late:
        await _mail(connection, transfer.event_id, transfer.id, "expired")
    return len(late)


async def transfer_of(connection: Connection, event_id: UUID, transfer_id: UUID) -> Transfer:
    """A transfer by its id. Raises NotFound."""
    found = await ONE.first(connection, event_id, transfer_id)
    if found is None:
        raise no_such_offer()
    return found


async def open_offer(connection: Connection, event_id: UUID, ticket_id: UUID) -> Transfer | None:
    """The offer of a ticket that can still be taken."""
    found = await OPEN.first(connection, event_id, ticket_id)
    return found if found is not None and found.is_open else None


async def transfer_of_old_code(connection: Connection, code: str) -> Transfer | None:
    """The transfer that made this code worthless; `code` is canonical. Asks nobody for leave."""
    return await OF_OLD_CODE.first(connection, code[:EVENT_CODE_LENGTH], code)


async def offered_to(connection: Connection, email: str) -> list[Transfer]:
    """What this person may take. Reads across nights."""
    return await WAITING.all(connection, email)


async def sent_by(connection: Connection, email: str) -> list[Transfer]:
    """Tickets that this person sent on and that somebody else holds now. Reads across nights."""
    return await SENT.all(connection, email)


def offer_ended(transfer: Transfer) -> OfferEnded:
    """Why an offer cannot be taken any more."""
    words = {
        "taken_back": "Whoever offered you this ticket took it back.",
        "declined": "You declined this ticket. It stays with whoever offered it to you, who was told.",
        "ended": "This ticket was refunded or cancelled, so there is nothing to take any more.",
        "accepted": "This ticket was taken.",
    }
    return OfferEnded(words.get(transfer.status, "The time to take this ticket is over."))


def no_such_offer() -> NotFound:
    """For an offer that does not exist or a link that is not the one we sent: the same answer for both."""
    return NotFound("There is no ticket offered at this address. Open the link in your mail.")


def offer_token(secret_key: str, event_id: UUID, transfer_id: UUID) -> str:
    """What the mailed link carries, 43 characters: it proves that its bearer reads the address's mail."""
    return _token(secret_key, "ticket offers", f"{event_id}:{transfer_id}")


def taken_by_link(secret_key: str, transfer: Transfer, token: str) -> bool:
    """Whether `token` is the offer's own, compared in constant time."""
    return hmac.compare_digest(offer_token(secret_key, transfer.event_id, transfer.id).encode(), token.encode())


def holder_token(secret_key: str, event_id: UUID, code: str) -> str:
    """What lets a browser see a ticket that was sent to its holder, as long as it has this code."""
    return _token(secret_key, "tickets sent on", f"{event_id}:{code}")


def _token(secret_key: str, purpose: str, message: str) -> str:
    digest = hmac.digest(derived_key(secret_key, purpose), message.encode(), "sha256")
    return urlsafe_b64encode(digest).rstrip(b"=").decode()


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


async def _mail(connection: Connection, event_id: UUID, transfer_id: UUID, state: str, *, again: bool = False) -> None:
    subject = f"{transfer_id}:{state}:{new_id()}" if again else f"{transfer_id}:{state}"
    names = {"event_id": str(event_id), "transfer_id": str(transfer_id), "state": state}
    await enqueue(connection, "mail_transfer", subject, names)
