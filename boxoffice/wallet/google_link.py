"""The link by which people save passes in Google Wallet: a signed token that names what Google was told before.

A token with all that a pass says would be longer than browsers are sure to take.
"""

from collections.abc import Sequence
from datetime import datetime
from urllib.parse import urlsplit

from boxoffice.environment.wallets import GoogleWalletSettings
from boxoffice.wallet.google_keys import signed_token
from boxoffice.wallet.google_pass import Json

SAVE = "https://pay.google.com/gp/v/save/"
TOKEN_LENGTH_MAX = 1800
"""Google's advice: some browsers cut longer addresses off."""


def save_link(google: GoogleWalletSettings, tickets: Sequence[Json], base_url: str, now: datetime) -> str:
    """The link to passes that Google has been told of, at most GOOGLE_AT_ONCE_MAX. Raises KeyUnfit."""
    claims = {
        "iss": google.client_email,
        "aud": "google",
        "typ": "savetowallet",
        "iat": int(now.timestamp()),
        "origins": [urlsplit(base_url).netloc],
        "payload": {"eventTicketObjects": [{"id": one["id"], "classId": one["classId"]} for one in tickets]},
    }
    token = signed_token(google, claims)
    assert len(token) <= TOKEN_LENGTH_MAX, "fewer tickets fit a link"
    return SAVE + token
