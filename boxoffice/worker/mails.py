"""The mails that jobs send: the order is read as it is when the mail goes out, under the job's id."""

from urllib.parse import quote
from uuid import UUID

import msgspec

from boxoffice.accounts.login import KNOWN_ALONE, mail_of_login
from boxoffice.box import BoxOffice
from boxoffice.edge.ticket_paper import cards_to_print, file_name, printed, to_print
from boxoffice.edge.wallet_passes import wallets_of
from boxoffice.foundation import logs
from boxoffice.foundation.db import Query
from boxoffice.foundation.jobs import Job
from boxoffice.foundation.letters_of_fonts import fonts_built
from boxoffice.foundation.mail import Attachment, Mail
from boxoffice.foundation.typeset import NotSetHere
from boxoffice.notifications.emails import (
    CancelledMail,
    DisputedMail,
    RefundMail,
    RefundReason,
    ReviewMail,
    SettlingMail,
    TicketLine,
    TicketsMail,
    TransferMail,
    alarm_mail,
    cancelled_mail,
    disputed_mail,
    login_mail,
    refund_mail,
    review_mail,
    settling_mail,
    tickets_mail,
    transfer_mail,
)
from boxoffice.orders.access import access_token
from boxoffice.orders.order import OrderView, show_order
from boxoffice.tickets.ticket import OPENS_THE_DOOR, rule_words
from boxoffice.tickets.transfer import Transfer, holder_token, offer_token, transfer_of


class _Refund(msgspec.Struct, frozen=True):
    status: str
    reason: str
    amount_minor: int
    note: str
    void_codes: list[str]


ATTACHED_TICKETS_MAX = 10
TO_SENDER = ("accepted", "declined", "expired")
"""What whoever sent a ticket on is told; the rest goes to its receiver."""

KNOWN = Query(
    bool,
    """
SELECT EXISTS (SELECT FROM person WHERE email = $1) OR EXISTS (SELECT FROM ticket WHERE holder_email = $1)
  OR EXISTS (SELECT FROM orders WHERE email = $1
  AND status IN ('settling', 'in_review', 'paid', 'part_refunded', 'refunded'))
""",
)
CODE = Query(str, "SELECT code FROM orders WHERE event_id = $1 AND id = $2")
REFUND = Query(
    _Refund,
    """
SELECT status, reason, amount_minor, note,
  ARRAY(SELECT coalesce(old_code, code) FROM ticket
    LEFT JOIN sent_on ON sent_on.event_id = ticket.event_id AND sent_on.ticket_id = ticket.id
    WHERE ticket.event_id = $1 AND ticket.refund_id = $2 ORDER BY number) AS void_codes
FROM refund WHERE event_id = $1 AND id = $2
""",
)
CANCELLED_BECAUSE = Query(str, "SELECT reason FROM cancellation WHERE event_id = $1")


async def send_login(box: BoxOffice, job: Job) -> None:
    """Code and link to sign in with; nothing once they have been used or are over, or to a stranger in a crowd."""
    async with box.db.transaction() as connection:
        login = await mail_of_login(connection, box.settings.secret_key, UUID(job.argument("login_id")))
        if login is None:
            return
        if job.says("to", KNOWN_ALONE) and not await KNOWN.first(connection, login.email):
            logs.info("no sign-in mail to an unknown address: too many are asked for from its network")
            return
    link = f"{box.settings.base_url}/tickets/link?s={login.link_secret}"
    await _send(box, job, login_mail(login.email, login.code, link, box.settings.base_url))


