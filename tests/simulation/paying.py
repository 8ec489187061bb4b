"""What people do with the address to pay at, of an order on the web or of a sale at a door."""

from collections.abc import Awaitable, Callable
from random import Random
from typing import Any
from urllib.parse import urlsplit

from boxoffice.box import BoxOffice
from stripe_simulator.payments import cards
from stripe_simulator.payments.bank_debits import BANK_DEBITS
from tests.simulation.asking import patiently, rest
from tests.simulation.world import World

GivingUp = Callable[[BoxOffice], Awaitable[Any]]
"""How an order is given up: its buyer or the scanner that sells it does so."""

GOOD, PENDING_REFUND, FAILING_REFUND = "4242424242424242", "4000000000007726", "4000000000005126"
DECLINED, CHALLENGED = "4000000000000002", "4000002760003184"
MINUTE = 60.0
EMAIL = "somebody@example.org"


async def _pays(world: World, random: Random, session: str, _giving_up: GivingUp) -> None:
    await pay(world, random, session)


async def pay(world: World, random: Random, session: str) -> None:
    """With a card that is good; money that goes back may not arrive."""
    await world.stripe.pay(session, card(random.choice([GOOD, GOOD, PENDING_REFUND, FAILING_REFUND])), EMAIL)


async def _is_declined(world: World, random: Random, session: str, _giving_up: GivingUp) -> None:
    await world.stripe.pay(session, card(DECLINED), EMAIL)
    if random.random() < 0.6:
        await pay(world, random, session)


async def _is_challenged(world: World, random: Random, session: str, _giving_up: GivingUp) -> None:
    await world.stripe.pay(session, card(CHALLENGED), EMAIL)
    await rest(world, random.randint(0, 20), "answers the bank")
    if random.random() < 0.8:
        await world.stripe.authenticate(session, proved=random.random() < 0.8)


async def _pays_by_bank(world: World, random: Random, session: str, _giving_up: GivingUp) -> None:
    name = random.choice(["bank_debit", "bank_debit", "bank_debit_fails"])
    await world.stripe.pay(session, BANK_DEBITS[name], EMAIL)


async def _gives_up(world: World, random: Random, session: str, giving_up: GivingUp) -> None:
    await patiently(world, random, giving_up)
    if random.random() < 0.5:
        await pay(world, random, session)


async def _pays_late(world: World, random: Random, session: str, _giving_up: GivingUp) -> None:
    await _until_later(world, random)
    await pay(world, random, session)


async def _pays_wrongly(world: World, random: Random, session: str, _giving_up: GivingUp) -> None:
    await world.stripe.amend(session, random.choice([100, 1300, 9900]))
    await pay(world, random, session)


async def _leaves(_world: World, _random: Random, _session: str, _giving_up: GivingUp) -> None:
    """And never comes back."""


WAYS = (_pays, _pays, _pays, _is_declined, _is_challenged, _pays_by_bank, _gives_up, _pays_late, _pays_wrongly, _leaves)


async def _until_later(world: World, random: Random) -> None:
    """Until the clock has gone on a good while, or nobody moves it any more."""
    until = world.loop.moment + random.choice([10 * MINUTE, 16 * MINUTE, 30 * MINUTE])
    for _ in range(20):
        await rest(world, 20, "forgets the open tab")
        if world.loop.moment >= until:
            return


def session_of(url: str) -> str:
    """The session's id, from the address to pay at."""
    return urlsplit(url).path.rpartition("/")[2]


def card(number: str) -> Any:
    """A test card."""
    return cards.BY_NUMBER[number]
