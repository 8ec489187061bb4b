"""What Google Wallet is told of a night (a class) and of its tickets (objects).

Source of shapes and names: Google Wallet API, eventTicketClass and eventTicketObject.
"""

from base64 import urlsafe_b64encode
from datetime import datetime
from typing import Any
from urllib.parse import quote
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec

from boxoffice.catalogue.palettes import palette_of
from boxoffice.environment.wallets import GoogleWalletSettings
from boxoffice.foundation.db import Command, Connection, Query
from boxoffice.foundation.money import exponent
from boxoffice.foundation.written import write_code
from boxoffice.wallet.card import PassCard, PassKey, ShownPass, rule_of, said

LANGUAGE = "en-GB"
MICROS_DIGITS = 6
Json = dict[str, Any]


class _Given(msgspec.Struct, frozen=True):
    ticket_id: UUID
    revision: int


# Shared, so that a change sees that there is a pass, or the pass shows the change; in the order of a nights file.
LOCK = Query(
    int,
    """
SELECT ticket.revision FROM ticket JOIN event ON event.id = ticket.event_id JOIN venue ON venue.id = event.venue_id
WHERE ticket.event_id = $1 AND ticket.id = ANY($2::uuid[]) ORDER BY ticket.id FOR SHARE OF venue, event, ticket
""",
)
OFFER = Command("""
INSERT INTO google_pass (event_id, ticket_id, revision, offered_at)
SELECT event_id, id, revision, clock() FROM ticket WHERE event_id = $1 AND id = ANY($2::uuid[]) ON CONFLICT DO NOTHING
""")
GIVEN = Query(
    _Given,
    """
SELECT ticket_id, revision FROM google_pass
WHERE event_id = $1 AND ($2::uuid IS NULL OR ticket_id = $2) AND (ticket_id::text || ':' || revision) COLLATE "C" > $3
ORDER BY (ticket_id::text || ':' || revision) COLLATE "C" LIMIT $4
""",
)
OF_NIGHT = Query(_Given, "SELECT ticket_id, revision FROM google_pass WHERE event_id = $1 LIMIT 1")


async def offer(connection: Connection, event_id: UUID, ticket_ids: list[UUID]) -> None:
    """Notes that these tickets may be in Google Wallet from now on, and so are told there of what changes."""
    await LOCK.all(connection, event_id, ticket_ids)
    await OFFER.run(connection, event_id, ticket_ids)


async def given_passes(
    connection: Connection, event_id: UUID, ticket_id: UUID | None, after: str, limit: int
) -> list[PassKey]:
    """Passes of a ticket, or of the night, whose place is after `after`."""
    rows = await GIVEN.all(connection, event_id, ticket_id, after, limit)
    return [PassKey(event_id, row.ticket_id, row.revision) for row in rows]


async def any_pass_of(connection: Connection, event_id: UUID) -> PassKey | None:
    """One of the night's passes, through which the night is read."""
    row = await OF_NIGHT.first(connection, event_id)
    return PassKey(event_id, row.ticket_id, row.revision) if row else None


def place_of(key: PassKey) -> str:
    """Where a pass stands among the night's."""
    return f"{key.ticket_id}:{key.revision}"


def class_id(google: GoogleWalletSettings, event_id: UUID) -> str:
    """The night's name at Google."""
    return f"{google.issuer_id}.{_short(event_id)}"


def object_id(google: GoogleWalletSettings, key: PassKey) -> str:
    """The pass's name at Google."""
    return f"{google.issuer_id}.{_short(key.ticket_id)}.{key.revision}"


def night_class(google: GoogleWalletSettings, card: PassCard) -> Json:
    """The night: name, place, times by the venue's clock, colour."""
    address = ", ".join(said(part) for part in (card.venue_address, card.venue_city) if part)
    return {
        "id": class_id(google, card.event_id),
        "issuerName": said(card.organiser),
        "reviewStatus": "UNDER_REVIEW",
        "eventName": _words(said(card.event_title)),
        "venue": {"name": _words(said(card.venue_name)), "address": _words(address)},
        "dateTime": {
            "doorsOpen": _iso(card.doors_at, card.time_zone),
            "start": _iso(card.starts_at, card.time_zone),
            "end": _iso(card.ends_at, card.time_zone),
        },
        "hexBackgroundColor": palette_of(card.event_slug).ground,
    }


def ticket_object(google: GoogleWalletSettings, shown: ShownPass, qr_text: str, base_url: str) -> Json:
    """The ticket. One that opens nothing is INACTIVE and has no code; a used one may be asked for again at the door."""
    card = shown.card
    told: Json = {
        "id": object_id(google, shown.key),
        "classId": class_id(google, card.event_id),
        "state": "INACTIVE" if shown.void else "ACTIVE",
        "ticketType": _words(said(card.ticket_type)),
        "textModulesData": [{"id": "status", "header": "Status", "body": shown.status}],
    }
    if rule := rule_of(card):
        told["textModulesData"].append({"id": "rule", "header": "Entry", "body": rule})
    if shown.holder:
        told["ticketHolderName"] = shown.holder
    if not shown.void:
        told["ticketNumber"] = write_code(shown.code)
        told["barcode"] = {"type": "QR_CODE", "value": qr_text, "alternateText": write_code(shown.code)}
        if card.unit_minor:
            micros = card.unit_minor * 10 ** (MICROS_DIGITS - exponent(card.currency))
            told["faceValue"] = {"micros": str(micros), "currencyCode": card.currency.upper()}
        page = f"{base_url}/tickets/{quote(shown.code, safe='~')}"
        told["linksModuleData"] = {"uris": [{"id": "page", "uri": page, "description": "Your ticket"}]}
    return told


def patch_of(told: Json) -> Json:
    """What changes an object that Google has: what this one no longer tells is taken away there."""
    return {"barcode": None, "ticketNumber": None, "linksModuleData": None, **told}


def _short(value: UUID) -> str:
    """22 characters that Google takes: several names have to fit a link."""
    return urlsafe_b64encode(value.bytes).rstrip(b"=").decode()


def _words(text: str) -> Json:
    return {"defaultValue": {"language": LANGUAGE, "value": text}}


def _iso(moment: datetime, time_zone: str) -> str:
    return moment.astimezone(ZoneInfo(time_zone)).isoformat(timespec="seconds")
