"""An order's story in words: what happened in the order of time, what is there, what comes next, what one can do.

Times are those of the night's venue. Neither secrets nor anything that opens an order is told: of a session only the
end of its id, which log lines carry too.
"""

from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any, cast
from zoneinfo import ZoneInfo

import msgspec

from boxoffice.foundation.logs import tail
from boxoffice.foundation.written import write_code, write_day, write_money, write_time, write_zone
from boxoffice.support.find import FoundEvent, FoundOrder
from boxoffice.support.story import Attempt, Event, Job, Kept, Refund, Story

STATUSES = {
    "held": "units held, not at Stripe yet",
    "paying": "waiting to be paid",
    "settling": "paid, the bank has not confirmed yet",
    "paid": "paid",
    "part_refunded": "paid, refunded in part",
    "refunded": "refunded",
    "expired": "not paid in time, units are back on sale",
    "released": "ended unpaid, units are back on sale",
    "in_review": "paid wrongly, waits for a person",
}
ENDED_BECAUSE = {
    "given_up": "the buyer gave up",
    "hold_ended": "the time to pay was over",
    "payment_failed": "the bank refused in the end",
    "payment_refused": "Stripe refused to open the payment",
    "event_cancelled": "the night is cancelled",
}
REFUNDED_BECAUSE = {
    "paid_twice": "it was paid twice",
    "came_too_late": "the money came too late and nothing was left",
    "not_confirmed": "it was paid wrongly and nobody decided otherwise",
    "requested": "asked for",
    "goodwill": "goodwill, the tickets stay",
    "event_cancelled": "the night is cancelled",
    "outside": "made at Stripe, not here",
}
DISPUTES = {
    "warning_needs_response": "the bank asks and waits for an answer; no money moved",
    "warning_under_review": "the bank reads our answer to its question",
    "warning_closed": "the bank's question is closed",
    "needs_response": "the bank took the money and waits for an answer; the tickets are blocked",
    "under_review": "the bank reads our answer; the tickets are blocked",
    "appeal_needs_response": "lost, and an appeal waits for an answer",
    "appeal_under_review": "lost, and the bank reads the appeal",
    "won": "won, the money came back",
    "lost": "lost, the money is gone",
    "prevented": "prevented by a refund",
    "charge_refunded": "ended by a refund",
}
PURPOSES = {
    "kept": "it pays for this order",
    "returned": "it goes back in full",
    "in_review": "it does not fit and waits for a person",
}
TRANSFERS = {
    "accepted": "taken; it has a new code, and this one opens nothing",
    "declined": "declined; it stayed with its holder",
    "taken_back": "the offer was taken back",
    "expired": "nobody took it in time",
    "ended": "the offer ended with the ticket",
}
JOBS = {
    "mail_tickets": "mail with the tickets",
    "mail_settling": "mail that the bank takes its time",
    "mail_review": "mail that the payment is checked",
    "mail_refund": "mail about the refund",
    "alarm": "alarm to MAIL_FROM",
    "mail_cancelled": "mail about the cancellation",
    "mail_disputed": "mail about the dispute",
    "mail_transfer": "mail about a ticket sent on",
    "send_refund": "refund asked of Stripe",
    "end_review": "end of the review",
}
OUTCOMES = {
    "paid": "the order is paid by it",
    "returned": "the money goes back",
    "in_review": "put in review",
    "received_before": "known already",
    "nothing_to_do": "nothing to do",
    "declined": "the bank declined, the buyer may try again",
    "foreign": "another application's or installation's",
    "unknown_order": "no order of this database",
    "ended": "the order ended",
    "waiting": "something else is still open",
    "open": "still open",
    "settling": "waits for the bank",
    "payment_failed": "the bank refused",
    "known": "known already",
    "pending": "refund under way",
    "succeeded": "refund has succeeded",
    "failed": "refund has failed",
    "refunded_outside": "a refund made at Stripe is written down",
    "early_fraud_warning": "the bank warns of fraud",
    "review": "under review by Stripe's checks",
    "review_closed": "the review is closed",
    "dispute_unknown": "a kind of dispute that is not known here",
    **{f"dispute_{status}": words for status, words in DISPUTES.items()},
}


class Told(msgspec.Struct, frozen=True):
    """One thing that happened."""

    at: datetime
    words: str


