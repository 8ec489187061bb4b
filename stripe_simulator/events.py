"""Event objects: what happened, with a snapshot of the object as it was then."""

from dataclasses import dataclass
from typing import Any

import msgspec

from stripe_simulator.ids import MADE_BY_A_PAYMENT, Ids
from stripe_simulator.settings import API_VERSION

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Origin:
    """Which request caused something; empty when Stripe itself or the hosted page acted."""

    request_id: str | None = None
    idempotency_key: str | None = None


def new_event(ids: Ids, event_type: str, doc: Json, previous: Json | None, *, at: int, origin: Origin) -> Json:
    """An event as `GET /v1/events` answers it; the snapshot is taken now and later changes do not reach it."""
    data: Json = {"object": msgspec.Raw(msgspec.json.encode(doc))}
    if previous is not None:
        data["previous_attributes"] = previous
    return {
        "id": event_id(ids, doc, at),
        "object": "event",
        "api_version": API_VERSION,
        "created": at,
        "data": data,
        "livemode": False,
        "pending_webhooks": 0,
        "request": {"id": origin.request_id, "idempotency_key": origin.idempotency_key},
        "type": event_type,
    }


def event_id(ids: Ids, doc: Json, at: int) -> str:
    """`evt_3` and the payment's own characters for what belongs to a payment, `evt_1` for the rest."""
    object_id = str(doc.get("id", ""))
    if object_id.partition("_")[2].startswith(MADE_BY_A_PAYMENT):
        return ids.related("evt", object_id)
    return ids.made("evt", at)
