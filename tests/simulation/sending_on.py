"""Who sends tickets on, to friends who take them, do not want them, or let the time to take them pass."""

import asyncio
from functools import partial
from random import Random
from typing import Any
from uuid import UUID

from boxoffice.box import BoxOffice
from boxoffice.tickets import end_transfers, send_on
from boxoffice.tickets.transfer import Transfer
from tests.simulation.asking import WORKERS, once, passes, patiently, rest
from tests.simulation.at_the_door import DOOR, scans
from tests.simulation.world import World

HELD = """
SELECT ticket.event_id, ticket.id, ticket.code, coalesce(holder_email, orders.email) AS holder FROM ticket
JOIN orders ON orders.event_id = ticket.event_id AND orders.id = order_id ORDER BY ticket.code
"""
OFFERED = "SELECT id, from_email, old_code FROM ticket_transfer WHERE ticket_id = '%s' AND status = 'offered'"
OPEN_OFFERS = """
SELECT event_id, id, ticket_id, from_email FROM ticket_transfer WHERE status = 'offered' ORDER BY id
"""
FRIENDS = ("friend@example.org", "sister@example.org", "b1@example.org")


async def sender(world: World, random: Random) -> None:
    """Sends tickets on: offers them, takes that back, and whoever was offered one takes it, all of it at once if need
    be. What was sent on opens nothing under its old code."""
    for _ in range(random.randint(1, 4)):
        await rest(world, random.randint(20, 200), "thinks of a friend")
        tickets = await world.scheduler.outside("looks at tickets", lambda: world.observer.rows(HELD))
        if not tickets:
            continue
        ticket = random.choice(tickets)
        offering = partial(_offer, ticket=ticket, email=random.choice(FRIENDS))
        await asyncio.gather(*(patiently(world, random, offering) for _ in range(random.choice([1, 1, 2]))))
        await rest(world, random.choice([0, 0, 5, 60]), "waits for the friend")
        looking = partial(world.observer.rows, OFFERED % ticket["id"])
        for offered in await world.scheduler.outside("looks at the offer", looking):
            await _ends(world, random, ticket, offered)


async def _ends(world: World, random: Random, ticket: Any, offered: Any) -> None:
    """By whoever offered it, by whoever was offered it, or by both at the same moment."""
    accepting = partial(_accept, event_id=ticket["event_id"], transfer_id=offered["id"])
    taking_back = partial(_take_back, event_id=ticket["event_id"], ticket_id=ticket["id"], holder=offered["from_email"])
    verbs = random.choice([[accepting], [accepting, accepting], [accepting, taking_back], [taking_back], []])
    answers = await asyncio.gather(*(patiently(world, random, verb) for verb in verbs))
    sent_on = [one for one in answers if isinstance(one, Transfer)]
    if not sent_on:
        return
    if await scans(world, random, DOOR, offered["old_code"]) == "admitted":
        world.strange.append(f"the code of ticket {ticket['id']} before it was sent on let somebody in")
    if random.random() < 0.5:
        await scans(world, random, DOOR, sent_on[0].code)


async def _offer(box: BoxOffice, ticket: Any, email: str) -> UUID:
    return await box.db.attempt(send_on.offer, ticket["event_id"], ticket["id"], email, "A Friend")


async def _take_back(box: BoxOffice, event_id: UUID, ticket_id: UUID, holder: str) -> None:
    await box.db.attempt(send_on.take_back, event_id, ticket_id, holder)


async def _accept(box: BoxOffice, event_id: UUID, transfer_id: UUID) -> Transfer:
    return await box.db.attempt(send_on.accept, event_id, transfer_id)


async def late_sender(world: World, random: Random) -> None:
    """Offers tickets, and then the time to take them is over: in that moment friends take them or decline, they are
    taken back, and the worker ends what is left. From there on nobody sends anything on."""
    for _ in range(random.randint(3, 7)):
        await rest(world, random.randint(20, 100), "thinks of a friend")
        await _offers_one(world, random)
    left = world.chances.transfer_hours * 3600 - world.loop.moment
    await passes(world, max(0.0, left + random.choice([-0.5, 0.0, 0.5])))
    offers = await world.scheduler.outside("looks at the offers", lambda: world.observer.rows(OPEN_OFFERS))
    ends = [_comes_late(world, random, offered) for offered in offers]
    await asyncio.gather(*ends, *(_ends_them(world, random) for _ in range(random.choice([1, 1, 2]))))
    await passes(world, random.choice([1.0, 600.0]))
    await _offers_one(world, random)


async def _offers_one(world: World, random: Random) -> None:
    tickets = await world.scheduler.outside("looks at tickets", lambda: world.observer.rows(HELD))
    if tickets:
        offering = partial(_offer, ticket=random.choice(tickets), email=random.choice(FRIENDS))
        await patiently(world, random, offering)


async def _comes_late(world: World, random: Random, offered: Any) -> None:
    """Each of them may be a moment too late."""
    accepting = partial(_accept, event_id=offered["event_id"], transfer_id=offered["id"])
    declining = partial(_decline, event_id=offered["event_id"], transfer_id=offered["id"])
    taking_back = partial(
        _take_back, event_id=offered["event_id"], ticket_id=offered["ticket_id"], holder=offered["from_email"]
    )
    verbs = random.choice([[accepting], [accepting, taking_back], [accepting, declining], [taking_back], []])
    await rest(world, random.choice([0, 0, 3]), "reads the mail")
    await asyncio.gather(*(patiently(world, random, verb) for verb in verbs))


async def _ends_them(world: World, random: Random) -> None:
    await rest(world, random.choice([0, 0, 3]), "rests")
    await once(world, random.choice(WORKERS), end_offers)


async def end_offers(box: BoxOffice) -> int:
    """The worker's: what nobody took in time."""
    async with box.db.transaction() as connection:
        return await end_transfers.expire_offers(connection)


async def _decline(box: BoxOffice, event_id: UUID, transfer_id: UUID) -> None:
    await box.db.attempt(send_on.decline, event_id, transfer_id)