def tell(story: Story, remark: str | None = None) -> str:
    """The whole story as lines of plain text."""
    order = story.order
    zone = order.time_zone
    paragraphs = [
        _head(story, remark),
        ["What happened", *(f"  {_moment(told.at, zone)}  {told.words}" for told in what_happened(story))],
        ["What is there", *(f"  {line}" for line in what_is_there(story))],
        ["What happens next", *(f"  {line}" for line in what_comes_next(story))],
        ["What you can do", *(f"  {line}" for line in what_to_do(story))],
    ]
    return "\n\n".join("\n".join(lines) for lines in paragraphs)


def tell_list(orders: list[FoundOrder]) -> str:
    """Several orders, a line each."""
    lines = [
        f"  {write_code(one.code):<18} {_moment(one.created_at, one.time_zone)}  {one.quantity:>2} × "
        f"{one.event_title}, {_money(one.total_minor, one.currency)}: {STATUSES[one.status]}"
        for one in orders
    ]
    return "\n".join([f"{len(orders)} orders, newest first (times of each night's venue):", *lines])


def tell_event(event: FoundEvent) -> str:
    """An event that leads to no order, or to several."""
    received = f"{event.received_at:%Y-%m-%d %H:%M:%S} UTC"
    lines = [f"Event {event.id}: {event.type}, received {received}"]
    if event.handled_at is not None:
        lines.append(f"  handled {event.handled_at:%H:%M:%S}: {_outcome(event.outcome)}")
    else:
        lines.append(f"  NOT handled after {event.tries} tries: {event.problem or 'not tried yet'}")
    return "\n".join(lines)


def what_happened(story: Story) -> list[Told]:
    """Everything that has a time, in its order; what came at the same moment stays in the order of causes."""
    told = [
        *_placed(story),
        *(one for attempt in story.attempts for one in _attempt(story, attempt)),
        *(one for event in story.events for one in _event(event)),
        *_money_came(story),
        *_at_the_door(story),
        *_moves(story),
        *_tickets(story),
        *_transfers(story),
        *(one for refund in story.refunds for one in _refund(refund)),
        *_disputes(story),
        *(one for job in story.jobs for one in _job(job)),
    ]
    return sorted(told, key=lambda one: one.at)


def _head(story: Story, remark: str | None) -> list[str]:
    order = story.order
    zone = order.time_zone
    doors = f"doors {write_day(order.doors_at, zone)} {write_time(order.doors_at, zone)}"
    count = f"{order.quantity} ticket{'' if order.quantity == 1 else 's'}"
    lines = [
        f"Order {write_code(order.code)} ({order.code}): {STATUSES[order.status]}",
        f"  {order.event_title}, {order.venue_name}, {order.venue_city}; {doors}"
        + (" - the night is CANCELLED" if order.event_status == "cancelled" else ""),
        f"  {order.email or 'no address'}; {count}, {_money(order.total_minor, order.currency)}",
        f"  order id {order.id}, at Stripe metadata order={order.code}",
        f"  All times: {write_zone(order.now, zone)}; now {_moment(order.now, zone)}",
    ]
    return [*lines, f"  {remark}"] if remark else lines


def _placed(story: Story) -> Iterator[Told]:
    order = story.order
    lines = ", ".join(
        f"{line.quantity} × {line.ticket_type} ({line.release}) at {_money(line.unit_minor, order.currency)}"
        for line in story.lines
    )
    yield Told(order.created_at, f"placed: {lines}; units held")


def _attempt(story: Story, attempt: Attempt) -> Iterator[Told]:
    name = f"payment {attempt.number}" if len(story.attempts) > 1 else "payment"
    zone = story.order.time_zone
    if attempt.turn_at is not None:
        yield Told(attempt.created_at, f"{name}: in line before Stripe, its turn at {_clock(attempt.turn_at, zone)}")
    if attempt.sent_at is not None:
        if attempt.session_id is not None:
            tries = f" after {attempt.tries} calls" if attempt.tries > 1 else ""
            until = f", open until {_clock(attempt.session_expires_at, zone)}" if attempt.session_expires_at else ""
            yield Told(
                attempt.sent_at, f"{name}: opened at Stripe{tries}, session ...{tail(attempt.session_id)}{until}"
            )
        else:
            yield Told(attempt.sent_at, f"{name}: Stripe was called {attempt.tries} times, no session is known")


