"""What the templates show of a session."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from stripe_simulator import money
from stripe_simulator.payments import cards
from stripe_simulator.store.record import Record

Json = dict[str, Any]

SUBMIT_WORDS = {"book": "Book", "donate": "Donate", "subscribe": "Subscribe"}
SESSION_ID_PLACE = "{CHECKOUT_SESSION_ID}"


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the order."""

    name: str
    quantity: int
    each: str
    total: str


@dataclass(frozen=True, slots=True)
class HandyCard:
    """A test card for the list on the page."""

    number: str
    hint: str


HANDY_CARDS = tuple(
    HandyCard(" ".join(card.number[start : start + 4] for start in range(0, len(card.number), 4)), card.hint)
    for card in cards.CARDS
    if card.hint
)


def seller_name(session: Json) -> str:
    """Who is paid."""
    return session["branding_settings"]["display_name"]


def lines_of(session: Record) -> list[Line]:
    """The order, line by line."""
    items: list[Json] = session.hidden["line_items"]
    currency: str = session.doc["currency"]
    return [
        Line(
            name=item["description"] or "Item",
            quantity=item["quantity"],
            each=money.display(item["amount_subtotal"] // item["quantity"], currency),
            total=money.display(item["amount_subtotal"], currency),
        )
        for item in items
    ]


def total_of(session: Json) -> str:
    """The total as people read it."""
    return money.display(session["amount_total"], session["currency"])


def discount_of(session: Json) -> str | None:
    """What a code took off, if any."""
    amount: int = session["total_details"]["amount_discount"]
    return money.display(amount, session["currency"]) if amount else None


def submit_words(session: Json) -> str:
    """What the button says."""
    if session["amount_total"] == 0:
        return "Complete order"
    return f"{SUBMIT_WORDS.get(session['submit_type'] or 'auto', 'Pay')} {total_of(session)}"


def success_url(session: Json) -> str:
    """Where the buyer goes after paying."""
    return str(session["success_url"]).replace(SESSION_ID_PLACE, session["id"])


def site_of(url: str | None) -> str:
    """The origin of a link, for the page's security policy."""
    parts = urlsplit(url or "")
    return f"{parts.scheme}://{parts.netloc}" if parts.netloc else ""
