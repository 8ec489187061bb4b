"""Who sells by card at a door: the buyer's phone pays, and the scanner asks under the same number until it knows."""

import asyncio
from dataclasses import dataclass
from functools import partial
from random import Random

from boxoffice.door.sell import Sale, Wish
from tests.simulation.asking import TRIES, patiently, rest
from tests.simulation.at_the_door import DOOR, TILLS, ask_to_sell, ask_to_void, open_box, scans
from tests.simulation.paying import WAYS, GivingUp, pay, session_of
from tests.simulation.world import DOOR_PRICE_MINOR, EXPECTED, SCANNERS, World

QUESTIONS = 10


@dataclass
class CardSale:
    """What a scanner asks, and `paid`: how the sale stood when it first heard that it is paid."""

    token: str
    wish: Wish
    paid: Sale | None = None


async def card_seller(world: World, random: Random, number: int) -> None:
    """Sells by card. The same scanner may sell for cash beside it, and be cashed up while a card is waited for."""
    token = SCANNERS[TILLS[number - 1]][1]
    await patiently(world, random, partial(open_box, token=token, float_minor=0))
    for _ in range(random.randint(2, 5)):
        await rest(world, random.randint(0, 80), "waits for people")
        await _sells(world, random, token)


async def _sells(world: World, random: Random, token: str) -> None:
    nonce, entry = f"card-{random.getrandbits(64):016x}", world.types["Entry"]
    email = random.choice(["", "", "walked.in@example.org"])
    sale = CardSale(token, Wish(nonce, entry, random.choice([1, 1, 1, 2]), DOOR_PRICE_MINOR, "card", email))
    url = await _address(world, random, sale)
    if url is None:
        return
    giving_up = partial(ask_to_void, token=token, nonce=nonce)
    paying = random.choice((*WAYS, _pays_as_it_is_given_up))(world, random, session_of(url), giving_up)
    await asyncio.gather(paying, _waits(world, random, sale))
    if sale.paid is None and random.random() < 0.5:  # nobody pays any more, as far as the scanner knows
        await patiently(world, random, giving_up)
        await _asks(world, random, sale)
    if sale.paid is not None and random.random() < 0.3:
        for ticket in sale.paid.let_in:
            if await scans(world, random, DOOR, ticket.code) == ticket.answer == "admitted":
                world.strange.append(f"ticket {ticket.code} let somebody in as it was sold, and somebody else later")


async def _pays_as_it_is_given_up(world: World, random: Random, session: str, giving_up: GivingUp) -> None:
    await asyncio.gather(pay(world, random, session), patiently(world, random, giving_up))


async def _address(world: World, random: Random, sale: CardSale) -> str | None:
    """Where to pay, however often the scanner must ask; two may ask at once, and it is one sale."""
    for _ in range(TRIES):
        said = await asyncio.gather(*(_asks(world, random, sale) for _ in range(random.choice([1, 1, 2]))))
        urls = {one.view.checkout_url for one in said if one is not None}
        if urls - {None}:
            return min(url for url in urls if url is not None)
        if None not in urls:
            return None
        await rest(world, random.randint(1, 10), "waits for the code to show")
    return None


async def _waits(world: World, random: Random, sale: CardSale) -> None:
    for _ in range(random.randint(0, QUESTIONS)):
        await rest(world, random.randint(1, 30), "waits for the card")
        said = await _asks(world, random, sale)
        if said is not None and said.state != "waiting":
            return


async def _asks(world: World, random: Random, sale: CardSale) -> Sale | None:
    """How the sale stands; None when it was refused, or nobody answered. What is paid stays paid, let in as before."""
    before = sale.paid
    said = await patiently(world, random, partial(ask_to_sell, token=sale.token, wish=sale.wish))
    if said is not None:
        hears(world, sale, said, before)
    return said


def hears(world: World, sale: CardSale, said: Sale, before: Sale | None) -> None:
    """What a scanner is told must not take back what it was told `before` it asked."""
    nonce, code = sale.wish.nonce, said.view.order.code
    if sale not in world.card_sales:
        world.card_sales.append(sale)
    if said.state != "paid" and said.let_in:
        world.strange.append(f"sale {nonce} is {said.state}, and lets in {said.let_in}")
    if before is not None and (said.state, said.let_in) != ("paid", before.let_in):
        world.strange.append(f"sale {nonce} was paid with {before.let_in}, and is {said.state} with {said.let_in}")
    if said.state == "paid":
        sale.paid = sale.paid or said
        world.promised[code] = "paid"
    world.promised.setdefault(code, said.view.order.status)


async def ask_in_the_end(world: World) -> None:
    """Every scanner asks once more: no sale waits for ever, whatever became of its card."""
    for sale in world.card_sales:
        try:
            said = await world.ask("web-1", partial(ask_to_sell, token=sale.token, wish=sale.wish))
        except EXPECTED as error:
            world.strange.append(f"sale {sale.wish.nonce} has no answer: {type(error).__name__}: {error}")
            continue
        hears(world, sale, said, sale.paid)
        if said.state not in ("paid", "ended"):
            world.strange.append(f"sale {sale.wish.nonce} is {said.state} for ever")