def _event(event: Event) -> Iterator[Told]:
    told = f"Stripe told {event.type}{_said(event)} ({event.id})"
    if event.handled_at is None:
        failed = f"NOT handled after {event.tries} tries: {event.problem}" if event.problem else "not handled yet"
        yield Told(event.received_at, f"{told}; {failed}")
    elif event.handled_at - event.received_at < AT_ONCE:
        yield Told(event.received_at, f"{told}; {_outcome(event.outcome)}")
    else:
        yield Told(event.received_at, f"{told}; not handled at once")
        tries = f" at try {event.tries + 1}" if event.tries else ""
        yield Told(event.handled_at, f"{event.type} handled{tries}: {_outcome(event.outcome)} ({event.id})")


def _said(event: Event) -> str:
    """Why a payment failed, as Stripe put it."""
    if event.type != "payment_intent.payment_failed":
        return ""
    with suppress(msgspec.DecodeError, KeyError, TypeError, AttributeError):
        error = cast("dict[str, Any]", msgspec.json.decode(event.payload))["data"]["object"]["last_payment_error"]
        reason = error.get("decline_code") or error.get("code")
        return f", {error.get('message')}{f' ({reason})' if reason else ''}"
    return ""


def _money_came(story: Story) -> Iterator[Told]:
    for payment in story.payments:
        amount = _money(payment.amount_minor, payment.currency)
        words = f"{amount} received, {PURPOSES[payment.purpose]} ({payment.payment_intent_id})"
        if payment.fee_minor is not None and payment.fee_currency is not None:
            words += f"; Stripe keeps {_money(payment.fee_minor, payment.fee_currency)} of it"
        yield Told(payment.received_at, words)


def _at_the_door(story: Story) -> Iterator[Told]:
    for sale in story.door_sales:
        how = "paid in cash" if sale.paid_by == "cash" else "by card, on the buyer's own phone"
        yield Told(sale.sold_at, f"sold at the door ({sale.gate}), {how}")
        if sale.voided_at is not None:
            by = f" by {sale.void_by}" if sale.void_by else ""
            yield Told(sale.voided_at, f"the cash was handed back{by}: {sale.void_reason}")


def _moves(story: Story) -> Iterator[Told]:
    order = story.order
    for move in story.moves:
        why = ""
        if move.status in ("expired", "released") and order.ended_reason:
            why = f" ({ENDED_BECAUSE[order.ended_reason]})"
        elif move.status == "in_review" and story.more.review_reason:
            why = f" ({story.more.review_reason})"
        yield Told(move.moved_at, f"order: {STATUSES[move.status]}{why}")


def _tickets(story: Story) -> Iterator[Told]:
    if story.tickets:
        count = len(story.tickets)
        yield Told(story.tickets[0].issued_at, f"{count} ticket{'' if count == 1 else 's'} issued")
    for ticket in story.tickets:
        if ticket.used_at is not None:
            yield Told(ticket.used_at, f"ticket {write_code(ticket.code)} used at the door")


def _transfers(story: Story) -> Iterator[Told]:
    for one in story.transfers:
        ticket = f"ticket {write_code(one.code)}"
        yield Told(one.offered_at, f"{ticket}: offered by {one.from_email} to {one.to_name}, {one.to_email}")
        if one.ended_at is not None:
            yield Told(one.ended_at, f"{ticket}: {TRANSFERS[one.status]}")


def _refund(refund: Refund) -> Iterator[Told]:
    amount = _money(refund.amount_minor, refund.currency)
    said = f": {REFUNDED_BECAUSE.get(refund.reason, refund.reason)}"
    said += f" ({refund.note})" if refund.note else ""
    said += f"; void: {', '.join(write_code(code) for code in refund.void_codes)}" if refund.void_codes else ""
    said += ", USED ones with an override" if refund.override_used else ""
    said += f"; asked for {refund.attempt} times" if refund.attempt > 1 else ""
    yield Told(refund.decided_at, f"refund of {amount} decided{said}")
    if refund.settled_at is not None:
        why = f": {refund.problem}" if refund.problem else ""
        yield Told(refund.settled_at, f"refund of {amount} {refund.status}{why} ({refund.refund_id})")


