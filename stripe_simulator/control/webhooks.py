"""Endpoints with known secrets, rolled secrets, forged events, and a look at the deliveries."""

from typing import Any

import msgspec
from litestar import get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody

from stripe_simulator.api.webhook_endpoints import KIND, ensure_endpoint
from stripe_simulator.control.problem import ControlProblem
from stripe_simulator.core import Core
from stripe_simulator.settings import API_VERSION
from stripe_simulator.store import outbox
from stripe_simulator.store.unit import Unit

Json = dict[str, Any]

NEWEST = 200


class EnsureRequest(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """An endpoint whose secret both sides know beforehand."""

    url: str
    secret: str
    enabled_events: list[str] = msgspec.field(default_factory=lambda: ["*"])
    api_version: str | None = API_VERSION


class RollRequest(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """The new secret, if it is to be a known one, and how long the old one stays valid."""

    secret: str | None = None
    overlap_seconds: float | None = None


class ForgeRequest(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """An event of other software on the same account."""

    type: str
    object: Json
    previous_attributes: Json | None = None


class FlushRequest(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """How many real seconds to wait at most."""

    timeout: float = 10.0


@post("/webhook_endpoints/ensure", status_code=200)
async def ensure(core: NamedDependency[Core], data: JSONBody[EnsureRequest]) -> Json:
    """Make the endpoint, or give the one with this address this secret and these events."""

    given = {"url": data.url, "enabled_events": data.enabled_events, "api_version": data.api_version}
    endpoint = await core.act(lambda unit: ensure_endpoint(unit, given, data.secret))
    return endpoint.doc


@post("/webhook_endpoints/{endpoint_id:str}/roll_secret", status_code=200)
async def roll_secret(core: NamedDependency[Core], endpoint_id: FromPath[str], data: JSONBody[RollRequest]) -> Json:
    """A new secret; until the overlap ends every delivery carries two signatures."""

    async def verb(unit: Unit) -> Json:
        endpoint = await unit.lock(KIND, endpoint_id)
        if endpoint is None:
            raise ControlProblem(f"No such webhook endpoint: {endpoint_id}", 404)
        overlap = core.world.settings.secret_overlap if data.overlap_seconds is None else data.overlap_seconds
        old = {"secret": endpoint.hidden["secret"], "until": core.world.clock.now() + overlap}
        endpoint.hidden["old_secrets"] = [old] if overlap > 0 else []
        endpoint.hidden["secret"] = data.secret or unit.ids.secret("whsec")
        unit.put(endpoint)
        return {**endpoint.doc, "secret": endpoint.hidden["secret"]}

    return await core.act(verb)


@post("/events/forge", status_code=200)
async def forge(core: NamedDependency[Core], data: JSONBody[ForgeRequest]) -> Json:
    """Send an event about an object that this account's other software made."""

    async def verb(unit: Unit) -> Json:
        event = unit.emit(data.type, data.object, data.previous_attributes)
        return {"id": event["id"], "type": event["type"]}

    return await core.act(verb)


@get("/deliveries")
async def deliveries(core: NamedDependency[Core], limit: FromQuery[int] = NEWEST) -> Json:
    """The newest deliveries with what came of them."""
    return {"deliveries": await outbox.newest(core.world.database, min(limit, NEWEST))}


@post("/deliveries/flush", status_code=200)
async def flush(core: NamedDependency[Core], data: JSONBody[FlushRequest | None] = None) -> Json:
    """Wait until nothing that is due is left unsent."""
    return {"idle": await core.world.queue.flush((data or FlushRequest()).timeout)}


HANDLERS = [ensure, roll_secret, forge, deliveries, flush]
