"""Everything that is written down about one order, read in one transaction."""

from datetime import datetime
from uuid import UUID

import msgspec

from boxoffice.foundation.db import Connection, Query
from boxoffice.orders.order import Order, OrderedLine, show_order
from boxoffice.payments.dispute import DISPUTE_MOVES

TRANSFER_MAILS = ("offered", "declined", "taken_back", "expired", "ended", "accepted", "yours", "void")


class More(msgspec.Struct, frozen=True):
    """What its buyer is not shown of an order."""

    review_reason: str | None
    extended: bool


class Move(msgspec.Struct, frozen=True):
    """When the order came to a status."""

    status: str
    moved_at: datetime


class Attempt(msgspec.Struct, frozen=True):
    """One try to be paid."""

    number: int
    status: str
    created_at: datetime
    turn_at: datetime | None
    sent_at: datetime | None
    next_try_at: datetime | None
    tries: int
    session_id: str | None
    session_expires_at: datetime | None
    problem: str | None


class Payment(msgspec.Struct, frozen=True):
    """Money that came."""

    payment_intent_id: str
    amount_minor: int
    currency: str
    purpose: str
    received_at: datetime
    fee_minor: int | None
    fee_currency: str | None


class Refund(msgspec.Struct, frozen=True):
    """Money that goes back."""

    id: UUID
    payment_intent_id: str
    reason: str
    amount_minor: int
    currency: str
    status: str
    refund_id: str | None
    problem: str | None
    decided_at: datetime
    settled_at: datetime | None
    attempt: int
    note: str
    override_used: bool
    void_codes: list[str]


class Dispute(msgspec.Struct, frozen=True):
    """A bank that takes a payment back, or asks about it."""

    id: str
    payment_intent_id: str
    amount_minor: int
    currency: str
    reason: str
    status: str
    answer_by: datetime | None
    noted_at: datetime
    moved_at: datetime


class FraudSign(msgspec.Struct, frozen=True):
    """A bank's warning or a review by Stripe's checks."""

    id: str
    kind: str
    words: str
    noted_at: datetime
    closed_at: datetime | None
    closed_reason: str | None


class Event(msgspec.Struct, frozen=True):
    """A delivery of Stripe's about this order; `payload` as it came."""

    id: str
    type: str
    received_at: datetime
    handled_at: datetime | None
    outcome: str | None
    tries: int
    next_try_at: datetime
    problem: str | None
    payload: bytes


class Job(msgspec.Struct, frozen=True):
    """Work after a commit: a mail, a refund's call."""

    id: UUID
    name: str
    tries: int
    run_at: datetime
    created_at: datetime
    done_at: datetime | None
    parked_at: datetime | None
    problem: str | None


class Ticket(msgspec.Struct, frozen=True):
    """One ticket."""

    number: int
    code: str
    status: str
    blocked_reason: str | None
    ticket_type: str
    holder: str
    holder_email: str | None
    issued_at: datetime
    used_at: datetime | None


class Transfer(msgspec.Struct, frozen=True):
    """A ticket sent from one holder to the next; `code` is the one that it had before."""

    id: UUID
    code: str
    from_email: str
    to_email: str
    to_name: str
    status: str
    offered_at: datetime
    ended_at: datetime | None


class LedgerEntry(msgspec.Struct, frozen=True):
    """One half of a posting; one of the two amounts is zero."""

    posting: str
    account: str
    debit_minor: int
    credit_minor: int
    currency: str


class Kept(msgspec.Struct, frozen=True):
    """A ticket in wallets: on how many phones, and since when it was offered to Google. `newest`: its own revision."""

    number: int
    newest: bool
    phones: int
    google_since: datetime | None


class DoorSale(msgspec.Struct, frozen=True):
    """Where and how an order was sold at the door, and when its cash was handed back, by whom if that is known."""

    gate: str
    paid_by: str
    sold_at: datetime
    voided_at: datetime | None
    void_reason: str | None
    void_by: str | None


class Story(msgspec.Struct, frozen=True):
    """Each list in the order in which it came about."""

    order: Order
    more: More
    lines: list[OrderedLine]
    moves: list[Move]
    attempts: list[Attempt]
    payments: list[Payment]
    refunds: list[Refund]
    disputes: list[Dispute]
    fraud_signs: list[FraudSign]
    events: list[Event]
    jobs: list[Job]
    tickets: list[Ticket]
    transfers: list[Transfer]
    ledger: list[LedgerEntry]
    kept: list[Kept]
    door_sales: list[DoorSale]


