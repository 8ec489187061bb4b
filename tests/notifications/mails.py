"""One mail of each kind, with whatever names a test wants in them."""

from datetime import UTC, datetime

from boxoffice.foundation.mail import Mail
from boxoffice.notifications.emails import (
    CancelledMail,
    DisputedMail,
    RefundMail,
    RefundReason,
    ReviewMail,
    SettlingMail,
    TicketLine,
    TicketsMail,
    alarm_mail,
    cancelled_mail,
    disputed_mail,
    login_mail,
    refund_mail,
    review_mail,
    settling_mail,
    tickets_mail,
)

BASE = "https://tickets.example.org"
ORDER_LINK = f"{BASE}/orders/7K3F9QXW2M4T?access=tQ5bX0y_2vJw&x=1"
LOGIN_LINK = f"{BASE}/sign-in/link#u0Jp-4Yh3lq0Zq3sVw1nG7tB9xK2mD5c"
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
    )


def refund(title: str, reason: RefundReason) -> RefundMail:
    return RefundMail(EMAIL, "7K3F9QXW2M4T", ORDER_LINK, SLUG, title, "eur", 3300, reason)


def disputed(title: str, state: str) -> DisputedMail:
    return DisputedMail(EMAIL, "7K3F9QXW2M4T", ORDER_LINK, SLUG, title, state, ("7K3F1M8Q2XWV",))


def cancelled(title: str, *, night: bool, codes: tuple[str, ...]) -> CancelledMail:
    return CancelledMail(
        EMAIL, "7K3F9QXW2M4T", ORDER_LINK, title, SLUG, night_cancelled=night, cancelled_reason=title, void_codes=codes
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
    mails |= {
        "cancelled-night": cancelled_mail(cancelled(title, night=True, codes=())),
        "cancelled-tickets": cancelled_mail(cancelled(title, night=False, codes=("7K3F1M8Q2XWV",))),
    }
    return mails | {f"refund-{reason}": refund_mail(refund(title, reason)) for reason in RefundReason}