def _disputes(story: Story) -> Iterator[Told]:
    for dispute in story.disputes:
        amount = _money(dispute.amount_minor, dispute.currency)
        told = f"dispute {dispute.id} of {amount}, {dispute.reason.replace('_', ' ')}"
        yield Told(dispute.noted_at, f"{told}: known here from now on")
        yield Told(dispute.moved_at, f"{told}: {DISPUTES[dispute.status]}")
    for sign in story.fraud_signs:
        name = "early fraud warning" if sign.kind == "early_fraud_warning" else "review"
        yield Told(sign.noted_at, f"{name}: {sign.words.replace('_', ' ')} ({sign.id})")
        if sign.closed_at is not None:
            yield Told(sign.closed_at, f"{name} closed: {sign.closed_reason} ({sign.id})")


def _job(job: Job) -> Iterator[Told]:
    name = JOBS.get(job.name, job.name)
    if job.done_at is not None:
        tries = f" at try {job.tries}" if job.tries > 1 else ""
        yield Told(job.created_at, f"{name}: queued")
        yield Told(job.done_at, f"{name}: {'sent' if _is_mail(job) else 'done'}{tries} (job {job.id})")
    elif job.parked_at is not None:
        yield Told(job.created_at, f"{name}: queued")
        yield Told(job.parked_at, f"{name}: GIVEN UP after {job.tries} tries: {job.problem} (job {job.id})")
    else:
        said = f", {job.tries} tries so far, the last failed: {job.problem}" if job.problem else ""
        yield Told(job.created_at, f"{name}: queued{said} (job {job.id})")


def what_is_there(story: Story) -> Iterator[str]:
    """Tickets, and the books."""
    for ticket in story.tickets:
        holder = f", {ticket.holder}" if ticket.holder else ""
        holder += f" ({ticket.holder_email}, who was sent it)" if ticket.holder_email else ""
        blocked = f", BLOCKED: {ticket.blocked_reason}" if ticket.blocked_reason else ""
        yield f"ticket {write_code(ticket.code)}  {ticket.ticket_type}{holder}: {ticket.status}{blocked}"
        yield from (_kept(one, story.order.time_zone) for one in story.kept if one.number == ticket.number)
    if not story.tickets:
        yield "no tickets"
    for entry in story.ledger:
        side, minor = ("debit", entry.debit_minor) if entry.debit_minor else ("credit", entry.credit_minor)
        yield f"ledger  {entry.posting}: {side} {entry.account} {_money(minor, entry.currency)}"


def _kept(kept: Kept, time_zone: str) -> str:
    places = [f"{kept.phones} phone{'' if kept.phones == 1 else 's'} with Apple Wallet"] if kept.phones else []
    if kept.google_since is not None:
        places.append(f"offered to Google Wallet {_moment(kept.google_since, time_zone)}")
    void = "" if kept.newest else ", void: the ticket was reissued since"
    return f"  pass    {', '.join(places)}{void}"


def what_comes_next(story: Story) -> list[str]:
    """What happens by itself, and when."""
    zone = story.order.time_zone
    coming = sorted([*_order_next(story), *_calls_next(story)], key=lambda one: one.at)
    lines = [f"{_moment(one.at, zone)}  {one.words}" for one in coming]
    if any(refund.status == "pending" for refund in story.refunds):
        lines.append("Stripe or the bank settles the refund; cards take 5 to 10 days")
    return lines or ["nothing: it is finished"]


def _order_next(story: Story) -> Iterator[Told]:
    order = story.order
    if order.status in ("held", "paying"):
        words = "unless paid by then, sessions are ended and the units go back"
        yield Told(order.held_until, words + _overdue(story, order.held_until))
    if order.status == "settling" and order.settle_until:
        yield Told(order.settle_until, "unless the bank has paid by then, the units go back")


def _calls_next(story: Story) -> Iterator[Told]:
    for attempt in story.attempts:
        if attempt.status == "sending" and attempt.next_try_at:
            yield Told(attempt.next_try_at, f"Stripe is called again ({attempt.problem or 'no answer yet'})")
    for dispute in story.disputes:
        if dispute.answer_by is not None and dispute.status.endswith("needs_response"):
            yield Told(dispute.answer_by, f"dispute {dispute.id} is lost unless answered in Stripe's Dashboard by then")
    for event in story.events:
        if event.handled_at is None:
            yield Told(event.next_try_at, f"{event.type} is worked again{_overdue(story, event.next_try_at)}")
    for job in story.jobs:
        if job.done_at is None and job.parked_at is None:
            yield Told(job.run_at, f"{JOBS.get(job.name, job.name)}{_overdue(story, job.run_at)}")


def _overdue(story: Story, at: datetime) -> str:
    return " (overdue: does the worker run?)" if at < story.order.now - LATE else ""


