"""A ticket on its way to somebody else: what is known of its transfer, and the tokens of its links."""

import hmac
from base64 import urlsafe_b64encode
from datetime import datetime
from uuid import UUID

import msgspec

from boxoffice.foundation.db import Connection, Query
from boxoffice.foundation.ids import EVENT_CODE_LENGTH, new_id
from boxoffice.foundation.jobs import enqueue
from boxoffice.foundation.problems import NotFound, Problem
from boxoffice.foundation.signing import derived_key
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


class OfferEnded(Problem):
    """An offer that can no longer be taken."""

    status, type, title = 410, "offer_ended", "Offer ended"


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


async def mail_transfer(
    connection: Connection, event_id: UUID, transfer_id: UUID, state: str, *, again: bool = False
) -> None:
    """Has the mail sent that tells of `state`, once for a transfer; with `again`, as often as it is asked for."""
    subject = f"{transfer_id}:{state}:{new_id()}" if again else f"{transfer_id}:{state}"
    names = {"event_id": str(event_id), "transfer_id": str(transfer_id), "state": state}
    await enqueue(connection, "mail_transfer", subject, names)
