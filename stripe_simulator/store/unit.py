"""A unit of work: what one request or one turn of the clock reads and writes, committed as a single statement."""

from dataclasses import dataclass, field
from typing import Any, cast

import asyncpg
import msgspec

from stripe_simulator.deliveries.delivery import Address, Delivery
from stripe_simulator.errors import LockTimeout
from stripe_simulator.events import Origin, new_event
from stripe_simulator.ids import Ids
from stripe_simulator.store import objects
from stripe_simulator.store.database import Connection, Database
from stripe_simulator.store.record import Json, Record

WRITE = """
WITH
 written AS (
  INSERT INTO object (kind, id, created, payment_intent, charge, customer, doc, hidden)
  SELECT * FROM unnest($1::text[], $2::text[], $3::bigint[], $4::text[], $5::text[], $6::text[], $7::json[], $8::json[])
  ON CONFLICT (kind, id) DO UPDATE SET payment_intent = excluded.payment_intent, charge = excluded.charge,
   customer = excluded.customer, doc = excluded.doc, hidden = excluded.hidden),
 removed AS (DELETE FROM object WHERE (kind, id) IN (SELECT * FROM unnest($9::text[], $10::text[]))),
 happened AS (
  INSERT INTO event (id, type, created, doc)
  SELECT * FROM unnest($11::text[], $12::text[], $13::bigint[], $14::json[])),
 sent AS (
  INSERT INTO delivery (id, event_id, endpoint_id, status, due, fault)
  SELECT id, event_id, endpoint_id, 'pending', due, fault
  FROM unnest($15::text[], $16::text[], $17::text[], $18::float8[], $19::json[])
   AS new (id, event_id, endpoint_id, due, fault)),
 planned AS (
  INSERT INTO later (id, due, action, subject, detail)
  SELECT * FROM unnest($20::text[], $21::float8[], $22::text[], $23::text[], $24::json[])
  ON CONFLICT (id) DO UPDATE SET due = excluded.due, detail = excluded.detail),
 given_up AS (DELETE FROM later WHERE id = ANY($25::text[])),
 answered AS (
  INSERT INTO idempotent_answer (key, fingerprint, status, body, request_id, created)
  SELECT * FROM unnest($26::text[], $27::text[], $28::int[], $29::text[], $30::text[], $31::float8[])),
 silenced AS (
  UPDATE delivery SET status = 'canceled' WHERE status = 'pending' AND endpoint_id = ANY($32::text[]))
SELECT 1
"""


@dataclass(frozen=True, slots=True)
class Later:
    """Something that will happen by itself at `due`."""

    action: str
    subject: str
    due: float
    detail: Json

    @property
    def id(self) -> str:
        return f"{self.action}:{self.subject}"


@dataclass(frozen=True, slots=True)
class StoredAnswer:
    """The answer that a repetition of a keyed request will get."""

    key: str
    fingerprint: str
    status: int
    body: str
    request_id: str
    created: float


