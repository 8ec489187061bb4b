"""Who does what. An actor is a coroutine that asks processes, pays at Stripe, or breaks something.

A new actor: write `async def name(world, random)`, and say in `cast_of` how many of them a world has.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from random import Random
from typing import Any

import msgspec

from boxoffice.box import BoxOffice
from boxoffice.hooks.stripe import webhook
from boxoffice.orders.buy import Bought, OrderRequest, buy
from boxoffice.orders.cancel_night import call_off, cancel_some, night_to_cancel
from boxoffice.orders.decide_refund import Wish, ask_again, decide_refund
from boxoffice.orders.look import look
from boxoffice.orders.order import OrderView, show_order
from boxoffice.orders.pay import advance
from boxoffice.orders.place import Line
from boxoffice.orders.reconcile import reconcile_recent
from boxoffice.orders.release import give_up
from boxoffice.orders.repair import read_missed_events, repair
from boxoffice.orders.send_refund import look_at_refunds, send_refund
from boxoffice.worker.tick import run_jobs
from stripe_simulator.deliveries.signature import signature_header
from stripe_simulator.payments.cards import RefundOutcome
from tests.simulation.asking import TRIES, WEB, WORKERS, once, passes, patiently, rest
from tests.simulation.at_the_door import DOOR, cash_seller, promoter, scans
from tests.simulation.card_sales import ask_in_the_end, card_seller
from tests.simulation.invariants import WAITS
from tests.simulation.paying import MINUTE, WAYS, session_of
from tests.simulation.sending_on import end_offers, late_sender, sender
from tests.simulation.world import EXPECTED, SLUG, WEBHOOK_SECRET, World

Json = dict[str, Any]
Actor = Coroutine[Any, Any, None]

TICKETS = """
SELECT ticket.code, orders.code AS "order" FROM ticket JOIN orders ON orders.id = order_id ORDER BY 1
"""
REFUND_OUTCOMES: tuple[RefundOutcome, ...] = ("succeeds", "succeeds", "pending", "fails")
FAILURES_MAX = 5
JUMPS = (0.5, 3.0, 3.0, 20.0, 20.0, 2 * MINUTE, 6 * MINUTE, 16 * MINUTE, 45 * MINUTE)
HEAL_JUMPS = (MINUTE, 6 * MINUTE, 16 * MINUTE, 45 * MINUTE, 90 * MINUTE)
DAYS = (25 * 60 * MINUTE, 76 * 60 * MINUTE)
"""A review ends within the first, a bank debit is settled or fails within both."""
A_LONG_WHILE = 70 * MINUTE
"""Longer than any back-off."""
QUIET_ROUNDS = 2
HEAL_ROUNDS_MAX = 12


def cast_of(world: World) -> dict[str, Actor]:
    """Everybody in this world, by name."""
    chances, seed = world.chances, world.random.random()

    def chance(name: str) -> Random:
        return Random(f"{seed} {name}")

    cast: dict[str, Actor] = {f"buyer-{n}": buyer(world, chance(f"buyer {n}")) for n in range(1, chances.buyers + 1)}
    cast["clock"] = clock(world, chance("clock"))
    cast["repair"] = repair_worker(world, chance("repair"))
    cast["jobs"] = job_worker(world, chance("jobs"))
    cast["reader"] = event_reader(world, chance("reader"))
    cast["comparer"] = comparer(world, chance("comparer"))
    if chances.webhooks != "none":
        cast |= {f"post-{n}": deliverer(world, chance(f"post {n}")) for n in (1, 2, 3)}
        cast["stranger"] = stranger(world, chance("stranger"))
    cast |= {f"refunder-{n}": refunder(world, chance(f"refunder {n}")) for n in range(1, chances.refunders + 1)}
    if chances.dashboard:
        cast["dashboard"] = dashboard(world, chance("dashboard"))
    if chances.bank:
        cast["bank"] = bank(world, chance("bank"))
    if chances.door:
        cast["door"] = door(world, chance("door"))
    if chances.called_off:
        cast["organiser"] = organiser(world, chance("organiser"))
    cast |= {f"sender-{n}": sender(world, chance(f"sender {n}")) for n in range(1, chances.senders + 1)}
    cast |= {f"promoter-{n}": promoter(world, chance(f"promoter {n}")) for n in range(1, chances.promoters + 1)}
    cast |= {f"seller-{n}": cash_seller(world, chance(f"seller {n}"), n) for n in range(1, chances.sellers + 1)}
    cast |= {f"card-{n}": card_seller(world, chance(f"card {n}"), n) for n in range(1, chances.card_sellers + 1)}
    if chances.transfer_hours:
        cast["late-sender"] = late_sender(world, chance("late sender"))
    if chances.crashes:
        cast["crashes"] = crasher(world, chance("crashes"))
    return cast


async def buyer(world: World, random: Random) -> None:
    """Somebody wants tickets, by one of many ways."""
    world.buyers_left += 1
    try:
        await _buys(world, random)
    finally:
        world.buyers_left -= 1


async def _buys(world: World, random: Random) -> None:
    await rest(world, random.choice([0, 5, 40, 150]), "thinks")
    order = await _order(world, random)
    if order is None or order.status == "paid":
        return
    session = await _session_of(world, random, order)
    if session is None:
        return
    await random.choice(WAYS)(world, random, session, lambda box: _give_up(box, order.code))
    for _ in range(random.randint(0, 3)):
        await rest(world, random.randint(0, 4), "comes back")
        await _visit(world, random, lambda box: success(box, order.code, session))


async def clock(world: World, random: Random) -> None:
    """Time passes, mostly a little."""
    while world.buyers_left:
        await rest(world, random.randint(10, 120), "ticks")
        await passes(world, random.choice(JUMPS))


async def repair_worker(world: World, random: Random) -> None:
    """The worker's searches."""
    while world.buyers_left:
        await rest(world, random.randint(20, 200), "rests")
        await once(world, random.choice(WORKERS), lambda box: repair(box.till))


