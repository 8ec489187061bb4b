"""Every mail the box office sends. Each function turns what happened into a `Mail`: subject, plain text and HTML.

Whatever comes from people is shown as they wrote it, on one line, unable to become markup or to turn around what stands
beside it.
"""

import re
import unicodedata
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from urllib.parse import urlsplit

import msgspec
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from boxoffice.catalogue.palettes import HOUSE, Palette, palette_of
from boxoffice.foundation.mail import Attachment, Mail
from boxoffice.foundation.person_name import DIRECTION
from boxoffice.foundation.written import write_code, write_day, write_money, write_time, write_zone

SUBJECT_LENGTH_MAX = 90
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")
_ISOLATED = "\u2068{}\u2069"


class TicketLine(msgspec.Struct, frozen=True):
    """One ticket as its holder shows it."""

    code: str
    ticket_type: str
    holder: str
    """Empty: nobody was named."""
    admits: int = 1
    rule: str = ""
    """What is special about coming in with it, as `rule_words` says it."""


class TicketsMail(msgspec.Struct, frozen=True):
    """An order that is paid. `time_zone` is the event's IANA zone, `total_minor` in minor units of `currency`."""

    email: str
    order_code: str
    order_link: str
    my_tickets_link: str
    event_slug: str
    event_title: str
    doors_at: datetime
    starts_at: datetime
    time_zone: str
    venue_name: str
    venue_address: str
    currency: str
    total_minor: int
    tickets: tuple[TicketLine, ...]
    attachments: tuple[Attachment, ...] = ()
    takes_paper: bool = True
    """Whether the door takes codes that stay, as this mail has them."""
    apple_wallet_link: str = ""
    """Empty, like the next: nothing is offered."""
    google_wallet_link: str = ""


class RefundReason(StrEnum):
    """Why money goes back: the words of `refund.reason` in the database."""

    CAME_TOO_LATE = "came_too_late"
    """The payment arrived after the hold had ended, and no tickets were left."""
    PAID_TWICE = "paid_twice"
    """One order, two payments: the tickets stay."""
    NOT_CONFIRMED = "not_confirmed"
    """The payment was reviewed and could not be matched with the order."""
    REQUESTED = "requested"
    """The organiser refunds the order or some of its tickets."""
    GOODWILL = "goodwill"
    """The organiser gives a part of the money back; the tickets stay."""
    EVENT_CANCELLED = "event_cancelled"
    """The night does not take place."""
    OUTSIDE = "outside"
    """The refund was made at Stripe."""


class RefundMail(msgspec.Struct, frozen=True):
    """Money that was sent back."""

    email: str
    order_code: str
    order_link: str
    event_slug: str
    event_title: str
    currency: str
    refunded_minor: int
    reason: RefundReason
    void_codes: tuple[str, ...] = ()
    """Codes of tickets that no longer open the door because of it."""
    tickets_left: int = 0
    """Tickets of the order that still open the door."""
    note: str = ""
    """Why, in the organiser's words."""


class CancelledMail(msgspec.Struct, frozen=True):
    """Tickets, or an order that was not paid, that ended without money to give back."""

    email: str
    order_code: str
    order_link: str
    event_title: str
    event_slug: str
    night_cancelled: bool
    cancelled_reason: str
    void_codes: tuple[str, ...]


class DisputedMail(msgspec.Struct, frozen=True):
    """Tickets whose payment the buyer's bank took back. `state`: `blocked` until that is decided, then `valid` again or
    `cancelled` for good."""

    email: str
    order_code: str
    order_link: str
    event_slug: str
    event_title: str
    state: str
    codes: tuple[str, ...]


class SettlingMail(msgspec.Struct, frozen=True):
    """An order whose payment the bank has yet to settle; its tickets are kept until `held_until`."""

    email: str
    order_code: str
    order_link: str
    event_slug: str
    event_title: str
    held_until: datetime
    time_zone: str
    currency: str
    total_minor: int


class ReviewMail(msgspec.Struct, frozen=True):
    """An order whose payment is being checked by a person; unless decided, it is refunded after a day."""

    email: str
    order_code: str
    order_link: str
    event_slug: str
    event_title: str
    currency: str
    total_minor: int


class TransferMail(msgspec.Struct, frozen=True):
    """A ticket that is sent on. `state`: `offered`, `taken_back` or `ended` (to its receiver), `expired`, `declined` or
    `accepted` (to its sender), `yours`, and later `blocked`, `valid` again or `void` (to its new holder).

    `ticket` names its new holder; its code is the new one when it is `yours`. `until`: when it may last be taken.
    """

    email: str
    state: str
    link: str
    my_tickets_link: str
    event_slug: str
    event_title: str
    doors_at: datetime
    starts_at: datetime
    until: datetime
    time_zone: str
    venue_name: str
    venue_address: str
    from_name: str
    from_email: str
    to_name: str
    to_email: str
    ticket: TicketLine
    night_cancelled: bool = False
    attachments: tuple[Attachment, ...] = ()
    takes_paper: bool = True
    apple_wallet_link: str = ""
    """Empty, like the next: nothing is offered."""
    google_wallet_link: str = ""


TRANSFER_SUBJECTS = {
    "offered": "A ticket for you",
    "taken_back": "Taken back",
    "ended": "Not any more",
    "expired": "Nobody took your ticket",
    "declined": "Declined",
    "accepted": "Sent on",
    "yours": "Your ticket",
    "blocked": "Blocked",
    "valid": "Valid again",
    "void": "No longer valid",
}


