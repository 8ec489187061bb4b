"""What happens by itself when its moment comes, in the order of its moments."""

import logging
from typing import Any

import msgspec

from stripe_simulator.checkout.expire import expire_when_due
from stripe_simulator.errors import StripeError
from stripe_simulator.payments.cancel import release_authorization
from stripe_simulator.payments.dispute import close_dispute, escalate
from stripe_simulator.payments.refund import decide_refund, tell_refund_updated
from stripe_simulator.payments.settle import settle, tell_charge_updated
from stripe_simulator.store.database import DATABASE_PROBLEMS
from stripe_simulator.store.unit import Unit
from stripe_simulator.world import World

DUE = "SELECT id, due, action, subject, detail FROM later WHERE due <= $1 ORDER BY due, id LIMIT $2"
NEXT = "SELECT min(due) AS due FROM later"
PUT_OFF = "UPDATE later SET due = $2 WHERE id = $1"
AT_ONCE = 200
SECONDS_PUT_OFF = 10.0

logger = logging.getLogger(__name__)


async def turn(world: World) -> int:
    """Let everything happen that is due now; answers how much that was."""
    done = 0
    while rows := await world.database.rows(DUE, world.clock.now(), AT_ONCE):
        for row in rows:
            await _let_happen(world, dict(row))
            done += 1
    return done


async def next_moment(world: World) -> float | None:
    """When something will happen next."""
    rows = await world.database.rows(NEXT)
    return rows[0]["due"]


async def _let_happen(world: World, row: dict[str, Any]) -> None:
    """One of them, in a unit of work of its own; what cannot happen now is put off and does not hold up the rest."""
    unit = world.unit(at=row["due"])
    try:
        await _happen(world, unit, row["action"], row["subject"], msgspec.json.decode(row["detail"]))
        unit.given_up.append(row["id"])
        await world.commit(unit)
    except (StripeError, *DATABASE_PROBLEMS):
        await unit.rollback()
        await world.database.run(PUT_OFF, row["id"], world.clock.now() + SECONDS_PUT_OFF)
        logger.exception("%s of %s is put off", row["action"], row["subject"])
    except BaseException:
        await unit.rollback()
        raise


async def _happen(world: World, unit: Unit, action: str, subject: str, detail: dict[str, Any]) -> None:
    match action:
        case "expire_session":
            await expire_when_due(world, unit, subject)
        case "charge_updated":
            await tell_charge_updated(unit, subject)
        case "refund_updated":
            await tell_refund_updated(unit, subject)
        case "refund_outcome":
            await decide_refund(unit, subject, detail["outcome"])
        case "settle":
            await settle(unit, subject)
        case "release_authorization":
            await release_authorization(unit, subject)
        case "dispute_outcome":
            await _decide_dispute(unit, subject, detail["outcome"])
        case _:
            raise ValueError(f"nothing is known to happen as {action!r}")


async def _decide_dispute(unit: Unit, dispute_id: str, outcome: str) -> None:
    dispute = await unit.lock("dispute", dispute_id)
    if dispute is None or dispute.doc["status"] in ("won", "lost", "warning_closed"):
        return
    if outcome == "escalated":
        escalate(unit, dispute)
    else:
        close_dispute(unit, dispute, outcome)
