"""Every order of up to six events, some of them twice, ends in the same state.

A story does what leads to the events while none of them is delivered; then they come in every order to the same
beginning. All types that are worked today take part; a new one does as soon as it is in `EVENTS`, once a story here
makes it happen. To add a story: write a coroutine and put it into `STORIES`.
"""

from collections.abc import Awaitable, Callable, Coroutine, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import permutations
from random import Random
from typing import Any

import pytest

from boxoffice.orders.buy import Bought, OrderRequest, buy
from boxoffice.orders.decide_refund import Wish, decide_refund
from boxoffice.orders.on_stripe import EVENTS
from boxoffice.orders.place import Line
from boxoffice.worker.tick import run_jobs
from local_postgres import LocalPostgres
from stripe_simulator.payments.bank_debits import BANK_DEBITS
from tests.conftest import TEMPLATE
from tests.simulation.actors import deliver, success
from tests.simulation.asking import passes
from tests.simulation.paying import DECLINED, FAILING_REFUND, GOOD, PENDING_REFUND, card, session_of
from tests.simulation.run import clear, until_done
from tests.simulation.seeds import databases, in_a_world
from tests.simulation.world import SLUG, Chances, World

Json = dict[str, Any]
Story = Callable[[World], Awaitable[None]]

MOST_EVENTS = 6
DAY = 24 * 3600.0
CALM = Chances(
    early=2, regular=2, room=4, friends=0, buyers=0, promo=False, webhooks="all",
    stripe_fault=0, mail_fault=0, cut=0, crashes=0, sticky=0,
)  # fmt: skip
# What must be the same. The ledger by its balances: a refund that failed before we heard of it needs no entry.
STATE = """
SELECT 'order' AS kind, concat_ws(' ', status, ended_reason, review_reason) AS what FROM orders
UNION ALL SELECT 'attempt', concat_ws(' ', number, status) FROM payment_attempt
UNION ALL SELECT 'tickets', concat_ws(' ', status, blocked_reason, count(*)) FROM ticket GROUP BY status, blocked_reason
UNION ALL SELECT 'dispute', concat_ws(' ', id, amount_minor, status) FROM dispute
UNION ALL SELECT 'payment', concat_ws(' ', payment_intent_id, amount_minor, purpose) FROM payment
UNION ALL SELECT 'refund', concat_ws(' ', decision, amount_minor, status) FROM refund
UNION ALL SELECT 'books', concat_ws(' ', account, sum(debit_minor - credit_minor)) FROM ledger_entry GROUP BY account
UNION ALL SELECT 'units', concat_ws(' ', id, used) FROM stock
UNION ALL SELECT 'asked for', name FROM job WHERE name <> 'mail_settling' AND done_at IS NULL
UNION ALL SELECT 'not handled', type FROM stripe_event WHERE handled_at IS NULL
ORDER BY 1, 2
"""


async def paid_at_the_second_try(world: World) -> None:
    """A declined card, then a good one."""
    _, session = await _order(world)
    await world.stripe.pay(session, card(DECLINED), "somebody@example.org")
    await world.stripe.pay(session, card(GOOD), "somebody@example.org")
    _say_again(world, "checkout.session.completed", "payment_intent.succeeded", "payment_intent.payment_failed")


async def paid_by_bank(world: World) -> None:
    """Complete at once, paid three days later."""
    _, session = await _order(world)
    await world.stripe.pay(session, BANK_DEBITS["bank_debit"], "somebody@example.org")
    await passes(world, 4 * DAY)
    _say_again(world, "checkout.session.completed", "checkout.session.async_payment_succeeded")


async def not_paid_by_bank(world: World) -> None:
    """Complete at once, and the money never comes."""
    _, session = await _order(world)
    await world.stripe.pay(session, BANK_DEBITS["bank_debit_fails"], "somebody@example.org")
    await passes(world, 4 * DAY)
    _say_again(world, "checkout.session.completed", "checkout.session.async_payment_failed")


async def left_alone(world: World) -> None:
    """A declined card, and the session runs out."""
    _, session = await _order(world)
    await world.stripe.pay(session, card(DECLINED), "somebody@example.org")
    await passes(world, 3600.0)
    _say_again(world, "checkout.session.expired", "payment_intent.payment_failed")


async def refunded(world: World, number: str) -> None:
    """Another amount was paid; a day later it goes back, and the answer to that call is lost."""
    order, session = await _order(world)
    await world.stripe.amend(session, 1300)
    await world.stripe.pay(session, card(number), "somebody@example.org")
    await world.ask("web-1", lambda box: success(box, order.code, session))
    await passes(world, DAY + 3600)
    await world.ask("worker-1", run_jobs)
    world.stripe.next_fault = "lost_response"
    await world.ask("worker-1", run_jobs)
    assert world.stripe.next_fault is None, "the refund was not asked for"
    await passes(world, 60.0)


async def refunded_at_stripe(world: World, *parts: int | None) -> None:
    """Paid, and refunded in the Dashboard, before we hear of either."""
    _, session = await _order(world)
    await world.stripe.pay(session, card(GOOD), "somebody@example.org")
    charge = await _only(world, world.stripe.charges)
    for part in parts:
        assert await world.stripe.refund(charge, part, "succeeds")
    if len(parts) > 1:
        _leave_out(world, "payment_intent.succeeded")


