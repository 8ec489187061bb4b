"""One mail of each kind, with whatever names a test wants in them."""

from datetime import UTC, datetime

from msgspec.structs import replace

from boxoffice.foundation.mail import Mail
from boxoffice.notifications.emails import (
    TRANSFER_SUBJECTS,
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

BASE = "https://tickets.example.org"
ORDER_LINK = f"{BASE}/orders/7K3F9QXW2M4T?access=tQ5bX0y_2vJw&x=1"
WALLET_LINKS = tuple(f"{BASE}/orders/7K3F9QXW2M4T/{what}?t=a&x=1" for what in ("tickets.pkpasses", "google-wallet"))
LOGIN_LINK = f"{BASE}/sign-in/link#u0Jp-4Yh3lq0Zq3sVw1nG7tB9xK2mD5c"
CODES = ("7K3F0M8Q2XWV", "7K3F1M8Q2XWV")
SLUG = "kesselhaus-opening"
EMAIL = "anna@example.net"
DOORS = datetime(2026, 12, 4, 21, 0, tzinfo=UTC)
STARTS = datetime(2026, 12, 4, 22, 0, tzinfo=UTC)


def tickets(title: str, holders: tuple[str, ...], total_minor: int = 3300, starts_at: datetime = STARTS) -> TicketsMail:
    lines = tuple(
        TicketLine(f"7K3F{number}M8Q2XWV", "Entry" if number else "Early bird", holder)
        for number, holder in enumerate(holders)
    )
    return TicketsMail(
        email=EMAIL,
        order_code="7K3F9QXW2M4T",
        order_link=ORDER_LINK,
        my_tickets_link=f"{BASE}/tickets",
        event_slug=SLUG,
        event_title=title,
        doors_at=DOORS,
        starts_at=starts_at,
        time_zone="Europe/Berlin",
        venue_name="Keller Drei",
        venue_address="Hafenweg 3, 20359 Hamburg",
        currency="eur",
        total_minor=total_minor,
        tickets=lines,
        apple_wallet_link=WALLET_LINKS[0],
        google_wallet_link=WALLET_LINKS[1],
    )


def refund(title: str, reason: RefundReason) -> RefundMail:
    return RefundMail(EMAIL, "7K3F9QXW2M4T", ORDER_LINK, SLUG, title, "eur", 3300, reason)


def disputed(title: str, state: str) -> DisputedMail:
    return DisputedMail(EMAIL, "7K3F9QXW2M4T", ORDER_LINK, SLUG, title, state, ("7K3F1M8Q2XWV",))


def cancelled(title: str, *codes: str, night: bool = True) -> CancelledMail:
    reason = "The canal is in the machine room." if night else ""
    return CancelledMail(EMAIL, "7K3F9QXW2M4T", ORDER_LINK, title, SLUG, night, reason, codes)


def transfer(title: str, state: str, holder: str) -> TransferMail:
    return TransferMail(
        email=EMAIL,
        state=state,
        link=f"{BASE}/tickets/offers/0192/0193?t=u0Jp-4Yh3lq0Zq3sVw1nG7tB9xK2mD5c",
        my_tickets_link=f"{BASE}/tickets",
        event_slug=SLUG,
        event_title=title,
        doors_at=DOORS,
        starts_at=STARTS,
        until=DOORS,
        time_zone="Europe/Berlin",
        venue_name="Keller Drei",
        venue_address="Hafenweg 3, 20359 Hamburg",
        from_name=holder,
        from_email="mara@example.org",
        to_name=holder,
        to_email=EMAIL,
        ticket=TicketLine(CODES[0], "Entry", holder),
    )


def every_mail(title: str, holders: tuple[str, ...]) -> dict[str, Mail]:
    mails = {
        "login": login_mail(EMAIL, "483920", LOGIN_LINK, BASE),
        "tickets": tickets_mail(tickets(title, holders)),
        "settling": settling_mail(
            SettlingMail(EMAIL, "7K3F9QXW2M4T", ORDER_LINK, SLUG, title, DOORS, "Europe/Berlin", "eur", 3300)
        ),
        "review": review_mail(ReviewMail(EMAIL, "7K3F9QXW2M4T", ORDER_LINK, SLUG, title, "eur", 3300)),
        "alarm": alarm_mail("ops@example.org", f"Order of {holders[0]} for {title}: amounts differ.", BASE),
    }
    mails |= {f"disputed-{state}": disputed_mail(disputed(title, state)) for state in ("blocked", "valid", "cancelled")}
    one = replace(refund(title, RefundReason.REQUESTED), void_codes=(CODES[0],), tickets_left=1, note="See you in May.")
    mails |= {
        "cancelled-unpaid": cancelled_mail(cancelled(title)),
        "cancelled-free": cancelled_mail(cancelled(title, *CODES)),
        "cancelled-tickets": cancelled_mail(cancelled(title, *CODES, night=False)),
        "refund-of-a-ticket": refund_mail(one),
        "refund-of-a-cancelled-night": refund_mail(
            replace(
                refund(title, RefundReason.EVENT_CANCELLED), void_codes=CODES, note="The canal is in the machine room."
            )
        ),
    }
    mails |= {f"transfer-{state}": transfer_mail(transfer(title, state, holders[0])) for state in TRANSFER_SUBJECTS}
    for state in ("offered", "yours"):
        table = transfer(title, state, holders[0])
        table = replace(table, ticket=replace(table.ticket, admits=6, rule="For 6 people, entry until 00:30"))
        mails[f"transfer-{state}-table"] = transfer_mail(table)
    off = replace(transfer(title, "void", holders[0]), night_cancelled=True)
    mails["transfer-void-night-cancelled"] = transfer_mail(off)
    return mails | {f"refund-{reason}": refund_mail(refund(title, reason)) for reason in RefundReason}
