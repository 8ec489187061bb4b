"""A session ends unpaid: its time is over, or the seller ends it."""

from stripe_simulator.errors import NotAllowed
from stripe_simulator.payments.cancel import cancel_intent
from stripe_simulator.store.record import Record
from stripe_simulator.store.unit import Unit
from stripe_simulator.world import World


async def expire(world: World, unit: Unit, session: Record) -> None:
    """Open -> expired, with `checkout.session.expired`. Raises NotAllowed for a session that is not open."""
    status = session.doc["status"]
    if status != "open":
        raise NotAllowed(
            f'Only Checkout Sessions with a status in ["open"] can be expired. '
            f"This Checkout Session has a status of `{status}`."
        )
    session.doc.update(status="expired", url=None)
    unit.put(session)
    unit.no_longer("expire_session", session.id)
    unit.emit("checkout.session.expired", session.doc)
    if session.doc["payment_intent"] is not None and world.settings.cancel_payment_on_expiry:
        intent = await unit.lock("payment_intent", session.doc["payment_intent"])
        if intent is not None:
            cancel_intent(unit, intent, reason="expired")


async def expire_when_due(world: World, unit: Unit, session_id: str) -> None:
    """The clock passed `expires_at`."""
    session = await unit.lock("checkout.session", session_id)
    if session is not None and session.doc["status"] == "open":
        await expire(world, unit, session)
