"""Everything that one running simulator consists of, for whoever acts in it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any

from stripe_simulator.clock import Clock
from stripe_simulator.deliveries.address import Addresser
from stripe_simulator.deliveries.endpoint import Endpoint
from stripe_simulator.deliveries.queue import DeliveryQueue
from stripe_simulator.events import Origin
from stripe_simulator.faults import Faults
from stripe_simulator.ids import Ids
from stripe_simulator.settings import Settings
from stripe_simulator.store.database import Database
from stripe_simulator.store.unit import StoredAnswer, Unit

Json = dict[str, Any]


@dataclass(slots=True)
class World:
    """The ports (clock, random, database, deliveries) and the settings."""

    settings: Settings
    database: Database
    clock: Clock
    random: Random
    ids: Ids
    faults: Faults
    queue: DeliveryQueue
    addresser: Addresser
    endpoint_rate_limit: int | None
    account: Json = field(default_factory=dict[str, Any])
    """What the control API has changed of the account."""
    listeners: list[Callable[[Json], None]] = field(default_factory=list[Callable[[Json], None]])
    """Called with every event once it is written: the open sockets of `stripe listen`."""

    @property
    def now(self) -> int:
        """Whole Unix seconds, as the API counts."""
        return int(self.clock.now())

    def unit(self, origin: Origin | None = None, *, at: float | None = None) -> Unit:
        """A unit of work at this moment, or at the moment when something was due."""
        moment = self.now if at is None else int(at)
        return Unit(self.database, self.ids, moment, origin or Origin(), self.addresser)

    async def commit(self, unit: Unit, answer: StoredAnswer | None = None) -> None:
        """Write a unit of work, then let its deliveries go out."""
        await unit.commit(answer)
        self._learn_endpoints(unit)
        self.queue.add(unit.deliveries)
        for listener in self.listeners:
            for event in unit.events:
                listener(event)

    def _learn_endpoints(self, unit: Unit) -> None:
        for (kind, endpoint_id), record in unit.records.items():
            if kind == "webhook_endpoint":
                self.queue.endpoints[endpoint_id] = Endpoint.from_record(record)
        for kind, endpoint_id in unit.removed:
            if kind == "webhook_endpoint":
                self.queue.endpoints.pop(endpoint_id, None)
