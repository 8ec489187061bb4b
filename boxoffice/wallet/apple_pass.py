"""A pass for Apple Wallet: pass.json, pictures, a manifest of their hashes, and Apple's kind of signature over that.

Source of shapes and names: Apple's documentation "Wallet Passes" (Pass, EventTicket, "Building a pass").
"""

import hashlib
import hmac
import io
import json
import zipfile
from base64 import urlsafe_b64encode
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from html import escape
from urllib.parse import quote
from zoneinfo import ZoneInfo

from boxoffice.catalogue.palettes import Palette, mixed, palette_of
from boxoffice.environment.wallets import AppleWalletSettings
from boxoffice.foundation.signing import derived_key
from boxoffice.foundation.written import write_code, write_date, write_day, write_money, write_time, write_zone
from boxoffice.wallet.apple_keys import signed
from boxoffice.wallet.card import APPLE_AT_ONCE_MAX, PassKey, ShownPass, rule_of, said

PKPASS = "application/vnd.apple.pkpass"
PKPASSES = "application/vnd.apple.pkpasses"
EXPIRES_AFTER = timedelta(hours=6)
"""So long after its end a night's pass stays with the others."""
LABEL_SHARE = 0.2
Field = dict[str, object]


def authentication_token(secret_key: str, key: PassKey) -> str:
    """What a phone shows to ask about this pass: an HMAC of its name, so it need not be stored."""
    digest = hmac.digest(derived_key(secret_key, "apple wallet"), str(key).encode(), "sha256")
    return urlsafe_b64encode(digest).rstrip(b"=").decode()


def pkpass(
    apple: AppleWalletSettings,
    shown: ShownPass,
    qr_text: str,
    pictures: Mapping[str, bytes],
    *,
    base_url: str,
    secret_key: str,
) -> bytes:
    """The signed pass. `qr_text` is shown only while it opens the door. Raises KeysUnfit."""
    described = pass_json(apple, shown, qr_text, base_url=base_url, secret_key=secret_key)
    files = {"pass.json": json.dumps(described, ensure_ascii=False).encode(), **pictures}
    manifest = json.dumps({name: hashlib.sha1(file).hexdigest() for name, file in files.items()}).encode()  # noqa: S324 - the hash that Apple names
    return _zipped({**files, "manifest.json": manifest, "signature": signed(apple, manifest)})


def bundle(passes: Sequence[bytes]) -> bytes:
    """Several passes as one file (.pkpasses), at most APPLE_AT_ONCE_MAX."""
    assert len(passes) <= APPLE_AT_ONCE_MAX, "Apple's limit"
    return _zipped({f"ticket-{number}.pkpass": one for number, one in enumerate(passes, 1)})


def pass_json(
    apple: AppleWalletSettings, shown: ShownPass, qr_text: str, *, base_url: str, secret_key: str
) -> dict[str, object]:
    """What the pass says. Phones are told where to ask for changes only where people come by https: Apple's rule."""
    card = shown.card
    described: dict[str, object] = {
        "formatVersion": 1,
        "passTypeIdentifier": apple.pass_type_id,
        "teamIdentifier": apple.team_id,
        "serialNumber": str(shown.key),
        "groupingIdentifier": card.event_id.hex,
        "organizationName": said(card.organiser),
        "description": f"Ticket: {said(card.event_title)}",
        "relevantDate": _iso(card.doors_at, card.time_zone),
        "relevantDates": [
            {"startDate": _iso(card.doors_at, card.time_zone), "endDate": _iso(card.ends_at, card.time_zone)}
        ],
        "expirationDate": _iso(card.ends_at + EXPIRES_AFTER, card.time_zone),
        "sharingProhibited": True,
        "voided": shown.void,
        "semantics": _semantics(shown),
        "eventTicket": _fields(shown, base_url),
        **colours(palette_of(card.event_slug)),
    }
    if not shown.void:
        alternative = {"altText": write_code(shown.code), "messageEncoding": "iso-8859-1"}
        described["barcodes"] = [{"format": "PKBarcodeFormatQR", "message": qr_text, **alternative}]
    if card.latitude is not None and card.longitude is not None:
        words = f"Doors {write_time(card.doors_at, card.time_zone)}: {said(card.event_title)}"
        described["locations"] = [{"latitude": card.latitude, "longitude": card.longitude, "relevantText": words}]
    if base_url.startswith("https://"):
        described["webServiceURL"] = f"{base_url}/api/wallet"
        described["authenticationToken"] = authentication_token(secret_key, shown.key)
    return described


