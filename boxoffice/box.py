"""The box office as one object: what every request, command and job is given."""

from boxoffice.foundation.db import Database
from boxoffice.settings import Settings


class BoxOffice:
    """Settings and the doors to the outside world that were opened with them.

    No dataclass: the framework would look into the type of every field each time it hands one to a request.
    """

    __slots__ = ("db", "settings")

    def __init__(self, settings: Settings, db: Database) -> None:
        self.settings = settings
        self.db = db

    @classmethod
    def from_settings(cls, settings: Settings) -> "BoxOffice":
        """Opens nothing yet: the pool opens with the first transaction, on that event loop."""
        return cls(settings, Database(settings.database_url, pooled=settings.database_pooled))