def what_to_do(story: Story) -> Iterator[str]:
    """What a support person can do, the most pressing first."""
    hints = [*_alarming(story), *_usual(story)]
    yield from hints or ["Nothing needs doing."]


def _alarming(story: Story) -> Iterator[str]:
    order = story.order
    overdue = order.status in ("held", "paying") and order.held_until < order.now - LATE
    waiting = [job for job in story.jobs if not job.done_at and not job.parked_at and job.run_at < order.now - LATE]
    if overdue or waiting:
        yield "Something is overdue: run `boxoffice doctor`, and start `boxoffice worker`."
    if any(event.handled_at is None and event.problem for event in story.events):
        yield "An event could not be worked: its error stands above; search the log for its id and mend the cause."
    if any(refund.status == "failed" for refund in story.refunds):
        yield (
            f"A refund failed and the money is back with you: `boxoffice refund {order.code} --again`, "
            "or pay the buyer another way."
        )
    if any(dispute.status.endswith("needs_response") for dispute in story.disputes):
        yield "A bank waits for an answer: see Disputes in Stripe's Dashboard. Who came in, and when, is evidence."
    if any(sign.closed_at is None for sign in story.fraud_signs):
        yield f"Is the buyer known to you? A refund now may save a dispute: `boxoffice refund {order.code}`."
    if any(job.parked_at and _is_mail(job) for job in story.jobs):
        yield f"Mail to {order.email} was given up: is the address right? Give the buyer the tickets' codes above."


def _usual(story: Story) -> Iterator[str]:
    order = story.order
    match order.status:
        case "held" | "paying":
            yield "If the buyer says it is paid, look again in two minutes: the worker asks Stripe itself."
            yield "Nothing is charged twice by waiting, and nothing is lost."
        case "settling":
            yield "Tell the buyer that the bank takes its time; nothing needs paying again."
        case "in_review":
            yield "Compare the payment at Stripe with this order. Undecided, it is refunded in full after 24 hours."
        case "expired" | "released":
            if any(payment.purpose == "returned" for payment in story.payments):
                yield "The money went back; the buyer may order anew."
            else:
                yield "No money reached this order. A charge on the buyer's account is a reservation that lapses, or"
                yield "belongs to another order: `boxoffice order` with the address, or with the payment's id (pi_...)."
        case "paid" if any(sale.paid_by == "cash" for sale in story.door_sales):
            yield "It was paid in cash at the door. To give it back, hand it over and book it:"
            yield f"`boxoffice door give-back {order.code} --reason TEXT`."
        case "paid" | "part_refunded" if not order.email:
            yield "No address is known, so nothing is mailed: the guest's name is enough at the door."
        case "paid" | "part_refunded":
            yield from _usual_of_paid(story)
        case "refunded":
            yield "Tell the buyer when the refund was sent: cards take 5 to 10 days to show it."
        case _:
            pass


def _usual_of_paid(story: Story) -> Iterator[str]:
    order = story.order
    if any(payment.purpose == "returned" for payment in story.payments):
        yield "It was paid twice: the second payment goes back in full, the tickets stay."
    sent = any(job.name == "mail_tickets" and job.done_at for job in story.jobs)
    said = "was handed to the mail server: look into spam, at the address's spelling" if sent else "is not sent yet"
    yield f"The mail with the tickets {said}."
    yield f"The buyer also finds them at /tickets, signed in with {order.email}."
    yield f"To give money back: `boxoffice refund {order.code} --dry-run` shows what it would do."
    if any(one.status == "offered" for one in story.transfers):
        yield "A ticket is offered to somebody: its holder can take that back on the ticket's page."


LATE = timedelta(minutes=3)
AT_ONCE = timedelta(seconds=5)


def _is_mail(job: Job) -> bool:
    return job.name.startswith("mail_") or job.name == "alarm"


def _outcome(outcome: str | None) -> str:
    words = (outcome or "").split(",")
    return "; ".join(OUTCOMES.get(word, word) for word in words)


def _money(minor: int, currency: str) -> str:
    return write_money(minor, currency) if minor else "free"


def _moment(moment: datetime, time_zone: str) -> str:
    return f"{moment.astimezone(ZoneInfo(time_zone)):%Y-%m-%d %H:%M:%S}"


def _clock(moment: datetime, time_zone: str) -> str:
    return f"{moment.astimezone(ZoneInfo(time_zone)):%H:%M:%S}"
