"""Time, bad luck, and a clean slate."""

from typing import Annotated, Any

import msgspec
from litestar import delete, get, post

from stripe_simulator.core import Core
from stripe_simulator.faults import Rule

Json = dict[str, Any]


class AdvanceRequest(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """How far the clock moves."""

    seconds: Annotated[float, msgspec.Meta(ge=0)]


@get("/clock")
async def clock(core: Core) -> Json:
    """The simulator's time."""
    return {"now": core.world.clock.now()}


@post("/clock/advance", status_code=200)
async def advance(core: Core, data: AdvanceRequest) -> Json:
    """Move the clock; whatever becomes due on the way has happened when the answer comes."""
    await core.advance(data.seconds)
    return {"now": core.world.clock.now()}


@get("/faults")
async def faults(core: Core) -> Json:
    """The rules in force."""
    return {"faults": [msgspec.to_builtins(rule) for rule in core.world.faults.rules]}


@post("/faults", status_code=200)
async def add_fault(core: Core, data: Rule) -> Json:
    """Put a rule in force."""
    return msgspec.to_builtins(core.world.faults.add(data))


@delete("/faults", status_code=200)
async def remove_faults(core: Core) -> Json:
    """Lift every rule."""
    core.world.faults.remove()
    return {"faults": []}


@delete("/faults/{rule_id:str}", status_code=200)
async def remove_fault(core: Core, rule_id: str) -> Json:
    """Lift one rule."""
    core.world.faults.remove(rule_id)
    return await faults.fn(core)


@post("/reset", status_code=200)
async def reset(core: Core) -> Json:
    """Forget everything."""
    await core.reset()
    return {"now": core.world.clock.now()}


HANDLERS = [clock, advance, faults, add_fault, remove_faults, remove_fault, reset]
