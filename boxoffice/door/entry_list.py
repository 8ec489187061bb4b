"""What people enter by. A night has one list, "Door", unless it names others."""

from datetime import timedelta
from uuid import UUID

from boxoffice.foundation.db import Command, Connection, Query, as_id
from boxoffice.foundation.ids import named_id
from boxoffice.foundation.problems import NotFound

FIRST = "Door"
OPENS_BEFORE_DOORS = timedelta(hours=1)


ADD_FIRST = Command("""
INSERT INTO entry_list (event_id, id, name, re_entry) SELECT $1, $2, $3, false
WHERE NOT EXISTS (SELECT FROM entry_list WHERE event_id = $1) ON CONFLICT DO NOTHING
""")
# The list of the main door, not of a backstage, is what is meant when none is named.
_IS_FOR_SOME = "EXISTS (SELECT FROM entry_list_type AS takes WHERE takes.event_id = $1 AND takes.list_id = id)"
OF_NAME = Query(
    as_id,
    f"""
SELECT id FROM entry_list WHERE event_id = $1 AND ($2 = '' OR name = $2) ORDER BY {_IS_FOR_SOME}, name LIMIT 1
""",  # noqa: S608 - a constant
)
NAMES = Query(str, f"SELECT name FROM entry_list WHERE event_id = $1 ORDER BY {_IS_FOR_SOME}, name")  # noqa: S608
OPEN = Command("""
UPDATE entry_list SET opens_at = clock() - $2::interval
WHERE event_id = $1 AND (opens_at IS NULL OR opens_at > clock() - $2::interval)
""")


async def list_named(connection: Connection, event_id: UUID, name: str = "") -> UUID:
    """The night's list of this name, or its first, one that takes every ticket before others; made now if it has none.
    Raises NotFound."""
    await ADD_FIRST.run(connection, event_id, named_id("entry list", str(event_id), FIRST), FIRST)
    found = await OF_NAME.first(connection, event_id, name)
    if found is None:
        names = ", ".join(await NAMES.all(connection, event_id))
        raise NotFound(f"This night has no list called {name}. It has: {names}.")
    return found


async def list_names(connection: Connection, event_id: UUID) -> list[str]:
    """What the night's lists are called, the one that is meant when none is named first; none before the first scanner
    of a night that names none."""
    return await NAMES.all(connection, event_id)


async def open_now(connection: Connection, event_id: UUID, since: timedelta = timedelta()) -> None:
    """People may enter by every list of the night from now on, and might have for the time of `since`."""
    await OPEN.run(connection, event_id, since)
