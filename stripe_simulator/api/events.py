"""`/v1/events`."""

from typing import Any

from stripe_simulator.api import listing
from stripe_simulator.api.call import Call
from stripe_simulator.errors import InvalidParameter, NoSuchObject
from stripe_simulator.store import happened

Json = dict[str, Any]

URL = "/v1/events"
REACH_BACK = 30 * 86_400
MOST_TYPES = 20


async def retrieve(call: Call) -> Json:
    event = await happened.one(call.world.database, call.path["id"])
    if event is None:
        raise NoSuchObject("event", call.path["id"])
    return event


async def list_all(call: Call) -> Json:
    given = call.params
    types: list[str] = given.get("types") or ([given["type"]] if "type" in given else [])
    if "type" in given and "types" in given:
        raise InvalidParameter("Give `type` or `types`, not both.", param="types")
    if len(types) > MOST_TYPES:
        raise InvalidParameter(f"At most {MOST_TYPES} types.", param="types")
    limit = listing.limit_of(given)
    created = listing.created_bounds(given.get("created"))
    created["gte"] = max(created.get("gte", 0), call.at - REACH_BACK)
    found = await happened.newest(
        call.world.database,
        count=limit + 1,
        types=types,
        created=created,
        delivered=given.get("delivery_success"),
        before=await _place(call, "starting_after"),
        after=await _place(call, "ending_before"),
    )
    kept = found[-limit:] if "ending_before" in given else found[:limit]
    return listing.listed(kept, URL, has_more=len(found) > limit)


async def retry(call: Call) -> Json:
    """Send an event once more: to one endpoint, to all that want it, or to whoever listens on a command line."""
    event = await retrieve(call)
    if call.params.get("for_stripecli"):
        for listener in call.world.listeners:
            listener(event)
        return event
    endpoint_id = call.params.get("webhook_endpoint")
    endpoints = call.world.queue.endpoints
    if endpoint_id is not None and endpoint_id not in endpoints:
        raise NoSuchObject("webhook endpoint", endpoint_id, param="webhook_endpoint", in_path=False)
    receivers = [endpoint_id] if endpoint_id else [one.id for one in endpoints.values() if one.wants(event["type"])]
    call.unit.deliveries.extend(call.world.addresser.resend(event, receiver) for receiver in receivers)
    return event


async def _place(call: Call, param: str) -> int | None:
    event_id = call.params.get(param)
    if event_id is None:
        return None
    place = await happened.place_of(call.world.database, event_id)
    if place is None:
        raise NoSuchObject("event", event_id, param=param, in_path=False)
    return place
