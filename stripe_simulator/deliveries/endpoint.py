"""The webhook endpoints that deliveries go to, kept in memory beside their stored objects."""

from dataclasses import dataclass
from typing import Any

from stripe_simulator.store.record import Record


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where events go, which of them, and the secrets that sign them."""

    id: str
    url: str
    secret: str
    old_secrets: tuple[tuple[str, float], ...]
    enabled_events: frozenset[str]
    enabled: bool
    api_version: str | None

    @classmethod
    def from_record(cls, record: Record) -> "Endpoint":
        """The endpoint that a stored `webhook_endpoint` describes."""
        old: list[dict[str, Any]] = record.hidden.get("old_secrets", [])
        return cls(
            id=record.id,
            url=record.doc["url"],
            secret=record.hidden["secret"],
            old_secrets=tuple((entry["secret"], entry["until"]) for entry in old),
            enabled_events=frozenset(record.doc["enabled_events"]),
            enabled=record.doc["status"] == "enabled",
            api_version=record.doc["api_version"],
        )

    def wants(self, event_type: str) -> bool:
        """Whether it is subscribed to this type."""
        return self.enabled and ("*" in self.enabled_events or event_type in self.enabled_events)

    def secrets(self, now: float) -> list[str]:
        """The new secret, and an old one until its time is over."""
        return [self.secret, *(secret for secret, until in self.old_secrets if until > now)]
