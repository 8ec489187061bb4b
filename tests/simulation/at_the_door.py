"""Who shows tickets at a door, who names guests for it, and who sells there for cash."""

import asyncio
from functools import partial
from random import Random
from typing import Any

from boxoffice.box import BoxOffice
from boxoffice.door.cash_up import close_cash_box, lock_seller, open_cash_box
from boxoffice.door.scan import Answer, Asked
from boxoffice.door.sell import Sale, Wish, sell, take_back
from boxoffice.foundation.db import Connection
from boxoffice.guests.add import add_guest, checked
from boxoffice.guests.guest_list import list_named
from boxoffice.guests.take_off import take_off
from tests.simulation.asking import patiently, rest
from tests.simulation.world import DOOR_PRICE_MINOR, GUESTS, SCANNERS, SLUG, World

DOOR = "main door"
TILLS = ("till one", "till two")
ON_THE_LIST = """
SELECT orders.code FROM guest JOIN orders ON orders.event_id = guest.event_id AND orders.id = order_id ORDER BY 1
"""


async def scans(world: World, random: Random, gate: str, code: str) -> str:
    """Shows a code at a door and says what came of it; a scanner that got no answer asks again, and hears the same."""
    device_id, token = SCANNERS[gate]
    nonce = f"{random.getrandbits(64):016x}"
    asked = Asked(device_id, token, nonce, code, world.now())
    answers = [await patiently(world, random, partial(_shown, asked=asked)) for _ in range(random.choice([1, 1, 2]))]
    heard = {one.answer for one in answers if isinstance(one, Answer)}
    if len(heard) > 1:
        world.strange.append(f"the same scan was answered {sorted(heard)}")
    return min(heard, default="nothing")


async def _shown(box: BoxOffice, asked: Asked) -> Any:
    return await (await box.desks.of(SLUG)).scan(asked)


async def promoter(world: World, random: Random) -> None:
    """Names guests, more of them than there are places, and takes some off again; some have come by then."""
    for _ in range(random.randint(2, 5)):
        await rest(world, random.randint(10, 150), "makes calls")
        if random.random() < 0.6:
            await _names(world, random)
            continue
        guests = await world.scheduler.outside("looks at the list", lambda: world.observer.rows(ON_THE_LIST))
        if guests:
            removing = partial(_remove, code=random.choice(guests)["code"])
            await asyncio.gather(*(patiently(world, random, removing) for _ in range(random.choice([1, 1, 2]))))


async def _names(world: World, random: Random) -> None:
    """One guest or two at the same moment; a form may be sent twice."""
    forms: list[partial[Any]] = []
    for _ in range(random.choice([1, 2])):
        key, name = f"form-{random.getrandbits(64):016x}", f"Guest {random.randint(1, 9)}"
        email = random.choice(["", "guest@example.org"])
        forms += [partial(_add, key=key, name=name, more=random.randint(0, 1), email=email)] * random.choice([1, 1, 2])
    await asyncio.gather(*(patiently(world, random, form) for form in forms))


async def _add(box: BoxOffice, key: str, name: str, more: int, email: str) -> None:
    async def verb(connection: Connection) -> None:
        guests = await list_named(connection, SLUG, GUESTS)
        await add_guest(connection, guests, checked(guests, name, more, email), key, "link")

    await box.db.attempt(verb)


async def _remove(box: BoxOffice, code: str) -> None:
    async def verb(connection: Connection) -> None:
        await take_off(connection, await list_named(connection, SLUG, GUESTS), code)

    await box.db.attempt(verb)


async def cash_seller(world: World, random: Random, number: int) -> None:
    """Sells for cash at a door, takes some of it back, and cashes up in the end, in the middle of a sale if need be."""
    token = SCANNERS[TILLS[number - 1]][1]
    await patiently(world, random, partial(open_box, token=token, float_minor=random.choice([0, 5000])))
    for _ in range(random.randint(1, 4)):
        await rest(world, random.randint(10, 200), "waits for people")
        await _sells(world, random, token)
    if random.random() < 0.5:
        closing = partial(_closes, token=token, counted_minor=random.choice([0, 2000, 7000]))
        await asyncio.gather(patiently(world, random, closing), _sells(world, random, token))
        await _sells(world, random, token)


async def _sells(world: World, random: Random, token: str) -> None:
    nonce, entry = f"sale-{random.getrandbits(64):016x}", world.types["Entry"]
    wish = Wish(nonce, entry, random.choice([1, 1, 2]), random.choice([DOOR_PRICE_MINOR] * 5 + [1500]), "cash")
    selling = partial(ask_to_sell, token=token, wish=wish)
    sold = await asyncio.gather(*(patiently(world, random, selling) for _ in range(random.choice([1, 1, 2]))))
    sales = [one for one in sold if isinstance(one, Sale)]
    for sale in sales:
        world.promised.setdefault(sale.view.order.code, "paid")
    if not sales or random.random() < 0.5:
        return
    await rest(world, random.choice([0, 5, 50]), "finds that it was wrong")
    voiding = partial(ask_to_void, token=token, nonce=nonce)
    voided = await asyncio.gather(*(patiently(world, random, voiding) for _ in range(random.choice([1, 1, 2]))))
    if not any(isinstance(one, Sale) for one in voided):
        return
    for ticket in sales[0].view.tickets:
        if await scans(world, random, DOOR, ticket.code) == "admitted":
            world.strange.append(f"ticket {ticket.code} let somebody in after its cash went back")


async def ask_to_sell(box: BoxOffice, token: str, wish: Wish) -> Sale:
    """The scanner's question, the same again for the same sale."""
    return await sell(box.till, SLUG, token, wish)


async def ask_to_void(box: BoxOffice, token: str, nonce: str) -> Sale:
    """Cash goes back, or a card that was not paid yet is given up."""
    return await take_back(box.till, SLUG, token, nonce, "They left again.")


async def open_box(box: BoxOffice, token: str, float_minor: int) -> None:
    """What is in the cash box is counted before the first sale."""

    async def verb(connection: Connection) -> None:
        await open_cash_box(connection, await lock_seller(connection, SLUG, token), float_minor)

    await box.db.attempt(verb)


async def _closes(box: BoxOffice, token: str, counted_minor: int) -> None:
    async def verb(connection: Connection) -> None:
        await close_cash_box(connection, await lock_seller(connection, SLUG, token), counted_minor)

    await box.db.attempt(verb)
