"""One API call on its way through a resource's function."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from stripe_simulator.errors import NoSuchObject
from stripe_simulator.store.record import Record
from stripe_simulator.store.unit import Unit
from stripe_simulator.world import World

Json = dict[str, Any]

ENDIVE = "2026-09-30.endive"


@dataclass(slots=True)
class Call:
    """`path` holds the ids of the address, `params` the checked parameters."""

    world: World
    unit: Unit
    path: dict[str, str]
    params: Json
    version: str | None

    @property
    def at(self) -> int:
        """The moment of the call in whole Unix seconds."""
        return self.unit.at

    @property
    def is_endive(self) -> bool:
        """Whether the request names the newest release family or a later one."""
        return self.version is not None and self.version >= ENDIVE

    async def find(self, kind: str, object_id: str, *, what: str | None = None) -> Record:
        """The object named in the path, or a 404."""
        return found(await self.unit.find(kind, object_id), what or kind, object_id)

    async def lock(self, kind: str, object_id: str, *, what: str | None = None) -> Record:
        """The object named in the path, kept from other writers, or a 404."""
        return found(await self.unit.lock(kind, object_id), what or kind, object_id)

    async def named(self, kind: str, param: str, *, what: str | None = None) -> Record | None:
        """The object whose id a parameter holds; None if it was not given, 400 if there is none."""
        object_id = self.params.get(param)
        if object_id is None:
            return None
        record = await self.unit.find(kind, object_id)
        if record is None or record.doc.get("deleted"):
            raise NoSuchObject(what or kind, object_id, param=param, in_path=False)
        return record


Act = Callable[[Call], Awaitable[Json]]


def found(record: Record | None, what: str, object_id: str) -> Record:
    """The record, or the 404 that names what was looked for."""
    if record is None:
        raise NoSuchObject(what.replace("_", " ") if what in SPOKEN else what, object_id)
    return record


SPOKEN = ("promotion_code", "webhook_endpoint", "balance_transaction")