async def job_worker(world: World, random: Random) -> None:
    """The worker's jobs."""
    while world.buyers_left:
        await rest(world, random.randint(20, 120), "rests")
        await once(world, random.choice(WORKERS), run_jobs)
        if random.random() < 0.2:
            await once(world, random.choice(WORKERS), lambda box: look_at_refunds(box.till))


async def event_reader(world: World, random: Random) -> None:
    """Reads Stripe's own list of events."""
    while world.buyers_left:
        await rest(world, random.randint(50, 300), "rests")
        await once(world, random.choice(WORKERS), lambda box: read_missed_events(box.till))


async def comparer(world: World, random: Random) -> None:
    """Compares with Stripe what is written down."""
    while world.buyers_left:
        await rest(world, random.randint(50, 400), "rests")
        await once(world, random.choice(WORKERS), lambda box: reconcile_recent(box.till))


async def refunder(world: World, random: Random) -> None:
    """A person gives money back: an order, a ticket, an amount; sometimes twice at once, sometimes once more."""
    for _ in range(random.randint(1, 4)):
        await rest(world, random.randint(20, 250), "reads a mail")
        tickets = await world.scheduler.outside("looks at orders", lambda: world.observer.rows(TICKETS))
        if not tickets:
            continue
        ticket = random.choice(tickets)
        wishes = [_wish(random, ticket["code"]) for _ in range(random.choice([1, 1, 2]))]
        if random.random() < 0.3:
            wishes.append(wishes[0])
        await asyncio.gather(*(_asks(world, random, ticket["order"], wish) for wish in wishes))


def _wish(random: Random, ticket: str) -> Wish:
    override = random.random() < 0.5
    return random.choice(
        [
            Wish(override_used=override),
            Wish((ticket,), override_used=override),
            Wish((ticket,), random.choice([0, 500]), override_used=override),
            Wish(amount_minor=random.choice([100, 700, 1200])),
        ]
    )


async def _asks(world: World, random: Random, order: str, wish: Wish) -> None:
    process = random.choice(WEB)
    if random.random() < 0.15:
        await once(world, process, lambda box: box.db.attempt(ask_again, order))
        return
    decided = await patiently(world, random, lambda box: box.db.attempt(decide_refund, order, wish))
    if decided is not None and decided.refund_id is not None and random.random() < 0.5:  # the command sends at once
        await once(world, process, lambda box: send_refund(box.till, decided.plan.event_id, decided.refund_id))


async def dashboard(world: World, random: Random) -> None:
    """Somebody refunds at Stripe, and we hear of it later."""
    for _ in range(random.randint(1, 4)):
        await rest(world, random.randint(20, 250), "clicks about")
        charges = await world.scheduler.outside("looks at payments", world.stripe.charges)
        if charges:
            outcome = random.choice(REFUND_OUTCOMES)
            await world.stripe.refund(random.choice(charges), random.choice([None, None, 300, 1200]), outcome)


