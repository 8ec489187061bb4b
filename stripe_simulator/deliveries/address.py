"""Who hears of an event: every subscribed endpoint, with whatever the fault rules do to the deliveries."""

from typing import Any

import msgspec

from stripe_simulator.clock import Clock
from stripe_simulator.deliveries.delivery import Delivery, DeliveryFault, Told
from stripe_simulator.deliveries.endpoint import Endpoint
from stripe_simulator.faults import Faults, Rule
from stripe_simulator.ids import Ids

Json = dict[str, Any]

REORDER_SECONDS = 0.3


class Addresser:
    """Turns an event into its deliveries."""

    def __init__(self, endpoints: dict[str, Endpoint], faults: Faults, clock: Clock, ids: Ids) -> None:
        self._endpoints = endpoints
        self._faults = faults
        self._clock = clock
        self._ids = ids

    def __call__(self, event: Json) -> list[Told]:
        """The event and its deliveries; a second event too if a fault says so."""
        wanting = [endpoint for endpoint in self._endpoints.values() if endpoint.wants(event["type"])]
        rules = self._faults.for_event(event["type"])
        told = [self._told(event, wanting, rules)]
        if any(rule.fault == "second_event" for rule in rules):
            prefix = event["id"][: len("evt_1") + 15]
            again = {**event, "id": prefix + self._ids.characters(8)}
            told.append(self._told(again, wanting, [rule for rule in rules if rule.fault != "second_event"]))
        return told

    def resend(self, event: Json, endpoint_id: str) -> Delivery:
        """One more delivery of an old event."""
        return self._delivery(event["id"], event["type"], endpoint_id, msgspec.json.encode(event), [])

    def _told(self, event: Json, wanting: list[Endpoint], rules: list[Rule]) -> Told:
        copies = 1 + sum(rule.times for rule in rules if rule.fault == "duplicate")
        event["pending_webhooks"] = len(wanting)
        encoded = msgspec.json.encode(event) if wanting else b""
        deliveries = [
            self._delivery(event["id"], event["type"], endpoint.id, encoded, rules)
            for endpoint in wanting
            for _ in range(copies)
        ]
        return Told(event, deliveries)

    def _delivery(
        self, event_id: str, event_type: str, endpoint_id: str, encoded: bytes, rules: list[Rule]
    ) -> Delivery:
        return Delivery(
            id=f"whd_{self._ids.characters(16)}",
            event_id=event_id,
            event_type=event_type,
            endpoint_id=endpoint_id,
            due=self._clock.now() + _wait(rules),
            event=encoded,
            fault=_fault(rules),
        )


def _wait(rules: list[Rule]) -> float:
    late = sum(rule.seconds for rule in rules if rule.fault == "late")
    return late + (REORDER_SECONDS if any(rule.fault == "reorder" for rule in rules) else 0.0)


def _fault(rules: list[Rule]) -> DeliveryFault | None:
    named = {rule.fault: rule for rule in rules}
    fault = DeliveryFault(
        drop="drop" in named,
        wrong_signature="wrong_signature" in named,
        stale_seconds=named["stale"].seconds if "stale" in named else 0.0,
        wrong_livemode="wrong_livemode" in named,
        api_version=named["old_api_version"].api_version if "old_api_version" in named else None,
        answer_timeout="answer_timeout" in named,
    )
    return fault if fault != DeliveryFault() else None
