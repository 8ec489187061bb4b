"""The box office as one object: what every request, command and job is given."""

from dataclasses import dataclass

from boxoffice.foundation.db import Database
from boxoffice.settings import Settings


@dataclass(frozen=True, slots=True)
class BoxOffice:
    """Settings and the doors to the outside world that were opened with them."""

    settings: Settings
    db: Database

    @classmethod
    def from_settings(cls, settings: Settings) -> "BoxOffice":
        """Opens nothing yet: the pool opens with the first transaction, on that event loop."""
        return cls(settings, Database(settings.database_url, pooled=settings.database_pooled))