async def bank(world: World, random: Random) -> None:
    """A bank asks about payments, takes them back, and decides; once it decides again."""
    for _ in range(random.randint(2, 7)):
        await rest(world, random.randint(10, 200), "works")
        disputes = await world.scheduler.outside("looks at disputes", world.stripe.disputes)
        charges = await world.scheduler.outside("looks at payments", world.stripe.charges)
        if disputes and random.random() < 0.65:
            outcome = random.choice(["answered", "escalated", "warning_closed", "won", "lost", "lost", "won"])
            await world.stripe.decide_dispute(random.choice(sorted(disputes)), outcome)
        elif charges:
            inquiry, part = random.random() < 0.3, random.random() < 0.3
            await world.stripe.dispute(random.choice(charges), inquiry=inquiry, part=part)


async def door(world: World, random: Random) -> None:
    """People come in, some of them twice."""
    for _ in range(random.randint(1, 6)):
        await rest(world, random.randint(20, 200), "waits for people")
        tickets = await world.scheduler.outside("looks at a ticket", lambda: world.observer.rows(TICKETS))
        if tickets:
            await scans(world, random, DOOR, random.choice(tickets)["code"])


async def organiser(world: World, random: Random) -> None:
    """Calls the night off, in the middle of its sale."""
    await rest(world, random.randint(150, 600), "looks at the weather")
    await patiently(world, random, _call_off)
    for _ in range(random.randint(0, 3)):
        await rest(world, random.randint(0, 60), "looks how far it has come")
        await once(world, random.choice(WORKERS), lambda box: cancel_some(box.till))


async def _call_off(box: BoxOffice) -> None:
    async with box.db.transaction() as connection:
        await call_off(connection, await night_to_cancel(connection, SLUG), "A storm.")


async def deliverer(world: World, random: Random) -> None:
    """Stripe's post: in any order, twice, late, or not at all. What is not taken is brought again, a few times."""
    lossy = world.chances.webhooks == "lossy"
    hurry = random.choice([2, 10, 60])
    given_up = 0
    while world.buyers_left or (world.stripe.events and given_up < FAILURES_MAX):
        await rest(world, random.randint(0, hurry), "looks for post")
        if not world.stripe.events:
            continue
        batch = [_next_event(world, random) for _ in range(min(random.choice([1, 1, 2, 4]), len(world.stripe.events)))]
        if lossy and random.random() < 0.4:
            world.trace.result("post", f"{len(batch)} are lost")
            continue
        copies = [event for event in batch for _ in range(random.choice([1, 1, 1, 2, 3]))]
        taken = await asyncio.gather(*(deliver(world, random.choice(WEB), event) for event in copies))
        given_up += not all(taken)
        if not all(taken) or random.random() < 0.1:
            world.stripe.events += batch


def _next_event(world: World, random: Random) -> Json:
    late = random.random() < 0.3
    return world.stripe.events.pop(random.randrange(len(world.stripe.events)) if late else 0)


async def stranger(world: World, random: Random) -> None:
    """Deliveries that must be refused, and events of other software that mean nothing here."""
    while world.buyers_left:
        await rest(world, random.randint(20, 200), "waits")
        if not world.stripe.events:
            continue
        event = random.choice(world.stripe.events)
        kind = random.choice(["forged", "other mode", "old", "foreign"])
        refused = not await deliver(world, random.choice(WEB), _altered(event, kind), kind=kind)
        if not refused and kind != "foreign":
            world.strange.append(f"a delivery that was {kind} was taken")


async def crasher(world: World, random: Random) -> None:
    """Processes die between two steps."""
    for _ in range(world.chances.crashes):
        await rest(world, random.randint(10, 300), "sleeps")
        world.crash(random.choice([*WEB, *WORKERS]))


async def healer(world: World, random: Random) -> None:
    """Nothing goes wrong any more, the worker works and time passes: everything must end."""
    world.calm()
    if random.random() < 0.5:
        await _deliver_all(world)
    for jump in HEAL_JUMPS:
        await _work_through(world)
        await passes(world, jump)
    for jump in DAYS:
        if await world.scheduler.outside("does anything wait?", lambda: world.observer.rows(WAITS)):
            await _work_through(world)
            await passes(world, jump)
    quiet = 0
    while quiet < QUIET_ROUNDS:
        quiet = 0 if await _work_through(world) else quiet + 1
        await passes(world, A_LONG_WHILE)
    await ask_in_the_end(world)