async def send_tickets(box: BoxOffice, job: Job) -> None:
    """The tickets of a paid order, those that open the door; nothing when none does."""
    view, link = await _order(box, job)
    order = view.order
    tickets = [one for one in view.tickets if one.status in OPENS_THE_DOOR]
    if not tickets:
        return
    # Of more than go there at once the order's page offers them in parts.
    offered = wallets_of(box.settings) if order.takes_paper else []
    wallets = {one.name for one in offered if len(tickets) <= one.part_size}
    mail = tickets_mail(
        TicketsMail(
            email=order.email,
            order_code=order.code,
            order_link=link,
            my_tickets_link=f"{box.settings.base_url}/tickets",
            event_slug=order.event_slug,
            event_title=order.event_title,
            doors_at=order.doors_at,
            starts_at=order.starts_at,
            time_zone=order.time_zone,
            venue_name=order.venue_name,
            venue_address=f"{order.venue_address}, {order.venue_city}",
            currency=order.currency,
            total_minor=order.total_minor,
            tickets=tuple(
                TicketLine(
                    one.code,
                    one.ticket_type,
                    one.holder,
                    one.admits,
                    rule_words(one.admits, one.last_entry_at, order.time_zone),
                )
                for one in tickets
            ),
            attachments=await _on_paper(box, [one.code for one in tickets]) if order.takes_paper else (),
            takes_paper=order.takes_paper,
            apple_wallet_link=_in_wallet(link, "tickets.pkpasses") if "apple" in wallets else "",
            google_wallet_link=_in_wallet(link, "google-wallet") if "google" in wallets else "",
        )
    )
    await _send(box, job, mail)


async def send_settling(box: BoxOffice, job: Job) -> None:
    """The bank takes its time; nothing to send once it has answered."""
    view, link = await _order(box, job)
    order = view.order
    if order.status != "settling" or order.settle_until is None:
        return
    mail = SettlingMail(
        email=order.email,
        order_code=order.code,
        order_link=link,
        event_slug=order.event_slug,
        event_title=order.event_title,
        held_until=order.settle_until,
        time_zone=order.time_zone,
        currency=order.currency,
        total_minor=order.total_minor,
    )
    await _send(box, job, settling_mail(mail))


async def send_review(box: BoxOffice, job: Job) -> None:
    """The payment is looked at by a person."""
    view, link = await _order(box, job)
    order = view.order
    mail = ReviewMail(
        order.email, order.code, link, order.event_slug, order.event_title, order.currency, order.total_minor
    )
    await _send(box, job, review_mail(mail))


async def send_refund_mail(box: BoxOffice, job: Job) -> None:
    """Money is going back, and why; nothing when it turned out that it is not."""
    view, link = await _order(box, job)
    key = (UUID(job.argument("event_id")), UUID(job.argument("refund_id")))
    async with box.db.transaction() as connection:
        refund = await REFUND.first(connection, *key)
    assert refund is not None
    if refund.status == "dropped":
        return
    order = view.order
    mail = RefundMail(
        order.email,
        order.code,
        link,
        order.event_slug,
        order.event_title,
        order.currency,
        refund.amount_minor,
        RefundReason(refund.reason),
        void_codes=tuple(refund.void_codes),
        tickets_left=sum(one.status in (*OPENS_THE_DOOR, "sent_on") for one in view.tickets),
        note=refund.note,
    )
    await _send(box, job, refund_mail(mail))


async def send_cancelled(box: BoxOffice, job: Job) -> None:
    """Tickets, or an unpaid order, that ended with no money to give back."""
    view, link = await _order(box, job)
    order = view.order
    async with box.db.transaction() as connection:
        because = await CANCELLED_BECAUSE.first(connection, order.event_id)
    mail = CancelledMail(
        order.email,
        order.code,
        link,
        order.event_title,
        order.event_slug,
        night_cancelled=order.event_status == "cancelled",
        cancelled_reason=because or "",
        void_codes=tuple(job.argument("codes").split()),
    )
    await _send(box, job, cancelled_mail(mail))


async def send_disputed(box: BoxOffice, job: Job) -> None:
    """Tickets whose payment a bank took back, or gave back; nothing when that is no longer how they stand."""
    view, link = await _order(box, job)
    order, state = view.order, job.argument("state")
    stands = {
        "blocked": [one.code for one in view.tickets if one.blocked_reason == "disputed"],
        "valid": [one.code for one in view.tickets if one.status in (*OPENS_THE_DOOR, "sent_on")],
        "cancelled": [one.code for one in view.tickets if one.blocked_reason == "dispute_lost"],
    }
    if codes := stands[state]:
        mail = DisputedMail(order.email, order.code, link, order.event_slug, order.event_title, state, tuple(codes))
        await _send(box, job, disputed_mail(mail))