MORE = Query(More, "SELECT review_reason, extended FROM orders WHERE event_id = $1 AND id = $2")
MOVES = Query(Move, "SELECT status, moved_at FROM order_move WHERE event_id = $1 AND order_id = $2 ORDER BY moved_at")
ATTEMPTS = Query(
    Attempt,
    """
SELECT number, status, created_at, turn_at, sent_at, next_try_at, tries, session_id, session_expires_at, problem
FROM payment_attempt WHERE event_id = $1 AND order_id = $2 ORDER BY number
""",
)
PAYMENTS = Query(
    Payment,
    """
SELECT payment_intent_id, amount_minor, currency, purpose, received_at, fee_minor, fee_currency
FROM payment WHERE event_id = $1 AND order_id = $2 ORDER BY received_at
""",
)
REFUNDS = Query(
    Refund,
    """
SELECT id, payment_intent_id, reason, amount_minor, currency, status, refund_id, problem, decided_at, settled_at,
  attempt::integer, note, override_used, ARRAY(SELECT code FROM ticket WHERE ticket.event_id = refund.event_id
    AND ticket.refund_id = refund.id ORDER BY number) AS void_codes
FROM refund WHERE event_id = $1 AND order_id = $2 ORDER BY decided_at
""",
)
DISPUTES = Query(
    Dispute,
    """
SELECT id, payment_intent_id, amount_minor, currency, reason, status, answer_by, noted_at, moved_at
FROM dispute WHERE event_id = $1 AND order_id = $2 ORDER BY noted_at
""",
)
FRAUD_SIGNS = Query(
    FraudSign,
    """
SELECT id, kind, words, noted_at, closed_at, closed_reason
FROM fraud_sign WHERE event_id = $1 AND order_id = $2 ORDER BY noted_at
""",
)
EVENTS = Query(
    Event,
    """
SELECT id, type, received_at, handled_at, outcome, tries, next_try_at, problem, payload
FROM stripe_event WHERE about && $1::text[] ORDER BY received_at, id
""",
)
JOBS = Query(
    Job,
    """
SELECT id, name, tries, run_at, created_at, done_at, parked_at, problem
FROM job WHERE subject = ANY($1::text[]) ORDER BY created_at, id
""",
)
TICKETS = Query(
    Ticket,
    """
SELECT ticket.number, ticket.code, ticket.status, ticket.blocked_reason, ticket_type.name AS ticket_type, ticket.holder,
  ticket.holder_email, ticket.issued_at, ticket.used_at
FROM ticket JOIN ticket_type ON ticket_type.event_id = ticket.event_id AND ticket_type.id = ticket.ticket_type_id
WHERE ticket.event_id = $1 AND ticket.order_id = $2 ORDER BY ticket.number
""",
)
TRANSFERS = Query(
    Transfer,
    """
SELECT transfer.id, old_code AS code, from_email, to_email, to_name, transfer.status, offered_at, ended_at
FROM ticket JOIN ticket_transfer AS transfer ON transfer.event_id = ticket.event_id AND ticket_id = ticket.id
WHERE ticket.event_id = $1 AND ticket.order_id = $2 ORDER BY offered_at
""",
)
LEDGER = Query(
    LedgerEntry,
    """
SELECT posting, account, debit_minor, credit_minor, currency FROM ledger_entry
WHERE event_id = $1 AND order_id = $2 ORDER BY posted_at, posting, credit_minor
""",
)


KEPT = Query(
    Kept,
    """
SELECT ticket.number, kept.revision = ticket.revision AS newest, sum(phones)::integer AS phones,
  max(google_since) AS google_since
FROM ticket JOIN (
  SELECT event_id, ticket_id, revision, 1 AS phones, NULL::timestamptz AS google_since FROM wallet_registration
  UNION ALL SELECT event_id, ticket_id, revision, 0, offered_at FROM google_pass) AS kept
  ON kept.event_id = ticket.event_id AND kept.ticket_id = ticket.id
WHERE ticket.event_id = $1 AND ticket.order_id = $2
GROUP BY ticket.number, kept.revision, ticket.revision ORDER BY ticket.number, kept.revision
""",
)


DOOR_SALES = Query(
    DoorSale,
    """
SELECT gate, paid_by, sold_at, voided_at, void_reason, person.email AS void_by FROM door_sale
JOIN device ON device.event_id = door_sale.event_id AND device.id = device_id
LEFT JOIN person ON person.id = void_person_id
WHERE door_sale.event_id = $1 AND order_id = $2
""",
)


async def read_story(connection: Connection, code: str) -> Story:
    """Everything about the order of a code. Raises NotFound."""
    view = await show_order(connection, code)
    order = view.order
    key = (order.event_id, order.id)
    more = await MORE.first(connection, *key)
    assert more is not None
    attempts = await ATTEMPTS.all(connection, *key)
    payments = await PAYMENTS.all(connection, *key)
    refunds = await REFUNDS.all(connection, *key)
    refund_ids = [str(refund.id) for refund in refunds]
    at_stripe = [attempt.session_id for attempt in attempts] + [one.payment_intent_id for one in payments]
    about = [str(order.id), *refund_ids, *(one for one in at_stripe if one)]
    disputes = await DISPUTES.all(connection, *key)
    signs = await FRAUD_SIGNS.all(connection, *key)
    transfers = await TRANSFERS.all(connection, *key)
    subjects = [
        *(str(order.id), f"review:{order.id}"),
        *(one for refund in refunds for one in _subjects_of_refund(refund)),
        *(f"dispute:{one.id}:{status}" for one in disputes for status in DISPUTE_MOVES),
        *(f"fraud_sign:{one.id}" for one in signs),
        *(f"{one.id}:{state}" for one in transfers for state in TRANSFER_MAILS),
    ]
    return Story(
        order,
        more,
        view.lines,
        await MOVES.all(connection, *key),
        attempts,
        payments,
        refunds,
        disputes,
        signs,
        await EVENTS.all(connection, about),
        await JOBS.all(connection, subjects),
        await TICKETS.all(connection, *key),
        transfers,
        await LEDGER.all(connection, *key),
        await KEPT.all(connection, *key),
        await DOOR_SALES.all(connection, *key),
    )


def _subjects_of_refund(refund: Refund) -> list[str]:
    """What jobs about a refund are about; each time it was asked for has its own."""
    told = [str(refund.id), f"refund:{refund.id}", f"outside:{refund.refund_id}"]
    attempts = range(1, refund.attempt + 1)
    return [*told, *(f"{refund.id}:{n}" for n in attempts), *(f"refund:{refund.id}:{n}" for n in attempts)]