def login_mail(email: str, code: str, link: str, base_url: str) -> Mail:
    """The code to type and the link to open, both in the browser that asked."""
    return _mail("login", email, "Your sign-in code", HOUSE, code=code, link=link, host=_host(base_url))


def tickets_mail(order: TicketsMail) -> Mail:
    """The tickets of a paid order. Its link opens them without signing in."""
    count = "Your ticket" if len(order.tickets) == 1 else f"Your {len(order.tickets)} tickets"
    return _mail(
        "tickets",
        order.email,
        f"{count}: {order.event_title}",
        palette_of(order.event_slug),
        order.attachments,
        order=order,
        count=count,
        doors_day=write_day(order.doors_at, order.time_zone),
        doors=write_time(order.doors_at, order.time_zone),
        starts_day=write_day(order.starts_at, order.time_zone),
        starts=write_time(order.starts_at, order.time_zone),
        zone=write_zone(order.starts_at, order.time_zone),
        total=write_money(order.total_minor, order.currency) if order.total_minor else "Free",
    )


def refund_mail(refund: RefundMail) -> Mail:
    """How much went back, why, what that means for the tickets, and when it arrives."""
    amount = write_money(refund.refunded_minor, refund.currency)
    night = palette_of(refund.event_slug)
    return _mail("refund", refund.email, f"Refund: {refund.event_title}", night, order=refund, amount=amount)


def cancelled_mail(order: CancelledMail) -> Mail:
    """The night, or tickets of it, are cancelled and there is nothing to pay back."""
    what = order.event_title if order.night_cancelled else f"Tickets for {order.event_title}"
    return _mail("cancelled", order.email, f"Cancelled: {what}", palette_of(order.event_slug), order=order)


def disputed_mail(order: DisputedMail) -> Mail:
    """What a bank's taking the payment back means for the tickets, and what the buyer can do."""
    what = {"blocked": "Blocked", "valid": "Valid again", "cancelled": "Cancelled"}[order.state]
    subject = f"{what}: tickets for {order.event_title}"
    return _mail("disputed", order.email, subject, palette_of(order.event_slug), order=order)


def transfer_mail(sent: TransferMail) -> Mail:
    """What happened to a ticket on its way from one holder to the next, and what to do."""
    return _mail(
        "transfer",
        sent.email,
        f"{TRANSFER_SUBJECTS[sent.state]}: {sent.event_title}",
        palette_of(sent.event_slug),
        sent.attachments,
        sent=sent,
        word=TRANSFER_SUBJECTS[sent.state],
        doors_day=write_day(sent.doors_at, sent.time_zone),
        doors=write_time(sent.doors_at, sent.time_zone),
        starts_day=write_day(sent.starts_at, sent.time_zone),
        starts=write_time(sent.starts_at, sent.time_zone),
        until_day=write_day(sent.until, sent.time_zone),
        until=write_time(sent.until, sent.time_zone),
        zone=write_zone(sent.starts_at, sent.time_zone),
    )


def settling_mail(order: SettlingMail) -> Mail:
    """The bank is still at it: nothing to do, and until when the tickets are kept."""
    return _mail(
        "settling",
        order.email,
        f"Payment on its way: {order.event_title}",
        palette_of(order.event_slug),
        order=order,
        total=write_money(order.total_minor, order.currency),
        until_day=write_day(order.held_until, order.time_zone),
        until=write_time(order.held_until, order.time_zone),
        zone=write_zone(order.held_until, order.time_zone),
    )


def review_mail(order: ReviewMail) -> Mail:
    """The payment is being checked: nothing to do, and nothing to buy again."""
    total = write_money(order.total_minor, order.currency)
    subject = f"We are checking your payment: {order.event_title}"
    return _mail("review", order.email, subject, palette_of(order.event_slug), order=order, total=total)


def alarm_mail(email: str, text: str, base_url: str) -> Mail:
    """Something the operator must know, as plain text; the subject is how it begins."""
    body = TEMPLATES.get_template("alarm.txt").render(text=text, host=_host(base_url))
    return Mail(email, _short(f"Alarm: {text}"), body, "")


def _mail(
    template: str,
    to: str,
    subject: str,
    night: Palette,
    attachments: tuple[Attachment, ...] = (),
    **values: object,
) -> Mail:
    text = TEMPLATES.get_template(f"{template}.txt").render(values)
    html = TEMPLATES.get_template(f"{template}.html").render(values, night=night)
    return Mail(to, _short(subject), text, html, attachments)


def _short(subject: str) -> str:
    line = one_line(subject)
    return line if len(line) <= SUBJECT_LENGTH_MAX else f"{line[: SUBJECT_LENGTH_MAX - 1].rstrip()}…"


def _host(link: str) -> str:
    return urlsplit(link).netloc


def one_line(text: str) -> str:
    """The text on one line, without control characters and without those that set a direction."""
    return " ".join(_UNPRINTABLE.sub(" ", DIRECTION.sub("", text)).split())


def _as_written(value: object) -> object:
    """Every value that a template prints passes here; what a template itself made (Markup) stays."""
    if type(value) is not str:
        return value
    line = one_line(value)
    turns = any(unicodedata.bidirectional(character) in ("R", "AL", "AN") for character in line)
    return _ISOLATED.format(line) if turns else line


TEMPLATES = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=select_autoescape(enabled_extensions=("html",), default=False),
    undefined=StrictUndefined,
    finalize=_as_written,
    trim_blocks=True,
    lstrip_blocks=True,
)
TEMPLATES.filters |= {"host": _host, "code": write_code}
