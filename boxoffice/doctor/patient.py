"""What is looked at, and how far the looking may go."""

from urllib.parse import urlsplit

import msgspec

from boxoffice.environment.variables import is_this_machine
from boxoffice.foundation.db import Database
from boxoffice.payments.stripe import Stripe
from boxoffice.settings import Reading, Settings

SECONDS = 5
"""How long any one answer is waited for."""


class Patient(msgspec.Struct, frozen=True):
    """`db` and `stripe` are None where the environment names none. `live`: a session may be made with a live key."""

    reading: Reading
    db: Database | None
    stripe: Stripe | None
    live: bool = False
    send_mail_to: str | None = None

    @classmethod
    def of(cls, reading: Reading, *, live: bool = False, send_mail_to: str | None = None) -> "Patient":
        """Opens nothing yet."""
        settings, keys = reading.settings, reading.settings.stripe
        url = settings.database_url
        return cls(
            reading,
            db=Database(url, size=2, pooled=settings.database_pooled) if url else None,
            stripe=Stripe(keys.secret_key, keys.api_base, SECONDS) if keys else None,
            live=live,
            send_mail_to=send_mail_to,
        )

    @property
    def settings(self) -> Settings:
        """As far as they could be read."""
        return self.reading.settings

    @property
    def at_home(self) -> bool:
        """Whether BASE_URL is this machine."""
        return names_this_machine(self.settings.base_url)

    async def close(self) -> None:
        """Closes every connection."""
        if self.stripe is not None:
            await self.stripe.close()
        if self.db is not None:
            await self.db.close()


def names_this_machine(url: str) -> bool:
    """Whether a URL's host is this machine."""
    return is_this_machine(urlsplit(url).hostname or "localhost")


def without_credentials(url: str) -> str:
    """Scheme, host, port and path of a URL that has been read before."""
    parts = urlsplit(url)
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    return f"{parts.scheme}://{host}{f':{parts.port}' if parts.port else ''}{parts.path}"
