"""Tickets on paper: a PDF with a page a ticket, drawn by `ticket.typ`."""

import io
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote

import msgspec

from boxoffice.foundation.letters_of_fonts import LEFT_OUT, writable
from boxoffice.foundation.typeset import Typesetter
from boxoffice.foundation.written import write_code, write_day, write_money, write_time, write_zone
from boxoffice.tickets.ticket import OPENS_THE_DOOR, TicketCard, rule_words

TEMPLATE = Path(__file__).parent / "ticket.typ"
PIXELS_PER_MODULE = 8
MAP = "https://www.openstreetmap.org/search?query="
_KANA, _HANGUL = ("\u3040", "\u30ff"), ("\uac00", "\ud7a3")
_CHINESE, _JAPANESE, _KOREAN = "Noto Sans SC", "BIZ UDPGothic", "NanumGothic"


class ToPrint(msgspec.Struct, frozen=True):
    """A ticket and its QR code's text, which is printed only while it opens the door."""

    card: TicketCard
    qr_text: str


class Look(msgspec.Struct, frozen=True):
    """What a night looks like: its poster as SVG, and a colour ("#rrggbb") that is readable on white."""

    poster: str
    accent: str


async def tickets_pdf(typesetter: Typesetter, tickets: Sequence[ToPrint], look: Look, base_url: str) -> bytes:
    """The tickets, all of one night, a page each. Raises NotSetHere."""
    first = tickets[0].card
    tz = first.time_zone
    title = writable(first.event_title)
    times = [("Doors", first.doors_at), ("Start", first.starts_at), ("End", first.ends_at)]
    if first.starts_at == first.doors_at:
        del times[1]
    night = f"{base_url}/events/{first.event_slug}"
    data = {
        "heading": f"{'Ticket' if len(tickets) == 1 else 'Tickets'}: {title}",
        "title": title,
        "organiser": writable(first.organiser),
        "accent": look.accent,
        "poster": look.poster,
        "day": write_day(first.doors_at, tz),
        "doors": write_time(first.doors_at, tz),
        "times": [(name, write_time(moment, tz)) for name, moment in times],
        "zone": write_zone(first.doors_at, tz),
        "venue": writable(first.venue_name),
        "address": writable(first.venue_address),
        "city": writable(first.venue_city),
        "map": MAP + quote(f"{first.venue_name}, {first.venue_address}, {first.venue_city}"),
        "age": f"{first.age_minimum}+" if first.age_minimum else "all",
        "night": night,
        "night-words": night.partition("://")[2],
        "tickets": [_printed(ticket, at, len(tickets), base_url) for at, ticket in enumerate(tickets, 1)],
    }
    words = repr([value for name, value in data.items() if name != "poster"])
    return await typesetter.pdf(TEMPLATE, {**data, "left-out": LEFT_OUT in words, "han": han_fonts(words, tz)})


def han_fonts(text: str, time_zone: str) -> list[str]:
    """The fonts of East Asia. Whose forms of Han characters come first is told by kana, hangul or the venue's zone."""
    fonts = [_CHINESE, _JAPANESE, _KOREAN]
    if any(_KANA[0] <= character <= _KANA[1] for character in text) or time_zone == "Asia/Tokyo":
        fonts.insert(0, _JAPANESE)
    elif any(_HANGUL[0] <= character <= _HANGUL[1] for character in text) or time_zone == "Asia/Seoul":
        fonts.insert(0, _KOREAN)
    return list(dict.fromkeys(fonts))


def _printed(ticket: ToPrint, number: int, count: int, base_url: str) -> dict[str, object]:
    card = ticket.card
    void = _void(card)
    code = "" if void else card.code
    return {
        "place": f"Ticket {number} of {count}" if count > 1 else "Ticket",
        "holder": writable(card.holder),
        "type": writable(card.ticket_type),
        "release": writable(card.release),
        "admits": "Admits one" if card.admits == 1 else f"Admits {card.admits}",
        "until": write_time(card.last_entry_at, card.time_zone) if card.last_entry_at else "",
        "policies": _policies(card),
        "price": _price(card) if card.is_buyers else "",
        "since": "Bought" if card.is_buyers else "Yours since",
        "day": write_day(
            card.purchased_at if card.is_buyers else card.reissued_at or card.purchased_at, card.time_zone
        ),
        "order": write_code(card.order_code) if card.is_buyers else "",
        "page": f"{base_url}/tickets/{quote(card.code, safe='~')}",
        "code": write_code(code),
        "qr": None if void else list(_qr_png(ticket.qr_text)),
        "void": void,
        "status": _status(card),
    }


def _price(card: TicketCard) -> str:
    return write_money(card.unit_minor, card.currency) if card.unit_minor else "Free"


def _void(card: TicketCard) -> str:
    """The word in place of the code, empty for a ticket that opens the door."""
    if card.status == "refunded":
        return "Refunded"
    return "Cancelled" if card.status not in OPENS_THE_DOOR or card.event_status == "cancelled" else ""


def _status(card: TicketCard) -> str:
    if card.status == "refunded":
        return "Refunded: it no longer opens the door."
    if card.status not in OPENS_THE_DOOR:
        return "Cancelled: it does not open the door."
    if card.event_status == "cancelled":
        return "The night is cancelled."
    if card.status == "used":
        return f"Used{f' at {write_time(card.used_at, card.time_zone)}' if card.used_at else ''}."
    return ""


def _policies(card: TicketCard) -> list[str]:
    age_minimum = card.age_minimum
    rule = rule_words(card.admits, card.last_entry_at, card.time_zone)
    return [
        *([f"{rule}."] if rule else []),
        "Show the square code, on this paper or on your phone. If it cannot be read, say the letters below it.",
        "The code opens the door once. Whoever has a copy can get in: keep this paper to yourself.",
        f"You must be {age_minimum} or older: bring an identity card or passport." if age_minimum else "All ages.",
        "Fold twice, with the code outside.",
    ]


def _qr_png(text: str) -> bytes:
    """Without a quiet zone: the template leaves it."""
    import segno  # noqa: PLC0415 - slow to load, and only tickets need it

    picture = io.BytesIO()
    segno.make(text, error="m", micro=False).save(picture, kind="png", scale=PIXELS_PER_MODULE, border=0)
    return picture.getvalue()
