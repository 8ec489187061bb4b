"""Stripe's events, kept as they came; handled is said only in the transaction that did the work."""

from datetime import datetime, timedelta

import msgspec

from boxoffice.foundation.db import Command, Connection, Query
from boxoffice.payments.stripe_objects import Event, read_event

TRY_AGAIN_MAX = timedelta(minutes=10)


class _State(msgspec.Struct, frozen=True):
    handled_at: datetime | None
    tries: int


KEEP = Command("""
INSERT INTO stripe_event (id, type, payload, about, received_at, next_try_at)
VALUES ($1, $2, $3, $4, clock(), clock() + interval '30 seconds') ON CONFLICT (id) DO NOTHING
""")
LOCK = Query(_State, "SELECT handled_at, tries FROM stripe_event WHERE id = $1 FOR UPDATE")
HANDLED = Command("UPDATE stripe_event SET handled_at = clock(), outcome = $2, problem = NULL WHERE id = $1")
FAILED = Command("""
UPDATE stripe_event SET problem = $2, tries = tries + 1,
  next_try_at = clock() + least($3::interval, interval '5 seconds' * power(2, least(tries, 20)))
WHERE id = $1 AND handled_at IS NULL
""")
DUE = Query(
    bytes,
    """
WITH due AS MATERIALIZED (
  SELECT id, next_try_at FROM stripe_event WHERE handled_at IS NULL AND next_try_at <= clock()
  ORDER BY next_try_at, id LIMIT $1 FOR UPDATE SKIP LOCKED),
tried AS (
  UPDATE stripe_event SET next_try_at = clock() + interval '1 minute' FROM due WHERE stripe_event.id = due.id
  RETURNING payload, due.next_try_at AS due_at, due.id)
SELECT payload FROM tried ORDER BY due_at, id
""",
)
UNSEEN = Query(
    str,
    """
SELECT listed.id FROM unnest($1::text[]) AS listed (id)
WHERE NOT EXISTS (SELECT FROM stripe_event WHERE stripe_event.id = listed.id)
""",
)
READ_UNTIL = Query(
    lambda moment: moment,
    """
INSERT INTO event_list_mark AS mark (name, read_until) VALUES ('events', clock())
ON CONFLICT (name) DO UPDATE SET read_until = mark.read_until RETURNING read_until
""",
)
MARK_READ = Command("UPDATE event_list_mark SET read_until = $1 WHERE name = 'events' AND read_until < $1")


async def keep(connection: Connection, event: Event) -> bool:
    """Writes the event down and locks it; False when it is handled already.

    Waits while another transaction holds the same event, and then knows how that one ended.
    """
    await KEEP.run(connection, event.id, event.type, event.raw, list(event.about))
    state = await LOCK.first(connection, event.id)
    assert state is not None
    return state.handled_at is None


async def handled(connection: Connection, event: Event, outcome: str) -> None:
    """The work of this transaction was this event's; `outcome` says what came of it."""
    await HANDLED.run(connection, event.id, outcome)


async def failed(connection: Connection, event: Event, problem: str) -> None:
    """Keeps the event unhandled with what went wrong; it is due again after 5 s, 10 s, ... at most 10 minutes."""
    await KEEP.run(connection, event.id, event.type, event.raw, list(event.about))
    await FAILED.run(connection, event.id, problem[:500], TRY_AGAIN_MAX)


async def due(connection: Connection, limit: int) -> list[Event]:
    """Unhandled events whose time has come, each for this caller alone during a minute."""
    return [read_event(payload) for payload in await DUE.all(connection, limit)]


async def unseen(connection: Connection, events: list[Event]) -> list[Event]:
    """Those of `events` that were never delivered."""
    ids = set(await UNSEEN.all(connection, [event.id for event in events]))
    return [event for event in events if event.id in ids]


async def read_until(connection: Connection) -> datetime:
    """How far Stripe's own list has been read; the moment of the first asking when it never was."""
    moment = await READ_UNTIL.first(connection)
    assert moment is not None
    return moment


async def mark_read(connection: Connection, moment: datetime) -> None:
    """Moves the mark forward; never back."""
    await MARK_READ.run(connection, moment)
