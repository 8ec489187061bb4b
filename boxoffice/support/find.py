"""From whatever somebody can tell of an order to the order: codes, addresses, links, QR texts, ids.

Stripe's ids and ours are taken alike.

These searches read across nights.
"""

import re
from datetime import datetime
from uuid import UUID

import msgspec

from boxoffice.foundation.db import Connection, Query
from boxoffice.foundation.email_address import read_email
from boxoffice.foundation.ids import EVENT_CODE_LENGTH, read_code
from boxoffice.foundation.problems import NotFound
from boxoffice.tickets.code import read_payload

ORDERS_MAX = 50
LINK = re.compile(r"/(?:orders|tickets)/([^/?#\s]+)")
UUID_IN = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
STRIPE_ID = re.compile(r"[a-z]{2,8}_\w{3,250}")


class FoundOrder(msgspec.Struct, frozen=True):
    """One line of a list of orders."""

    event_id: UUID
    id: UUID
    code: str
    status: str
    total_minor: int
    currency: str
    quantity: int
    created_at: datetime
    event_title: str
    time_zone: str


class FoundEvent(msgspec.Struct, frozen=True):
    """An event of Stripe's that was received; `outcome` is None until it is handled."""

    id: str
    type: str
    about: list[str]
    received_at: datetime
    handled_at: datetime | None
    outcome: str | None
    tries: int
    problem: str | None


class Found(msgspec.Struct, frozen=True):
    """Newest order first. `remark` says what the search itself showed; `event` is set when one was asked for."""

    orders: list[FoundOrder]
    remark: str | None = None
    event: FoundEvent | None = None


class _ScannedTicket(msgspec.Struct, frozen=True):
    event_id: UUID
    order_id: UUID
    revision: int
    public_key: bytes | None


class _Key(msgspec.Struct, frozen=True):
    event_id: UUID
    order_id: UUID


_FOUND = """
SELECT orders.event_id, orders.id, orders.code, orders.status, orders.total_minor, orders.currency, orders.quantity,
  orders.created_at, event.title AS event_title, event.time_zone
FROM orders JOIN event ON event.id = orders.event_id
"""
# Who was sent a ticket is no buyer, and asks about it all the same.
_SENT_TO = """
SELECT event_id, order_id FROM ticket WHERE holder_email = $1
UNION ALL SELECT ticket.event_id, order_id FROM ticket_transfer AS transfer
JOIN ticket ON ticket.event_id = transfer.event_id AND ticket.id = ticket_id
WHERE to_email = $1 AND transfer.status = 'offered'
"""
OF_EMAIL = Query(
    FoundOrder,
    f"""{_FOUND} WHERE orders.email = $1 OR (orders.event_id, orders.id) IN ({_SENT_TO})
ORDER BY orders.created_at DESC LIMIT $2""",
)
OF_CODE = Query(FoundOrder, f"{_FOUND} WHERE event.short_code = $1 AND orders.code = $2")
OF_KEYS = Query(
    FoundOrder,
    f"""
{_FOUND} JOIN unnest($1::uuid[], $2::uuid[]) AS wanted (event_id, order_id)
  ON orders.event_id = wanted.event_id AND orders.id = wanted.order_id
ORDER BY orders.created_at DESC
""",
)
OF_TICKET_CODE = Query(
    _Key,
    """
SELECT ticket.event_id, ticket.order_id FROM ticket JOIN event ON event.id = ticket.event_id
WHERE event.short_code = $1 AND ticket.code = $2
UNION ALL SELECT ticket.event_id, ticket.order_id FROM event
JOIN ticket_transfer AS transfer ON transfer.event_id = event.id
JOIN ticket ON ticket.event_id = event.id AND ticket.id = ticket_id
WHERE event.short_code = $1 AND old_code = $2 AND transfer.status = 'accepted'
""",
)
OF_SCANNED = Query(
    _ScannedTicket,
    """
SELECT ticket.event_id, ticket.order_id, ticket.revision, event_key.public_key
FROM event JOIN ticket ON ticket.event_id = event.id AND ticket.id = $2
LEFT JOIN event_key ON event_key.event_id = event.id AND event_key.number = $3
WHERE event.short_code = $1
""",
)
EVENT = Query(
    FoundEvent,
    """
SELECT id, type, about, received_at, handled_at, outcome, tries::integer, problem FROM stripe_event WHERE id = $1
""",
)
TOLD_TOGETHER = Query(str, "SELECT DISTINCT unnest(about) FROM stripe_event WHERE about && $1::text[]")
OF_STRIPE_IDS = Query(
    _Key,
    """
SELECT event_id, order_id FROM payment_attempt WHERE session_id = ANY($1::text[])
UNION SELECT event_id, order_id FROM payment WHERE payment_intent_id = ANY($1::text[])
UNION SELECT event_id, order_id FROM refund WHERE refund_id = ANY($1::text[])
UNION SELECT event_id, order_id FROM dispute WHERE id = ANY($1::text[])
""",
)
# OFFSET 0 keeps the planner at one look into the primary key a night.
OF_OUR_IDS = Query(
    _Key,
    """
SELECT found.event_id, found.order_id FROM event CROSS JOIN LATERAL (
  SELECT event_id, id AS order_id FROM orders WHERE orders.event_id = event.id AND orders.id = ANY($1::uuid[])
  UNION ALL SELECT event_id, order_id FROM refund WHERE refund.event_id = event.id AND refund.id = ANY($1::uuid[])
  UNION ALL SELECT event_id, order_id FROM ticket WHERE ticket.event_id = event.id AND ticket.id = ANY($1::uuid[])
  UNION ALL SELECT ticket.event_id, order_id FROM ticket_transfer AS transfer
    JOIN ticket ON ticket.event_id = transfer.event_id AND ticket.id = ticket_id
    WHERE transfer.event_id = event.id AND transfer.id = ANY($1::uuid[])
  OFFSET 0) AS found
""",
)
JOB_SUBJECT = Query(str, "SELECT subject || ' ' || arguments FROM job WHERE id = $1")


