"""Signs of life of what works outside requests: who was last at work, and when."""

from datetime import datetime

import msgspec

from boxoffice.foundation.db import Command, Connection, Query


class Heartbeat(msgspec.Struct, frozen=True):
    """`worker` or `cron`, and how many seconds ago it was at work."""

    name: str
    at: datetime
    seconds_ago: float


BEAT = Command("""
INSERT INTO heartbeat (name, at) VALUES ($1, clock()) ON CONFLICT (name) DO UPDATE SET at = excluded.at
""")
BEATS = Query(
    Heartbeat,
    "SELECT name, at, extract(epoch FROM clock() - at)::float8 AS seconds_ago FROM heartbeat",
)


async def beat(connection: Connection, name: str) -> None:
    """`name` is at work."""
    await BEAT.run(connection, name)


async def heartbeats(connection: Connection) -> dict[str, Heartbeat]:
    """The last sign of each that ever gave one."""
    return {one.name: one for one in await BEATS.all(connection)}
