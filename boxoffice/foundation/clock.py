"""What time it is: the database's answer, which tests can move. Nothing else in the box office asks a clock."""

from datetime import datetime

from boxoffice.foundation.db import Connection, Query, as_moment

NOW = Query(as_moment, "SELECT clock()")


async def now(connection: Connection) -> datetime:
    """The moment at which the transaction began."""
    moment = await NOW.first(connection)
    assert moment is not None
    return moment
