"""Passes of tickets, for the pages that offer them, for phones that ask for them anew, and for the worker."""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from boxoffice.box import BoxOffice
from boxoffice.edge.pass_pictures import pass_pictures
from boxoffice.foundation import logs
from boxoffice.foundation.db import Connection
from boxoffice.foundation.letters_of_fonts import fonts_built
from boxoffice.foundation.problems import Unavailable
from boxoffice.settings import Settings
from boxoffice.wallet.card import APPLE_AT_ONCE_MAX, GOOGLE_AT_ONCE_MAX, ShownPass
from boxoffice.wallet.google_api import CLASS, OBJECT
from boxoffice.wallet.google_pass import Json, night_class, patch_of, ticket_object


class Wallet(msgspec.Struct, frozen=True):
    """What a page offers: tickets go to `name` in parts of `part_size`."""

    name: str
    words: str
    part_size: int


APPLE = Wallet("apple", "Add to Apple Wallet", APPLE_AT_ONCE_MAX)
GOOGLE = Wallet("google", "Save to Google Wallet", GOOGLE_AT_ONCE_MAX)


class ToKeep(msgspec.Struct, frozen=True):
    """A pass and its QR code's text, empty for one that opens nothing."""

    shown: ShownPass
    qr_text: str


class NoPasses(Unavailable):
    """The keys by which passes are signed do not fit: `boxoffice doctor` says which."""


def wallets_of(settings: Settings) -> list[Wallet]:
    """The wallets that the box office has keys for; a pass of Apple's has pictures, which not every server can set."""
    apple = settings.apple_wallet is not None and fonts_built()
    return [*([APPLE] if apple else []), *([GOOGLE] if settings.google_wallet else [])]


async def to_keep(connection: Connection, box: BoxOffice, passes: Sequence[ShownPass]) -> list[ToKeep]:
    """The passes with their codes."""
    from boxoffice.tickets.code import ticket_payload  # noqa: PLC0415 - its cryptography is slow to load

    secret = box.settings.secret_key
    return [
        ToKeep(
            shown,
            ""
            if shown.void
            else await ticket_payload(connection, secret, shown.key.event_id, shown.key.ticket_id, shown.key.revision),
        )
        for shown in passes
    ]


async def apple_passes(box: BoxOffice, passes: Sequence[ToKeep]) -> list[bytes]:
    """Each as a .pkpass, made outside any transaction. Raises NotSetHere, and NoPasses."""
    from boxoffice.wallet.apple_keys import KeysUnfit  # noqa: PLC0415 - the same
    from boxoffice.wallet.apple_pass import pkpass  # noqa: PLC0415

    apple = box.settings.apple_wallet
    assert apple is not None, "asked before"
    made: list[bytes] = []
    for one in passes:
        pictures = await pass_pictures(box.typesetter, one.shown.card.event_slug)
        try:
            made.append(
                pkpass(
                    apple,
                    one.shown,
                    one.qr_text,
                    pictures,
                    base_url=box.settings.base_url,
                    secret_key=box.settings.secret_key,
                )
            )
        except KeysUnfit as problem:
            raise _no_passes("Apple Wallet", problem) from problem
    return made


async def google_save_link(box: BoxOffice, passes: Sequence[ToKeep]) -> str:
    """The link by which passes of one night are saved in Google Wallet, once Google has been told of them. Call it
    outside any transaction. Raises NotTold, and NoPasses."""
    from boxoffice.wallet.google_keys import KeyUnfit  # noqa: PLC0415 - its cryptography is slow to load
    from boxoffice.wallet.google_link import save_link  # noqa: PLC0415

    google, settings = box.settings.google_wallet, box.settings
    assert google is not None, "asked before"
    card = passes[0].shown.card
    tickets = [ticket_object(google, one.shown, one.qr_text, settings.base_url) for one in passes]
    try:
        await tell_google(box, night_class(google, card), tickets, card.now)
        return save_link(google, tickets, settings.base_url, card.now)
    except KeyUnfit as problem:
        raise _no_passes("Google Wallet", problem) from problem


async def tell_google(box: BoxOffice, night: Json, tickets: Sequence[Json], now: datetime) -> None:
    """Makes Google's class of the night and its objects be as told. Raises NotTold, and KeyUnfit."""
    assert box.google_wallet is not None, "asked before"
    await box.google_wallet.put(CLASS, night, night, now)
    for ticket in tickets:
        await box.google_wallet.put(OBJECT, ticket, patch_of(ticket), now)


def _no_passes(wallet: str, problem: ValueError) -> NoPasses:
    logs.error("no pass can be signed: see `boxoffice doctor`", wallet=wallet, problem=problem)
    return NoPasses(f"Tickets cannot be added to {wallet} right now. Your ticket's page opens the door all the same.")
