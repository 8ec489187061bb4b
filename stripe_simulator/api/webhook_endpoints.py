"""`/v1/webhook_endpoints`."""

from typing import Any

from stripe_simulator.api import listing, metadata
from stripe_simulator.api.call import Call
from stripe_simulator.checkout.rules import URL as URL_PATTERN
from stripe_simulator.errors import InvalidParameter, NotAllowed
from stripe_simulator.shapes import shape
from stripe_simulator.store import objects
from stripe_simulator.store.record import Record
from stripe_simulator.store.unit import Unit

Json = dict[str, Any]

URL = "/v1/webhook_endpoints"
KIND = "webhook_endpoint"
MOST_ENDPOINTS = 16


async def create(call: Call) -> Json:
    if call.params.get("connect"):
        raise InvalidParameter("The simulator knows no connected accounts.", param="connect")
    if len(call.world.queue.endpoints) >= MOST_ENDPOINTS:
        raise NotAllowed(f"An account has at most {MOST_ENDPOINTS} webhook endpoints.")
    endpoint = new_endpoint(call.unit, call.params)
    return {**endpoint.doc, "secret": endpoint.hidden["secret"]}


async def retrieve(call: Call) -> Json:
    return (await call.find(KIND, call.path["webhook_endpoint"])).doc


async def update(call: Call) -> Json:
    endpoint = await call.lock(KIND, call.path["webhook_endpoint"])
    given = call.params
    for name in ("url", "enabled_events", "description"):
        if name in given:
            endpoint.doc[name] = given[name]
    _check_url(endpoint.doc["url"])
    if "disabled" in given:
        endpoint.doc["status"] = "disabled" if given["disabled"] else "enabled"
        if given["disabled"]:
            call.unit.silence(endpoint.id)
    endpoint.doc["metadata"] = metadata.changed(endpoint.doc["metadata"], given)
    return call.unit.put(endpoint).doc


async def delete(call: Call) -> Json:
    endpoint = await call.lock(KIND, call.path["webhook_endpoint"])
    call.unit.remove(KIND, endpoint.id)
    call.unit.silence(endpoint.id)
    return {"id": endpoint.id, "object": KIND, "deleted": True}


async def list_all(call: Call) -> Json:
    return await listing.page_of(call, KIND, URL)


def new_endpoint(unit: Unit, given: Json, secret: str | None = None) -> Record:
    """An enabled endpoint with its signing secret."""
    _check_url(given["url"])
    doc = shape(
        KIND,
        id=unit.ids.made("we", unit.at),
        object=KIND,
        api_version=given.get("api_version"),
        created=unit.at,
        description=given.get("description"),
        enabled_events=given["enabled_events"],
        livemode=False,
        metadata=metadata.fresh(given.get("metadata")),
        status="enabled",
        url=given["url"],
    )
    return unit.make(KIND, doc, secret=secret or unit.ids.secret("whsec"), old_secrets=[])


async def ensure_endpoint(unit: Unit, given: Json, secret: str) -> Record:
    """The endpoint with this address, made or changed so that it has this secret and these events."""
    for known in await objects.of_kind(unit.reader(), KIND):
        if known.doc["url"] == given["url"]:
            known.doc.update(enabled_events=given["enabled_events"], api_version=given["api_version"], status="enabled")
            known.hidden.update(secret=secret, old_secrets=[])
            return unit.put(known)
    return new_endpoint(unit, given, secret)


def _check_url(url: str) -> None:
    if not URL_PATTERN.fullmatch(url) or not url.startswith(("http://", "https://")):
        raise InvalidParameter(
            "Invalid URL: a webhook endpoint needs an http or https address.", code="url_invalid", param="url"
        )