async def _work_through(world: World) -> int:
    """The worker's rounds, until there is nothing to do; returns how much there was."""
    total = 0
    for _ in range(HEAL_ROUNDS_MAX):
        found = await world.ask("worker-1", lambda box: repair(box.till))
        found += await world.ask("worker-1", lambda box: cancel_some(box.till))
        found += await world.ask("worker-1", lambda box: look_at_refunds(box.till))
        found += await world.ask("worker-1", end_offers)
        found += await world.ask("worker-1", run_jobs)
        total += found
        if not found:
            break
    total += await world.ask("worker-1", lambda box: read_missed_events(box.till))
    return total + await world.ask("worker-1", lambda box: reconcile_recent(box.till))


async def _order(world: World, random: Random) -> Bought | None:
    name = "Friends" if random.random() < 0.15 else "Entry"
    line = Line(world.types[name], random.choice([1, 1, 2, 2, 3, 4]), None)
    promo = "ONCE" if world.chances.promo and random.random() < 0.5 else None
    request = OrderRequest(f"key-{random.getrandbits(64):016x}", f"b{random.randint(1, 4)}@example.org", (line,), promo)
    if random.random() < 0.25:  # a double click
        both = await asyncio.gather(*(_placed(world, random, request) for _ in range(2)))
        return both[0] or both[1]
    return await _placed(world, random, request)


async def _placed(world: World, random: Random, request: OrderRequest) -> Bought | None:
    bought = await patiently(world, random, lambda box: buy(box.till, SLUG, request))
    if bought is not None:
        world.promised.setdefault(bought.code, bought.status)
    return bought


async def _session_of(world: World, random: Random, order: Bought) -> str | None:
    """The session to pay at, however often the page must be asked."""
    url = order.checkout_url
    for _ in range(TRIES):
        if url is not None:
            return session_of(url)
        await rest(world, random.randint(1, 10), "waits for the payment page")
        view = await _visit(world, random, lambda box: _poll(box, order.code))
        url = view.checkout_url if view is not None else None
    return None


async def _visit(world: World, random: Random, verb: Callable[[BoxOffice], Awaitable[OrderView]]) -> OrderView | None:
    try:
        view = await world.ask(random.choice(WEB), verb)
    except EXPECTED:
        return None
    if world.promised.get(view.order.code) != "paid":
        world.promised[view.order.code] = view.order.status
    return view


async def _poll(box: BoxOffice, code: str) -> OrderView:
    async with box.db.transaction() as connection:
        view = await show_order(connection, code)
    return await advance(box.till, view)


async def success(box: BoxOffice, code: str, session: str) -> OrderView:
    """The page that Stripe leads back to."""
    async with box.db.transaction() as connection:
        view = await show_order(connection, code)
    return await look(box.till, view, session)


async def _give_up(box: BoxOffice, code: str) -> OrderView:
    async with box.db.transaction() as connection:
        view = await show_order(connection, code)
    return await give_up(box.till, view)


@dataclass(frozen=True)
class _Delivery:
    """As much of a request as the webhook reads."""

    raw: bytes
    headers: dict[str, str]

    async def body(self) -> bytes:
        return self.raw


async def deliver(world: World, process: str, event: Json, *, kind: str = "") -> bool:
    """One delivery; whether it was taken. Signatures are of the real moment: the SDK asks the real clock."""
    raw = msgspec.json.encode(event)
    secret = "whsec_somebody_elses" if kind == "forged" else WEBHOOK_SECRET
    moment = int(time.time()) - (600 if kind == "old" else 0)
    delivery: Any = _Delivery(raw, {"stripe-signature": signature_header([secret], moment, raw)})
    await world.scheduler.turn(f"delivers {kind} {event['type']} {event['id'][-6:]}")
    try:
        received = await world.ask(process, lambda box: webhook.fn(box=box, request=delivery))
    except EXPECTED as error:
        world.trace.result("post", type(error).__name__)
        return False
    world.trace.result("post", received.outcome)
    return True


async def _deliver_all(world: World) -> None:
    for _ in range(200):
        if not world.stripe.events:
            return
        event = world.stripe.events.pop(0)
        if not await deliver(world, "web-1", event):
            world.stripe.events.append(event)


def _altered(event: Json, kind: str) -> Json:
    if kind == "other mode":
        return event | {"livemode": True}
    if kind == "foreign":
        data = msgspec.json.decode(msgspec.json.encode(event["data"]))
        data["object"]["metadata"] = {"app": "another"}
        return event | {"id": f"{event['id'][:-3]}foreign", "data": data}
    return event
