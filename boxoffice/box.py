"""The box office as one object: what every request, command and job is given."""

from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, Any

from boxoffice.catalogue.search import Choice
from boxoffice.door.scan import Desks
from boxoffice.foundation.db import Database
from boxoffice.foundation.kept import Kept
from boxoffice.foundation.typeset import Typesetter
from boxoffice.orders.till import Till
from boxoffice.payments.breaker import Breaker
from boxoffice.payments.pacing import Pace
from boxoffice.payments.stripe import Stripe
from boxoffice.settings import Settings

if TYPE_CHECKING:
    from boxoffice.foundation.mail import Mailer
    from boxoffice.wallet.apple_push import ApplePush
    from boxoffice.wallet.google_api import GoogleWallet

SHARED_SECONDS = 1.0
CHOICES_SECONDS = 60.0
SESSIONS = "checkout_sessions"
REFUNDS_PER_SECOND = 10
"""A sandbox takes 25 calls of all kinds a second, and buyers go first: their line comes before that of refunds."""
SERVERLESS_POOL = {"size": 2, "idle_seconds": 30}
"""Where each process serves few requests and sleeps between them, as with WORKER=inline."""


class BoxOffice:
    """Settings and the doors to the outside world that were opened with them.

    No dataclass: the web framework would look into one at every request.
    """

    def __init__(self, settings: Settings, db: Database, till: Till) -> None:
        self.settings = settings
        self.db = db
        self.till = till
        self.desks = Desks(db)
        self.shared_pages: Kept[bytes] = Kept(SHARED_SECONDS)
        """Pages that everyone sees alike; what is left of a night may be that old on them."""
        self.typesetter = Typesetter()
        self.choices: Kept[dict[str, list[Choice]]] = Kept(CHOICES_SECONDS)
        """What the programme can be filtered by, with the number of nights."""

    @classmethod
    def from_settings(
        cls, settings: Settings, *, db: Database | None = None, http_client: Callable[[], Any] | None = None
    ) -> "BoxOffice":
        """Opens nothing yet: the pool opens with the first transaction, on that event loop.

        A simulation brings a database and the Stripe SDK's way out of its own.
        """
        pool = SERVERLESS_POOL if settings.worker_inline else {}
        db = db or Database(settings.database_url, pooled=settings.database_pooled, **pool)
        keys = settings.stripe
        breaker = Breaker(db)
        till = Till(
            db=db,
            stripe=Stripe(keys.secret_key, keys.api_base, breaker=breaker, http_client=http_client) if keys else None,
            breaker=breaker,
            pace=Pace(db, SESSIONS, keys.sessions_per_second if keys else 25),
            refund_pace=Pace(db, "refunds", REFUNDS_PER_SECOND, after=SESSIONS),
            livemode=keys.livemode if keys else False,
            base_url=settings.base_url,
        )
        return cls(settings, db, till)

    @cached_property
    def mailer(self) -> "Mailer":
        """What sends mail; SMTP is slow to load, and web processes send few."""
        from boxoffice.foundation.mail import mailer  # noqa: PLC0415

        return mailer(self.settings, self.db)

    @cached_property
    def apple_push(self) -> "ApplePush | None":
        """What tells phones of changes to their passes."""
        from boxoffice.wallet.apple_push import ApplePush  # noqa: PLC0415 - few processes push

        return ApplePush(self.settings.apple_wallet) if self.settings.apple_wallet else None

    @cached_property
    def google_wallet(self) -> "GoogleWallet | None":
        """What tells Google Wallet of passes."""
        from boxoffice.wallet.google_api import GoogleWallet  # noqa: PLC0415 - the same

        return GoogleWallet(self.settings.google_wallet) if self.settings.google_wallet else None

    async def close(self) -> None:
        """Closes every connection."""
        for opened in (self.__dict__.get("apple_push"), self.__dict__.get("google_wallet")):
            if opened is not None:
                await opened.close()
        if self.till.stripe is not None:
            await self.till.stripe.close()
        await self.db.close()