async def refunded_here_and_there(world: World) -> None:
    """A part is refunded here, whose answer is lost; the rest of it in the Dashboard."""
    order, session = await _order(world)
    await world.stripe.pay(session, card(GOOD), "somebody@example.org")
    await world.ask("web-1", lambda box: success(box, order.code, session))
    world.stripe.events.clear()
    await world.ask("web-1", lambda box: box.db.attempt(decide_refund, order.code, Wish(amount_minor=500)))
    world.stripe.next_fault = "lost_response"
    await world.ask("worker-1", run_jobs)
    assert world.stripe.next_fault is None, "the refund was not asked for"
    charge = await _only(world, world.stripe.charges)
    assert await world.stripe.refund(charge, None, "succeeds")


async def disputed(world: World, *outcomes: str, inquiry: bool = False, part: bool = False) -> None:
    """Paid and disputed, before we hear of either, until the bank has decided."""
    _, session = await _order(world)
    await world.stripe.pay(session, card(GOOD), "somebody@example.org")
    charge = await _only(world, world.stripe.charges)
    assert await world.stripe.dispute(charge, inquiry=inquiry, part=part)
    dispute = await _only(world, world.stripe.disputes)
    for outcome in outcomes:
        assert await world.stripe.decide_dispute(dispute, outcome)
    if inquiry or "won" in outcomes:
        _leave_out(world, "payment_intent.succeeded")


async def refunded_and_disputed(world: World) -> None:
    """A part is refunded in the Dashboard, and the bank takes the rest for good."""
    _, session = await _order(world)
    await world.stripe.pay(session, card(GOOD), "somebody@example.org")
    charge = await _only(world, world.stripe.charges)
    assert await world.stripe.refund(charge, 500, "succeeds")
    assert await world.stripe.dispute(charge, inquiry=False, part=False)
    dispute = await _only(world, world.stripe.disputes)
    assert await world.stripe.decide_dispute(dispute, "lost")
    _leave_out(world, "payment_intent.succeeded")


STORIES: dict[str, Story] = {
    "paid at the second try": paid_at_the_second_try,
    "paid by bank": paid_by_bank,
    "not paid by bank": not_paid_by_bank,
    "left alone": left_alone,
    "refunded": partial(refunded, number=GOOD),
    "refunded after a while": partial(refunded, number=PENDING_REFUND),
    "the refund fails": partial(refunded, number=FAILING_REFUND),
    "refunded at Stripe": lambda world: refunded_at_stripe(world, None),
    "refunded at Stripe in parts": lambda world: refunded_at_stripe(world, 500, None),
    "refunded here and there": refunded_here_and_there,
    "disputed and won": lambda world: disputed(world, "won"),
    "disputed and lost": lambda world: disputed(world, "lost"),
    "a part disputed and lost": lambda world: disputed(world, "lost", part=True),
    "asked about and let go": lambda world: disputed(world, "warning_closed", inquiry=True),
    "asked about and lost": lambda world: disputed(world, "escalated", "lost", inquiry=True),
    "refunded and disputed": refunded_and_disputed,
}


@pytest.mark.slow
@pytest.mark.parametrize("story", STORIES)
def test_every_order_of_events_ends_in_the_same_state(postgres: LocalPostgres, worker_id: str, story: str) -> None:
    name = f"permutations_{worker_id}"
    with databases(postgres, name, TEMPLATE), ThreadPoolExecutor(1) as threads:
        ends = threads.submit(in_a_world, postgres, name, lambda world: _ends(world, STORIES[story])).result()
    assert len(ends) == 1, "\n\n".join(f"{order}:\n  " + "\n  ".join(state) for state, order in ends.items())


async def _ends(world: World, story: Story) -> dict[tuple[str, ...], str]:
    """Every state in which an order of the events ends, with one that leads there."""
    await world.begin(1, chances=CALM)
    world.calm()
    with world.in_charge(1):
        await _act(world, story(world))
        events = [event for event in world.stripe.events if event["type"] in EVENTS][:MOST_EVENTS]
        assert len(events) >= 3, [event["type"] for event in world.stripe.events]
        await world.observer.keep()
        ends: dict[tuple[str, ...], str] = {}
        for number, order in enumerate(permutations(events)):
            await world.observer.restore()
            await _act(world, _come(world, Random(number), list(order)))
            state = tuple(f"{row['kind']}: {row['what']}" for row in await world.observer.rows(STATE))
            ends.setdefault(state, ", ".join(f"{event['type']} {event['id'][-4:]}" for event in order))
    return ends


async def _come(world: World, random: Random, order: list[Json]) -> None:
    """The events in this order; some that were there before come again in between."""
    for place, event in enumerate(order):
        assert await deliver(world, "web-1", event)
        if random.random() < 0.5:
            assert await deliver(world, "web-1", random.choice(order[: place + 1]))


async def _act(world: World, work: Any) -> None:
    actor = world.scheduler.spawn("story", work)
    try:
        await until_done(world, [actor], every_commit=False)
    finally:
        await clear(world, [actor])


async def _order(world: World) -> tuple[Bought, str]:
    request = OrderRequest("key-of-the-story-1", "somebody@example.org", (Line(world.types["Entry"], 1),))
    order = await world.ask("web-1", lambda box: buy(box.till, SLUG, request))
    assert order.checkout_url is not None
    return order, session_of(order.checkout_url)


async def _only(world: World, ask: Callable[[], Coroutine[Any, Any, Iterable[str]]]) -> str:
    """The id of the only one of its kind at Stripe."""
    (one,) = await world.scheduler.outside("looks at Stripe", ask)
    return one


def _leave_out(world: World, *types: str) -> None:
    """Never delivered: the others must do."""
    world.stripe.events[:] = [event for event in world.stripe.events if event["type"] not in types]


def _say_again(world: World, *types: str) -> None:
    """Stripe sometimes makes two events of one change: the same words under another id."""
    again = [event | {"id": event["id"] + "again"} for event in world.stripe.events if event["type"] in types]
    world.stripe.events += again