@dataclass(slots=True)
class Unit:
    """Reads lock only when asked to; nothing is visible to others before `commit`.

    `address` turns an event into its deliveries; it knows the endpoints and the faults to play.
    """

    database: Database
    ids: Ids
    at: int
    origin: Origin
    address: Address
    records: dict[tuple[str, str], Record] = field(default_factory=dict[tuple[str, str], Record])
    removed: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    events: list[Json] = field(default_factory=list[Json])
    deliveries: list[Delivery] = field(default_factory=list[Delivery])
    planned: list[Later] = field(default_factory=list[Later])
    given_up: list[str] = field(default_factory=list[str])
    silenced: list[str] = field(default_factory=list[str])
    _connection: Connection | None = None
    _transaction: Any = None

    async def find(self, kind: str, object_id: str) -> Record | None:
        """The object as this unit sees it, without a lock."""
        known = self.records.get((kind, object_id))
        return known or await objects.one(self.reader(), kind, object_id)

    async def lock(self, kind: str, object_id: str) -> Record | None:
        """The object, kept from other writers until this unit ends; what is changed in it must be `put`."""
        known = self.records.get((kind, object_id))
        if known:
            return known
        try:
            return await objects.locked(await self._begun(), kind, object_id)
        except (asyncpg.LockNotAvailableError, asyncpg.DeadlockDetectedError) as error:
            raise LockTimeout from error

    async def of_payment(self, kind: str, payment_intent: str) -> list[Record]:
        """Every object of a payment as this unit sees it, oldest first."""
        stored = await objects.of_payment(self.reader(), kind, payment_intent)
        seen = {record.id: self.records.get((kind, record.id), record) for record in stored}
        for record in self.records.values():
            if record.kind == kind and record.doc.get("payment_intent") == payment_intent:
                seen[record.id] = record
        return list(seen.values())

    def put(self, record: Record) -> Record:
        """Write a new or changed object."""
        self.records[record.kind, record.id] = record
        return record

    def make(self, kind: str, doc: Json, **hidden: Any) -> Record:
        """Write a new object."""
        return self.put(Record(kind, doc, hidden))

    def remove(self, kind: str, object_id: str) -> None:
        """Delete an object so that its id names nothing any more."""
        self.records.pop((kind, object_id), None)
        self.removed.append((kind, object_id))

    def emit(self, event_type: str, doc: Json, previous: Json | None = None) -> Json:
        """Something happened: an event with a snapshot of `doc` as it is at this moment."""
        event = new_event(self.ids, event_type, doc, previous, at=self.at, origin=self.origin)
        for told in self.address(event):
            self.events.append(told.event)
            self.deliveries.extend(told.deliveries)
        return event

    def later(self, action: str, subject: str, due: float, **detail: Any) -> None:
        """Let something happen by itself at `due`; an earlier plan of this action and subject is replaced."""
        self.planned.append(Later(action, subject, due, detail))

    def no_longer(self, action: str, subject: str) -> None:
        """Give up what was planned."""
        self.given_up.append(f"{action}:{subject}")

    def silence(self, endpoint_id: str) -> None:
        """Send nothing more to an endpoint that was disabled or deleted."""
        self.silenced.append(endpoint_id)

    async def commit(self, answer: StoredAnswer | None = None) -> None:
        """Write everything at once; with it the answer to remember under an idempotency key."""
        if self._has_writes() or answer:
            reader = self.reader()
            await reader.fetch(WRITE, *self._values(answer))
        await self._end(commit=True)

    async def rollback(self) -> None:
        """Forget everything and let go of every lock."""
        self.records.clear()
        self.events.clear()
        self.deliveries.clear()
        self.planned.clear()
        self.given_up.clear()
        self.removed.clear()
        self.silenced.clear()
        await self._end(commit=False)

    def _has_writes(self) -> bool:
        return bool(self.records or self.removed or self.events or self.deliveries or self.planned or self.given_up)

    def reader(self) -> objects.Reader:
        """The connection of this unit if it has locked something, else the pool."""
        return cast("objects.Reader", self._connection or self.database.pool)

    async def _begun(self) -> objects.Reader:
        if self._connection is None:
            self._connection = cast("Connection", await self.database.pool.acquire())
            self._transaction = self._connection.transaction()
            await self._transaction.start()
        return cast("objects.Reader", self._connection)

    async def _end(self, *, commit: bool) -> None:
        if self._connection is None:
            return
        try:
            await (self._transaction.commit() if commit else self._transaction.rollback())
        finally:
            connection, self._connection, self._transaction = self._connection, None, None
            await self.database.pool.release(connection)

    def _values(self, answer: StoredAnswer | None) -> list[list[Any]]:
        records = list(self.records.values())
        return [
            [record.kind for record in records],
            [record.id for record in records],
            [record.doc.get("created", self.at) for record in records],
            *([_reference(record, name) for record in records] for name in ("payment_intent", "charge", "customer")),
            [_text(record.doc) for record in records],
            [_text(record.hidden) for record in records],
            [kind for kind, _ in self.removed],
            [object_id for _, object_id in self.removed],
            [event["id"] for event in self.events],
            [event["type"] for event in self.events],
            [event["created"] for event in self.events],
            [_text(event) for event in self.events],
            [delivery.id for delivery in self.deliveries],
            [delivery.event_id for delivery in self.deliveries],
            [delivery.endpoint_id for delivery in self.deliveries],
            [delivery.due for delivery in self.deliveries],
            [_text(delivery.fault.stored()) if delivery.fault else None for delivery in self.deliveries],
            [plan.id for plan in self.planned],
            [plan.due for plan in self.planned],
            [plan.action for plan in self.planned],
            [plan.subject for plan in self.planned],
            [_text(plan.detail) for plan in self.planned],
            self.given_up,
            *([value] if answer else [] for value in _answer_columns(answer)),
            self.silenced,
        ]


def _answer_columns(answer: StoredAnswer | None) -> tuple[Any, ...]:
    if answer is None:
        return (None,) * 6
    return (answer.key, answer.fingerprint, answer.status, answer.body, answer.request_id, answer.created)


def _reference(record: Record, name: str) -> str | None:
    value = record.doc.get(name)
    return value if isinstance(value, str) else None


def _text(value: Json) -> str:
    return msgspec.json.encode(value).decode()
