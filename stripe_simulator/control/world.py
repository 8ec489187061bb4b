"""Time, bad luck, and a clean slate."""

from typing import Annotated, Any

import msgspec
from litestar import delete, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody

from stripe_simulator.core import Core
from stripe_simulator.faults import Rule

Json = dict[str, Any]


class AdvanceRequest(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """How far the clock moves."""

    seconds: Annotated[float, msgspec.Meta(ge=0)]


class RateRequest(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """25 is the limit of Stripe's sandbox; None is no limit."""

    per_second: Annotated[int, msgspec.Meta(ge=1)] | None


@get("/clock")
async def clock(core: NamedDependency[Core]) -> Json:
    """The simulator's time."""
    return {"now": core.world.clock.now()}


@post("/clock/advance", status_code=200)
async def advance(core: NamedDependency[Core], data: JSONBody[AdvanceRequest]) -> Json:
    """Move the clock; whatever becomes due on the way has happened when the answer comes."""
    await core.advance(data.seconds)
    return {"now": core.world.clock.now()}


@get("/faults")
async def faults(core: NamedDependency[Core]) -> Json:
    """The rules in force."""
    return {"faults": [msgspec.to_builtins(rule) for rule in core.world.faults.rules]}


@post("/faults", status_code=200)
async def add_fault(core: NamedDependency[Core], data: JSONBody[Rule]) -> Json:
    """Put a rule in force."""
    return msgspec.to_builtins(core.world.faults.add(data))


@delete("/faults", status_code=200)
async def remove_faults(core: NamedDependency[Core]) -> Json:
    """Lift every rule."""
    core.world.faults.remove()
    return {"faults": []}


@delete("/faults/{rule_id:str}", status_code=200)
async def remove_fault(core: NamedDependency[Core], rule_id: FromPath[str]) -> Json:
    """Lift one rule."""
    core.world.faults.remove(rule_id)
    return await faults.fn(core)


@post("/rate_limit", status_code=200)
async def limit_rate(core: NamedDependency[Core], data: JSONBody[RateRequest]) -> Json:
    """Limit every API endpoint to so many requests a second, or lift the limit."""
    core.world.endpoint_rate_limit = data.per_second
    return {"per_second": data.per_second}


class AccountRequest(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """An account that is not activated yet, or settles in another currency."""

    charges_enabled: bool = True
    default_currency: str = "eur"


@post("/account", status_code=200)
async def amend_account(core: NamedDependency[Core], data: JSONBody[AccountRequest]) -> Json:
    """Change what `/v1/account` says; payments are taken all the same, as in test mode."""
    core.world.account |= msgspec.to_builtins(data)
    return core.world.account


@post("/reset", status_code=200)
async def reset(core: NamedDependency[Core]) -> Json:
    """Forget everything."""
    await core.reset()
    return {"now": core.world.clock.now()}


HANDLERS = [clock, advance, faults, add_fault, remove_faults, remove_fault, limit_rate, amend_account, reset]
