"""What must be true of the books at every commit, and what must become true soon: `boxoffice audit` and the simulation
ask the same queries.

To add one: a `Query(Finding, ...)` that returns no row while all is well, and a line in `INVARIANTS`.
"""

import msgspec

from boxoffice.foundation.db import Connection, Query


class Finding(msgspec.Struct, frozen=True):
    """`subject` is the id or code of what is wrong."""

    subject: str
    problem: str


class Invariant(msgspec.Struct, frozen=True):
    """`soon`: not at every commit, but within the time that its query grants to the worker."""

    name: str
    meaning: str
    query: Query[Finding]
    soon: bool = False


NEVER_OVERSOLD = Query(
    Finding,
    """
SELECT id::text AS subject, format('%s used of %s', used, cap) AS problem FROM stock WHERE used NOT BETWEEN 0 AND cap
""",
)
COUNTED = Query(
    Finding,
    """
SELECT stock.id::text AS subject, format('%s used, %s held', used, coalesce(sum(quantity), 0)) AS problem
FROM stock LEFT JOIN hold ON hold.event_id = stock.event_id AND hold.stock_id = stock.id
GROUP BY stock.event_id, stock.id HAVING used <> coalesce(sum(quantity), 0)
""",
)
UNITS_OF_ORDERS = Query(
    Finding,
    """
SELECT code AS subject, format('%s, ordered %s, holds %s', status, quantity, units) AS problem
FROM orders CROSS JOIN LATERAL (SELECT coalesce(sum(hold.quantity), 0) AS units FROM hold
  JOIN release ON release.event_id = hold.event_id AND release.stock_id = hold.stock_id
  WHERE hold.event_id = orders.event_id AND hold.order_id = orders.id) AS held
WHERE status IN ('held', 'paying', 'settling') AND units <> quantity
  OR status IN ('paid', 'part_refunded') AND units <> (SELECT count(*) FROM ticket
    WHERE ticket.event_id = orders.event_id AND ticket.order_id = orders.id AND ticket.status IN ('active', 'used'))
  OR status IN ('expired', 'released', 'refunded') AND units <> 0
""",
)
PARTS = Query(
    Finding,
    """
SELECT code AS subject, format('%s for %s, lines say %s for %s', quantity, total_minor, n, sum) AS problem
FROM orders CROSS JOIN LATERAL (SELECT sum(line.quantity) AS n, sum(line.quantity * unit_minor) AS sum
  FROM order_line AS line WHERE line.event_id = orders.event_id AND line.order_id = orders.id) AS lines
WHERE (quantity, total_minor) IS DISTINCT FROM (n, sum)
""",
)
TICKETS = Query(
    Finding,
    """
SELECT orders.code AS subject, format('%s, ordered %s, %s tickets, %s open the door', orders.status, quantity,
  count(ticket.id), count(ticket.id) FILTER (WHERE ticket.status IN ('active', 'used'))) AS problem
FROM orders LEFT JOIN ticket ON ticket.event_id = orders.event_id AND ticket.order_id = orders.id
GROUP BY orders.event_id, orders.id
HAVING count(ticket.id) <> CASE WHEN orders.status IN ('paid', 'part_refunded') THEN quantity
    WHEN orders.status = 'refunded' THEN count(ticket.id) ELSE 0 END
  OR orders.status = 'refunded' AND bool_or(ticket.status IN ('active', 'used'))
""",
)
PAID_FOR = Query(
    Finding,
    """
SELECT code AS subject, format('%s, %s %s due, kept %s', status, total_minor, orders.currency,
  coalesce(kept.sum::text, 'nothing')) AS problem
FROM orders CROSS JOIN LATERAL (SELECT sum(amount_minor), min(currency) AS currency FROM (
  SELECT amount_minor, currency FROM payment
  WHERE payment.event_id = orders.event_id AND order_id = orders.id AND purpose = 'kept'
  UNION ALL SELECT orders.total_minor, orders.currency FROM door_sale WHERE door_sale.event_id = orders.event_id
    AND order_id = orders.id AND paid_by = 'cash' AND voided_at IS NULL) AS paid) AS kept
WHERE status IN ('paid', 'part_refunded') AND total_minor > 0
    AND (kept.sum, kept.currency) IS DISTINCT FROM (total_minor, orders.currency)
  OR status NOT IN ('paid', 'part_refunded', 'refunded') AND kept.sum IS NOT NULL
""",
)
IN_REVIEW = Query(
    Finding,
    """
SELECT code AS subject, format('%s, %s payments wait for a person', status, n) AS problem
FROM orders CROSS JOIN LATERAL (SELECT count(*) AS n FROM payment
  WHERE payment.event_id = orders.event_id AND order_id = orders.id AND purpose = 'in_review') AS waiting
WHERE (status = 'in_review') <> (n > 0)
""",
)
RETURNED = Query(
    Finding,
    """
SELECT payment.payment_intent_id AS subject, format('%s, %s received, %s goes back', purpose, payment.amount_minor,
  coalesce(sum(refund.amount_minor), 0)) AS problem
FROM payment LEFT JOIN refund ON refund.event_id = payment.event_id
  AND refund.payment_intent_id = payment.payment_intent_id AND refund.status NOT IN ('failed', 'dropped')
GROUP BY payment.event_id, payment.payment_intent_id
HAVING coalesce(sum(refund.amount_minor), 0) > payment.amount_minor
  OR purpose = 'returned' AND coalesce(sum(refund.amount_minor), 0) < payment.amount_minor AND NOT EXISTS (
    SELECT FROM refund AS failed WHERE failed.event_id = payment.event_id
    AND failed.payment_intent_id = payment.payment_intent_id AND failed.status = 'failed')
""",
)
BALANCE = Query(
    Finding,
    """
SELECT posting AS subject, format('%s: debit %s, credit %s', currency, sum(debit_minor), sum(credit_minor)) AS problem
FROM ledger_entry GROUP BY event_id, posting, currency HAVING sum(debit_minor) <> sum(credit_minor)
""",
)
LEDGER = Query(
    Finding,
    """
SELECT code AS subject, format('with Stripe %s, should be %s; owed to the buyer %s, should be %s', at_stripe,
  received - sent_back, owed, waiting + not_sent) AS problem
FROM orders CROSS JOIN LATERAL (
    SELECT coalesce(sum(debit_minor - credit_minor) FILTER (WHERE account IN ('stripe', 'disputes', 'fees')), 0)
        AS at_stripe,
      coalesce(sum(credit_minor - debit_minor) FILTER (WHERE account = 'owed_to_buyers'), 0) AS owed
    FROM ledger_entry AS entry WHERE entry.event_id = orders.event_id AND entry.order_id = orders.id) AS books
  CROSS JOIN LATERAL (SELECT coalesce(sum(amount_minor), 0) AS received,
      coalesce(sum(amount_minor - (SELECT coalesce(sum(refund.amount_minor), 0) FROM refund
        WHERE refund.event_id = payment.event_id AND refund.payment_intent_id = payment.payment_intent_id
        AND refund.status <> 'dropped')) FILTER (WHERE purpose = 'in_review'), 0) AS waiting
    FROM payment WHERE payment.event_id = orders.event_id AND payment.order_id = orders.id) AS payments
  CROSS JOIN LATERAL (SELECT coalesce(sum(amount_minor) FILTER (WHERE refund.status = 'succeeded'), 0) AS sent_back,
      coalesce(sum(amount_minor) FILTER (WHERE refund.status NOT IN ('succeeded', 'dropped')), 0) AS not_sent
    FROM refund WHERE refund.event_id = orders.event_id AND refund.order_id = orders.id) AS refunds
WHERE (at_stripe, owed) <> (received - sent_back, waiting + not_sent)
""",
)
CASH = Query(
    Finding,
    """
SELECT code AS subject, format('%s, paid by %s, voided %s: cash %s, sales %s, refunds %s', status,
  coalesce(paid_by, 'nobody'), voided_at IS NOT NULL, cash, sales, refunds) AS problem
FROM orders LEFT JOIN door_sale AS sale ON sale.event_id = orders.event_id AND sale.order_id = orders.id
  CROSS JOIN LATERAL (SELECT coalesce(sum(debit_minor - credit_minor) FILTER (WHERE account = 'cash'), 0) AS cash,
      coalesce(sum(credit_minor - debit_minor) FILTER (WHERE account = 'sales'), 0) AS sales,
      coalesce(sum(debit_minor - credit_minor) FILTER (WHERE account = 'refunds'), 0) AS refunds
    FROM ledger_entry AS entry WHERE entry.event_id = orders.event_id AND entry.order_id = orders.id) AS books
WHERE paid_by = 'cash' AND ((cash, sales, refunds) <> (CASE WHEN voided_at IS NULL THEN total_minor ELSE 0 END,
    total_minor, CASE WHEN voided_at IS NULL THEN 0 ELSE total_minor END)
    OR status <> CASE WHEN voided_at IS NULL THEN 'paid' ELSE 'refunded' END)
  OR paid_by IS DISTINCT FROM 'cash' AND cash <> 0
""",
)
CASHED_UP = Query(
    Finding,
    """
SELECT device_id::text AS subject, format('%s expected, the books say %s', expected_minor, in_box) AS problem
FROM cash_up CROSS JOIN LATERAL (SELECT float_minor + coalesce(sum(total_minor) FILTER (WHERE paid_by = 'cash'
      AND void_device_id IS DISTINCT FROM sale.device_id), 0) AS in_box,
    coalesce(bool_or(sold_at > closed_at OR void_device_id = sale.device_id AND voided_at > closed_at), false) AS late
  FROM door_sale AS sale JOIN orders ON orders.event_id = sale.event_id AND orders.id = order_id
  WHERE sale.event_id = cash_up.event_id AND sale.device_id = cash_up.device_id) AS books
WHERE expected_minor <> in_box OR late
""",
)
CASH_BOXES = Query(
    Finding,
    """
SELECT device_id::text AS subject, format('sold for %s, the ledger took in %s; %s expected after counting %s',
  sold.minor, booked.minor, coalesce(expected_minor::text, 'nothing'), float_minor) AS problem
FROM cash_up
  CROSS JOIN LATERAL (SELECT coalesce(sum(line.quantity * unit_minor) FILTER (
        WHERE void_device_id IS DISTINCT FROM sale.device_id), 0) AS minor
    FROM door_sale AS sale JOIN order_line AS line ON line.event_id = sale.event_id AND line.order_id = sale.order_id
    WHERE sale.event_id = cash_up.event_id AND sale.device_id = cash_up.device_id AND paid_by = 'cash') AS sold
  CROSS JOIN LATERAL (SELECT coalesce(sum(debit_minor - CASE WHEN void_device_id = sale.device_id THEN credit_minor
        ELSE 0 END), 0) AS minor
    FROM door_sale AS sale JOIN ledger_entry AS entry ON entry.event_id = sale.event_id
      AND entry.order_id = sale.order_id AND account = 'cash'
    WHERE sale.event_id = cash_up.event_id AND sale.device_id = cash_up.device_id) AS booked
WHERE sold.minor <> booked.minor OR expected_minor <> float_minor + booked.minor
""",
)
ONE_ATTEMPT = Query(
    Finding,
    """
SELECT orders.code AS subject, format('%s, attempts are %s', orders.status, string_agg(attempt.status, ', '))
  AS problem
FROM orders JOIN payment_attempt AS attempt ON attempt.event_id = orders.event_id AND attempt.order_id = orders.id
GROUP BY orders.event_id, orders.id
HAVING count(*) FILTER (WHERE attempt.status IN ('queued', 'sending', 'open')) > 1
  OR orders.status IN ('expired', 'released') AND bool_or(attempt.status = 'open')
""",
)
PROMOS = Query(
    Finding,
    """
SELECT promo.code AS subject, format('%s used, %s orders hold it', used, count(orders.id)) AS problem
FROM promo LEFT JOIN orders ON orders.event_id = promo.event_id AND orders.promo_id = promo.id
  AND EXISTS (SELECT FROM hold WHERE hold.event_id = orders.event_id AND hold.order_id = orders.id)
GROUP BY promo.event_id, promo.id HAVING used <> count(orders.id)
""",
)
HANDLED_MEANS_DONE = Query(
    Finding,
    """
SELECT id AS subject, type || ': handled, but not in the books' AS problem
FROM (SELECT id, type, outcome, convert_from(payload, 'UTF8')::json #> '{data,object}' AS object FROM stripe_event
  WHERE handled_at IS NOT NULL AND received_at > clock() - interval '1 day') AS event
WHERE outcome NOT IN ('foreign', 'unknown_order')
  AND (type IN ('checkout.session.completed', 'checkout.session.async_payment_succeeded')
      AND object ->> 'payment_status' = 'paid' AND NOT EXISTS (
        SELECT FROM payment WHERE payment_intent_id = object ->> 'payment_intent')
    -- one from outside may have failed before it was heard of
    OR type LIKE 'refund.%' AND object ->> 'status' = 'succeeded' AND object #>> '{metadata,refund_id}' IS NOT NULL
      AND NOT EXISTS (SELECT FROM refund WHERE id::text = object #>> '{metadata,refund_id}'
        AND (status IN ('succeeded', 'failed', 'dropped') OR attempt > 1)))
""",
)
TOLD = Query(
    Finding,
    """
SELECT code AS subject, 'paid, and no mail was ever asked for' AS problem FROM orders
WHERE status = 'paid' AND email <> ''
  AND NOT EXISTS (SELECT FROM job WHERE name = 'mail_tickets' AND subject = orders.id::text)
""",
)
ONE_ENTRY = Query(
    Finding,
    """
SELECT ticket.code AS subject, format('%s entries by %s without a supervisor', count(*), entry_list.name) AS problem
FROM entry JOIN scan USING (event_id, device_id, nonce)
JOIN entry_list ON entry_list.event_id = entry.event_id AND entry_list.id = entry.list_id
JOIN ticket ON ticket.event_id = entry.event_id AND ticket.id = entry.ticket_id
WHERE NOT override AND NOT re_entry
GROUP BY entry.event_id, entry.list_id, entry_list.name, entry.ticket_id, ticket.code HAVING count(*) > 1
""",
)
USED = Query(
    Finding,
    """
SELECT code AS subject, format('%s, used at %s, first entry at %s', ticket.status, used_at, entered.at) AS problem
FROM ticket LEFT JOIN LATERAL (SELECT min(entered_at) AS at FROM entry
  WHERE entry.event_id = ticket.event_id AND entry.ticket_id = ticket.id) AS entered ON true
WHERE entered.at IS NOT NULL AND (status = 'active' OR status = 'used' AND used_at IS DISTINCT FROM entered.at)
""",
)
PASSES = Query(
    Finding,
    """
SELECT ticket.code AS subject, format('a pass of revision %s, the ticket is at %s', kept.revision, ticket.revision)
  AS problem
FROM (SELECT event_id, ticket_id, revision FROM wallet_registration
  UNION SELECT event_id, ticket_id, revision FROM google_pass) AS kept
JOIN ticket ON ticket.event_id = kept.event_id AND ticket.id = kept.ticket_id WHERE kept.revision > ticket.revision
""",
)
GUESTS = Query(
    Finding,
    """
SELECT ticket.code AS subject, format('of %s, and no guest of it', ticket_type.name) AS problem
FROM ticket JOIN ticket_type ON ticket_type.event_id = ticket.event_id AND ticket_type.id = ticket_type_id
LEFT JOIN guest ON guest.event_id = ticket.event_id AND guest.order_id = ticket.order_id
WHERE for_guests AND list_id IS DISTINCT FROM ticket_type_id OR NOT for_guests AND list_id IS NOT NULL
UNION ALL
SELECT orders.code, format('%s tickets for %s and %s more', count(ticket.id), name, plus_ones)
FROM guest JOIN orders ON orders.event_id = guest.event_id AND orders.id = order_id
LEFT JOIN ticket ON ticket.event_id = guest.event_id AND ticket.order_id = guest.order_id
GROUP BY guest.event_id, guest.order_id, orders.code HAVING count(ticket.id) <> 1 + plus_ones
UNION ALL
SELECT id::text, 'a guest list whose places could be bought' FROM guest_list
JOIN ticket_type USING (event_id, id) WHERE NOT for_guests
""",
)
GUESTS_FIT = Query(
    Finding,
    """
SELECT ticket_type.name AS subject, format('%s people on it, of %s', named.people, cap) AS problem
FROM guest_list JOIN ticket_type USING (event_id, id)
JOIN release ON release.event_id = guest_list.event_id AND release.ticket_type_id = guest_list.id
JOIN stock ON stock.event_id = release.event_id AND stock.id = stock_id
CROSS JOIN LATERAL (SELECT count(*) AS people FROM ticket WHERE ticket.event_id = guest_list.event_id
  AND ticket.ticket_type_id = guest_list.id AND ticket.status IN ('active', 'used')) AS named
WHERE named.people > cap
""",
)
ONE_HOLDER = Query(
    Finding,
    """
SELECT ticket.code AS subject, format('held by %s, the last of %s transfers went to %s', coalesce(holder_email, 'its
  buyer'),
  coalesce(sent.n, 0), coalesce(sent.to_email, 'nobody')) AS problem
FROM ticket LEFT JOIN LATERAL (SELECT count(*) AS n, (array_agg(to_email ORDER BY old_revision DESC))[1] AS to_email,
    max(old_revision) AS old_revision
  FROM ticket_transfer AS transfer WHERE transfer.event_id = ticket.event_id AND transfer.ticket_id = ticket.id
    AND transfer.status = 'accepted') AS sent ON true
WHERE holder_email IS DISTINCT FROM sent.to_email OR revision <= sent.old_revision
""",
)
OLD_CODES = Query(
    Finding,
    """
SELECT old_code AS subject, 'was sent on, and is the code of a ticket still' AS problem
FROM ticket_transfer AS transfer JOIN ticket ON ticket.event_id = transfer.event_id AND ticket.code = old_code
WHERE transfer.status = 'accepted'
""",
)
# A ticket that somebody is in with is sent on no more, so the order of the two does not matter. A scanner without a
# network may let in what was sent on meanwhile: that is told as a conflict.
ONE_CODE = Query(
    Finding,
    """
SELECT ticket.code AS subject, format('let in by %s, which was sent on to %s', scan.read, to_email) AS problem
FROM ticket_transfer AS transfer
JOIN ticket ON ticket.event_id = transfer.event_id AND ticket.id = transfer.ticket_id
JOIN entry ON entry.event_id = transfer.event_id AND entry.ticket_id = transfer.ticket_id
JOIN scan ON scan.event_id = entry.event_id AND scan.device_id = entry.device_id AND scan.nonce = entry.nonce
WHERE transfer.status = 'accepted' AND upper(translate(scan.read, '- ', '')) = old_code AND online AND NOT override
""",
)
OFFERS = Query(
    Finding,
    """
SELECT ticket.code AS subject, format('%s, and offered to somebody still', ticket.status) AS problem
FROM ticket_transfer AS transfer JOIN ticket ON ticket.event_id = transfer.event_id AND ticket.id = ticket_id
WHERE transfer.status = 'offered' AND (ticket.status IN ('cancelled', 'refunded') OR revision <> old_revision)
""",
)
TRANSFERS_TOLD = Query(
    Finding,
    """
SELECT transfer.id::text AS subject, format('%s, and no mail "%s" was ever asked for', transfer.status, state)
  AS problem
FROM ticket_transfer AS transfer
CROSS JOIN LATERAL (SELECT 'offered' AS state UNION SELECT transfer.status
  UNION SELECT 'yours' WHERE transfer.status = 'accepted') AS due
WHERE NOT EXISTS (SELECT FROM job WHERE name = 'mail_transfer' AND subject = transfer.id || ':' || state)
""",
)
OFFERS_END = Query(
    Finding,
    """
SELECT transfer.id::text AS subject, 'still offered after the time to take it' AS problem
FROM ticket_transfer AS transfer JOIN event ON event.id = event_id
WHERE transfer.status = 'offered' AND coalesce(transfer_until, doors_at) < clock() - interval '1 hour'
""",
)
ORDERS_END = Query(
    Finding,
    """
SELECT code AS subject, format('still %s', status) AS problem FROM orders
WHERE status IN ('held', 'paying') AND held_until < clock() - interval '30 minutes'
  OR status = 'settling' AND settle_until < clock() - interval '30 minutes'
  OR status = 'in_review' AND NOT EXISTS (SELECT FROM payment WHERE payment.event_id = orders.event_id
    AND order_id = orders.id AND received_at > clock() - interval '25 hours')
""",
)
ATTEMPTS_END = Query(
    Finding,
    """
SELECT order_id::text AS subject, format('attempt %s is still %s', number, status) AS problem FROM payment_attempt
WHERE status IN ('queued', 'sending') AND created_at < clock() - interval '90 minutes'
  OR status = 'open' AND session_expires_at < clock() - interval '30 minutes'
""",
)
EVENTS_HANDLED = Query(
    Finding,
    """
SELECT id AS subject, format('%s not handled after %s tries: %s', type, tries, problem) AS problem FROM stripe_event
WHERE handled_at IS NULL AND received_at < clock() - interval '1 hour'
""",
)
JOBS_DONE = Query(
    Finding,
    """
SELECT subject, format('%s not done after %s tries: %s', name, tries, problem) AS problem FROM job
WHERE done_at IS NULL AND parked_at IS NULL AND run_at < clock() - interval '1 hour'
""",
)
REFUNDS_SENT = Query(
    Finding,
    """
SELECT id::text AS subject, format('%s %s decided, not sent', amount_minor, currency) AS problem FROM refund
WHERE status = 'decided' AND decided_at < clock() - interval '3 hours' AND NOT EXISTS (SELECT FROM job
  WHERE name = 'send_refund' AND subject = refund.id || ':' || attempt AND created_at > clock() - interval '3 hours')
""",
)

