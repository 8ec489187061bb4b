"""One event on its way to one endpoint."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import msgspec

Json = dict[str, Any]


class DeliveryFault(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is to go wrong with one delivery; it stays with the delivery over all its tries and a restart."""

    drop: bool = False
    wrong_signature: bool = False
    stale_seconds: float = 0.0
    wrong_livemode: bool = False
    api_version: str | None = None
    answer_timeout: bool = False

    def stored(self) -> Json:
        """As it is kept in the database."""
        return msgspec.to_builtins(self)


@dataclass(slots=True)
class Delivery:
    """`due` is a moment of the simulator's clock; `answered` is set by the first answer or failure."""

    id: str
    event_id: str
    event_type: str
    endpoint_id: str
    due: float
    event: bytes
    fault: DeliveryFault | None = None
    attempts: int = 0
    status: str = "pending"
    last_status: int | None = None
    answered: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass(frozen=True, slots=True)
class Told:
    """An event and whom it is sent to."""

    event: Json
    deliveries: list[Delivery]


Address = Callable[[Json], list[Told]]
"""Decides who hears of an event; a fault may add a second event that reports the same change."""