async def send_transfer(box: BoxOffice, job: Job) -> None:
    """What happened to a ticket that is sent on, to its sender or its receiver; nothing when that is no longer so."""
    state = job.argument("state")
    async with box.db.transaction() as connection:
        sent = await transfer_of(connection, UUID(job.argument("event_id")), UUID(job.argument("transfer_id")))
    if not _still_so(sent, state):
        return
    link = _transfer_link(box, sent, state)
    keeps = state == "yours" and sent.takes_paper
    wallets = {one.name for one in wallets_of(box.settings)} if keeps else set[str]()
    mail = TransferMail(
        email=sent.from_email if state in TO_SENDER else sent.to_email,
        state=state,
        link=link,
        my_tickets_link=f"{box.settings.base_url}/tickets",
        event_slug=sent.event_slug,
        event_title=sent.event_title,
        doors_at=sent.doors_at,
        starts_at=sent.starts_at,
        until=sent.until,
        time_zone=sent.time_zone,
        venue_name=sent.venue_name,
        venue_address=f"{sent.venue_address}, {sent.venue_city}",
        from_name=sent.from_name,
        from_email=sent.from_email,
        to_name=sent.to_name,
        to_email=sent.to_email,
        ticket=TicketLine(
            sent.code if state == "yours" else sent.old_code, sent.ticket_type, sent.to_name, sent.admits, sent.rule
        ),
        night_cancelled=sent.event_status == "cancelled",
        attachments=await _on_paper(box, [sent.code]) if keeps else (),
        takes_paper=sent.takes_paper,
        apple_wallet_link=_in_wallet(link, "ticket.pkpass") if "apple" in wallets else "",
        google_wallet_link=_in_wallet(link, "google-wallet") if "google" in wallets else "",
    )
    await _send(box, job, transfer_mail(mail))


def _still_so(sent: Transfer, state: str) -> bool:
    match state:
        case "offered":
            return sent.is_open
        case "yours" | "valid":
            opens = sent.ticket_status in OPENS_THE_DOOR and sent.blocked_reason is None
            return opens and sent.holder_email == sent.to_email
        case "blocked":
            return sent.blocked_reason is not None
        case _:
            return True


def _transfer_link(box: BoxOffice, sent: Transfer, state: str) -> str:
    key = box.settings.secret_key
    if state == "offered":
        path = f"/tickets/offers/{sent.event_id}/{sent.id}?t={offer_token(key, sent.event_id, sent.id)}"
    elif state in ("yours", "valid", "blocked"):
        path = f"/tickets/{quote(sent.code, safe='~')}?t={holder_token(key, sent.event_id, sent.code)}"
    elif state in TO_SENDER:
        path = f"/tickets/{quote(sent.old_code, safe='~')}"
    else:
        path = f"/events/{sent.event_slug}"
    return box.settings.base_url + path


async def send_alarm(box: BoxOffice, job: Job) -> None:
    """Something that a person must look at, to the box office's own address."""
    await _send(box, job, alarm_mail(box.settings.operator_email, job.argument("text"), box.settings.base_url))


async def _on_paper(box: BoxOffice, codes: list[str]) -> tuple[Attachment, ...]:
    """The PDF for a mail, while it is small and can be made here: no mail fails for want of its paper."""
    if not fonts_built() or not codes or len(codes) > ATTACHED_TICKETS_MAX:
        return ()
    async with box.db.transaction() as connection:
        tickets = await to_print(connection, box, await cards_to_print(connection, codes))
    try:
        content = await printed(box, tickets)
    except (NotSetHere, RuntimeError) as problem:  # typst's errors are RuntimeErrors
        logs.error("a mail goes without its tickets on paper", problem=problem)
        return ()
    return (Attachment(file_name(tickets[0].card, several=len(tickets) > 1), "application/pdf", content),)


def _in_wallet(link: str, what: str) -> str:
    """The address beside an order's or a ticket's own, opened by the same token."""
    address, _, query = link.partition("?")
    return f"{address}/{what}?{query}"


async def _order(box: BoxOffice, job: Job) -> tuple[OrderView, str]:
    async with box.db.transaction() as connection:
        code = await CODE.first(connection, UUID(job.argument("event_id")), UUID(job.argument("order_id")))
        assert code is not None
        logs.note(order=code)
        view = await show_order(connection, code)
    token = access_token(box.settings.secret_key, view.order)
    return view, f"{box.settings.base_url}/orders/{code}?t={token}"


async def _send(box: BoxOffice, job: Job, mail: Mail) -> None:
    if not mail.to:  # a guest who is known by name alone
        return
    await box.mailer.send(mail, job.id)