INVARIANTS = (
    Invariant("never oversold", "No stock has more units held and sold than it has.", NEVER_OVERSOLD),
    Invariant("stock is counted", "A stock's counter is the sum of the holds on it.", COUNTED),
    Invariant("units of orders", "A live order holds what was ordered, an ended one nothing.", UNITS_OF_ORDERS),
    Invariant("parts sum to the whole", "An order's lines are its quantity and its total.", PARTS),
    Invariant("tickets", "A paid order has its tickets, an unpaid or refunded one lets nobody in.", TICKETS),
    Invariant("paid for", "A paid order kept one payment of its total, an unpaid one none.", PAID_FOR),
    Invariant("in review", "Payments wait for a person in orders that are in review, and only there.", IN_REVIEW),
    Invariant("money goes back once", "What may not be kept goes back in full, and never more.", RETURNED),
    Invariant("postings balance", "Every posting has as much debit as credit.", BALANCE),
    Invariant("ledger and payments agree", "What Stripe holds and what is owed follow from payments.", LEDGER),
    Invariant("cash is in the books", "What was paid by hand is booked once, and so is what went back.", CASH),
    Invariant("cashed up", "A closed cash box was told what the sales say, and sold no more.", CASHED_UP),
    Invariant("cash boxes are in the books", "A cash box took in what its sales cost and the ledger says.", CASH_BOXES),
    Invariant("one attempt at a time", "An order has one attempt under way, an ended one none.", ONE_ATTEMPT),
    Invariant("promo codes are counted", "A code's counter is the number of orders that hold it.", PROMOS),
    Invariant("handled means done", "An event called handled has left its trace in the books.", HANDLED_MEANS_DONE),
    Invariant("buyers are told", "For every paid order the mail with its tickets was asked for.", TOLD),
    Invariant(
        "one ticket, one entry", "Without re-entry a ticket lets in once, unless a supervisor insists.", ONE_ENTRY
    ),
    Invariant("guests are on a list", "A guest has a ticket for each person, of a list that is not sold.", GUESTS),
    Invariant("guest lists hold their guests", "No guest list has more people on it than its quota.", GUESTS_FIT),
    Invariant("used means let in", "A good ticket that somebody came in with is used, since then.", USED),
    Invariant("passes are of tickets", "No wallet has a pass of a revision that its ticket never had.", PASSES),
    Invariant("one holder", "A ticket is held by its buyer, or by whoever took it last.", ONE_HOLDER),
    Invariant("old codes are dead", "A code that was sent on is the code of no ticket.", OLD_CODES),
    Invariant("one code lets in", "Nobody came in with the code that a ticket had before it was sent on.", ONE_CODE),
    Invariant("offers are of good tickets", "Nobody can take a ticket that is void or another's.", OFFERS),
    Invariant("transfers are told", "Whatever becomes of an offer, a mail says so.", TRANSFERS_TOLD),
    Invariant("offers end", "No offer stands long after its time.", OFFERS_END, soon=True),
    Invariant("orders end", "No order waits long after its time.", ORDERS_END, soon=True),
    Invariant("attempts end", "No attempt waits long after its time.", ATTEMPTS_END, soon=True),
    Invariant("events are handled", "No event waits longer than an hour.", EVENTS_HANDLED, soon=True),
    Invariant("jobs are done", "No job is overdue for an hour; what cannot be done is parked.", JOBS_DONE, soon=True),
    Invariant("refunds are sent", "No refund is decided and not sent.", REFUNDS_SENT, soon=True),
)


async def audit(connection: Connection) -> dict[Invariant, list[Finding]]:
    """Every invariant with what breaks it. The connection should read one snapshot."""
    return {invariant: await invariant.query.all(connection) for invariant in INVARIANTS}