async def find(connection: Connection, what: str) -> Found:
    """The orders that `what` leads to. Raises NotFound with what it was taken for and what to try next."""
    link = LINK.search(what)
    text = link[1] if link else what.strip()
    ids = UUID_IN.findall(text.lower())
    if text.startswith("evt_"):
        return await _of_event(connection, text)
    if ids:
        return _some(await _of_ids(connection, await _ids_of_job(connection, ids)), NO_ID)
    if "@" in text:
        return await _of_email(connection, text)
    if read_payload(text) is not None:
        return await _of_qr(connection, text)
    code = read_code(text)
    if code is not None:
        return _some(await _of_code(connection, code), NO_CODE)
    if STRIPE_ID.fullmatch(text):
        return _some(await _of_ids(connection, [text]), NO_STRIPE_ID)
    raise NotFound(
        "This is no code of ours (or it is mistyped: its last character is a check), no address, link, QR text or id. "
        "Ask for the e-mail address it was bought with."
    )


NO_CODE = (
    "No order and no ticket has this code, though it is well formed. Does it come from another box office or database? "
    "Try the e-mail address."
)
NO_ID = "No order, refund, ticket or mail has this id. Try the e-mail address or the order's code."
NO_STRIPE_ID = (
    "Nothing here knows this id. In Stripe's Dashboard its payment's metadata names our order, if it is ours: "
    "`order` and `env`. Try that code."
)


def _some(orders: list[FoundOrder], advice: str) -> Found:
    if not orders:
        raise NotFound(advice)
    return Found(orders)


async def _of_email(connection: Connection, text: str) -> Found:
    try:
        email = read_email(text)
    except ValueError as error:
        raise NotFound(str(error)) from error
    orders = await OF_EMAIL.all(connection, email, ORDERS_MAX)
    if not orders:
        raise NotFound(
            "Nobody ordered with this address, and no ticket was sent to it. "
            "People mistype theirs: ask for the order's code, or search in Stripe's "
            "Dashboard for the card's last four digits and try the payment's id (pi_...)."
        )
    return Found(orders)


async def _of_code(connection: Connection, code: str) -> list[FoundOrder]:
    orders = await OF_CODE.all(connection, code[:EVENT_CODE_LENGTH], code)
    return orders or await _of_keys(connection, await OF_TICKET_CODE.all(connection, code[:EVENT_CODE_LENGTH], code))


async def _of_qr(connection: Connection, text: str) -> Found:
    read = read_payload(text)
    assert read is not None
    ticket = await OF_SCANNED.first(connection, read.event_code, read.ticket_id, read.key_number)
    if ticket is None:
        raise NotFound("This is the text of a ticket, and no ticket here has its id: it was not sold here.")
    orders = await _of_keys(connection, [_Key(ticket.event_id, ticket.order_id)])
    if ticket.public_key is None or not read.genuine(ticket.public_key):
        return Found(orders, "The QR code's signature is NOT genuine: somebody made it up from a real ticket's id.")
    if read.revision != ticket.revision:
        return Found(orders, "The QR code is genuine and outdated: the ticket was given a new one since.")
    return Found(orders, "The QR code is genuine and the ticket's current one.")


async def _of_event(connection: Connection, event_id: str) -> Found:
    event = await EVENT.first(connection, event_id)
    if event is None:
        raise NotFound(
            "This event was never received. Stripe's Dashboard shows whether it was sent and what was answered; the "
            f"worker reads it by itself within a minute, and `stripe events resend {event_id}` sends it again."
        )
    return Found(await _of_ids(connection, event.about), event=event)


async def _ids_of_job(connection: Connection, ids: list[str]) -> list[str]:
    """A mail's Message-ID is its job's id, and a job names what it is about."""
    named = await JOB_SUBJECT.first(connection, UUID(ids[0]))
    return UUID_IN.findall(named) if named else ids


async def _of_ids(connection: Connection, ids: list[str]) -> list[FoundOrder]:
    """By ids of Stripe's and ours, and by those that were told of in one event with them."""
    known = [*ids, *(await TOLD_TOGETHER.all(connection, ids) if ids else [])]
    ours = [UUID(one) for one in known if UUID_IN.fullmatch(one)]
    keys = await OF_STRIPE_IDS.all(connection, known)
    return await _of_keys(connection, keys + (await OF_OUR_IDS.all(connection, ours) if ours else []))


async def _of_keys(connection: Connection, keys: list[_Key]) -> list[FoundOrder]:
    unique = sorted(set(keys), key=lambda key: (key.event_id, key.order_id))
    return await OF_KEYS.all(connection, [key.event_id for key in unique], [key.order_id for key in unique])