def _fields(shown: ShownPass, base_url: str) -> dict[str, list[Field]]:
    card = shown.card
    tz = card.time_zone
    doors = write_time(card.doors_at, tz)
    front: list[Field] = [_field("type", "Ticket", said(card.ticket_type))]
    if shown.holder:
        front.append(_field("holder", "Name", shown.holder))
    if card.admits > 1:
        front.append(_field("people", "Admits", f"{card.admits} people"))
    if shown.status != "Valid":
        front.append(_field("state", "Status", shown.status))
    elif card.age_minimum:
        front.append(_field("age", "Age", f"{card.age_minimum}+"))
    times = [_field("doors", "Doors", doors, "Doors now open at %@.")]
    if card.last_entry_at is not None:
        until = write_time(card.last_entry_at, tz)
        times.append(_field("last-entry", "Last entry", until, "Entry now until %@."))
    return {
        "headerFields": [_field("day", doors, write_date(card.doors_at, tz, "EEE d MMM"))],
        "primaryFields": [_field("night", said(card.organiser), said(card.event_title))],
        "secondaryFields": [
            _field("venue", said(card.venue_city), said(card.venue_name), "Now at %@."),
            *times,
        ],
        "auxiliaryFields": front,
        "backFields": _back(shown, base_url),
    }


def _back(shown: ShownPass, base_url: str) -> list[Field]:
    card = shown.card
    tz = card.time_zone
    times = [f"doors {write_time(card.doors_at, tz)}", f"start {write_time(card.starts_at, tz)}"]
    if card.starts_at == card.doors_at:
        del times[1]
    when = ", ".join(
        (write_day(card.doors_at, tz), *times, f"end {write_time(card.ends_at, tz)}", write_zone(card.doors_at, tz))
    )
    where = ", ".join(said(part) for part in (card.venue_name, card.venue_address, card.venue_city) if part)
    back = [
        _field("status", "Status", shown.status, "Your ticket: %@."),
        _field("when", "When", when, "Now %@."),
        _field("where", "Where", where, "Now at %@."),
        _field(
            "entry", "Age", f"{card.age_minimum}+, bring an identity card or passport" if card.age_minimum else "All"
        ),
        *([_field("rule", "Entry", rule)] if (rule := rule_of(card)) else []),
        _linked("night-page", "The night", f"{base_url}/events/{card.event_slug}"),
    ]
    if not shown.void:
        price = write_money(card.unit_minor, card.currency) if card.unit_minor else "Free"
        back += [
            _field("price", "Price", price),
            _field("code", "Code", write_code(shown.code)),
            _linked("ticket-page", "Your ticket", f"{base_url}/tickets/{quote(shown.code, safe='~')}"),
            _field("care", "Keep it", "Whoever has a copy of the code can get in: keep it to yourself."),
        ]
    return back


def _field(key: str, label: str, value: str, change: str = "") -> Field:
    """`change` is what a phone says when the value is another one than before; %@ stands for it."""
    return {"key": key, "label": label, "value": value, **({"changeMessage": change} if change else {})}


def _linked(key: str, label: str, address: str) -> Field:
    return {**_field(key, label, address), "attributedValue": f'<a href="{escape(address)}">{escape(address)}</a>'}


def _semantics(shown: ShownPass) -> dict[str, object]:
    card = shown.card
    told: dict[str, object] = {
        "eventType": "PKEventTypeLivePerformance",
        "eventName": said(card.event_title),
        "eventStartDate": _iso(card.doors_at, card.time_zone),
        "eventEndDate": _iso(card.ends_at, card.time_zone),
        "venueName": said(card.venue_name),
    }
    if card.latitude is not None and card.longitude is not None:
        told["venueLocation"] = {"latitude": card.latitude, "longitude": card.longitude}
    return told


def colours(palette: Palette) -> dict[str, str]:
    """The night's colours as Apple writes them; labels stand back a little."""
    label = mixed(palette.letters, palette.ground, LABEL_SHARE)
    named = {"backgroundColor": palette.ground, "foregroundColor": palette.letters, "labelColor": label}
    return {
        name: f"rgb({', '.join(str(int(code[at : at + 2], 16)) for at in (1, 3, 5))})" for name, code in named.items()
    }


def _iso(moment: datetime, time_zone: str) -> str:
    """The wall clock with its offset, to the second."""
    return moment.astimezone(ZoneInfo(time_zone)).isoformat(timespec="seconds")


def _zipped(files: Mapping[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, file in files.items():
            archive.writestr(zipfile.ZipInfo(name), file, zipfile.ZIP_DEFLATED if name.endswith(".json") else None)
    return packed.getvalue()
