"""A night's tickets as a PDF, for the pages that offer it and the mail that brings it."""

from collections.abc import Sequence

from boxoffice.box import BoxOffice
from boxoffice.catalogue.palettes import palette_of
from boxoffice.edge.poster import poster, words_of
from boxoffice.foundation.db import Connection
from boxoffice.foundation.problems import NotFound
from boxoffice.tickets.pdf import Look, ToPrint, tickets_pdf
from boxoffice.tickets.ticket import OPENS_THE_DOOR, TicketCard, ticket_of_code


async def cards_to_print(connection: Connection, codes: Sequence[str]) -> list[TicketCard]:
    """The tickets of these codes that open the door; all of them when none does, so that the paper says why."""
    cards = [card for code in codes if (card := await ticket_of_code(connection, code))]
    return [card for card in cards if card.status in OPENS_THE_DOOR] or cards


async def to_print(connection: Connection, box: BoxOffice, cards: Sequence[TicketCard]) -> list[ToPrint]:
    """The tickets with their codes."""
    from boxoffice.tickets.code import ticket_payload  # noqa: PLC0415 - its cryptography is slow to load

    key = box.settings.secret_key
    return [
        ToPrint(card, await ticket_payload(connection, key, card.event_id, card.id, card.revision)) for card in cards
    ]


async def printed(box: BoxOffice, tickets: Sequence[ToPrint]) -> bytes:
    """The PDF, made outside any transaction. Raises NotSetHere."""
    night = tickets[0].card
    words = words_of(night.event_title, night.doors_at, night.time_zone, night.venue_name, night.venue_city)
    drawn = poster(night.event_slug, words)
    look = Look(drawn, palette_of(night.event_slug).accent_on_light)
    return await tickets_pdf(box.typesetter, tickets, look, box.settings.base_url)


def refuse_paper(takes_paper: bool) -> None:
    """Raises NotFound for a night whose door takes codes on phones alone."""
    if not takes_paper:
        raise NotFound("This night takes no tickets on paper: open yours on your phone, where its code changes.")


def file_name(card: TicketCard, *, several: bool) -> str:
    """What the file is called where it is saved."""
    return f"{'tickets' if several else 'ticket'}-{card.event_slug}.pdf"
