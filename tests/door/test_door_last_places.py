"""The web and two doors sell the last three at once, through pools of their own; and the proof that this can fail."""

import asyncio
from typing import Any
from uuid import UUID

import pytest

from boxoffice.box import BoxOffice
from boxoffice.door.sell import Sale, Wish, sell
from boxoffice.foundation.db import Connection
from boxoffice.orders import sell_at_door
from boxoffice.orders.place import Line, Placed, Request, SoldOut
from tests.door.conftest import Door
from tests.door.seller import seller_at
from tests.shop import SLUG

WANTED, PLACES = 24, 3
OFFER = sell_at_door.OFFER
NO_CONSTRAINT = "ALTER TABLE stock DROP CONSTRAINT stock_never_oversold, DROP CONSTRAINT stock_closed_is_full"


class NoLock:
    """In the place of the lock."""

    async def first(self, _connection: object, _event_id: UUID) -> None:
        return


class BothLook:
    """In the place of the offer: the two doors go on when both have seen it, and each has what the other one sees."""

    def __init__(self) -> None:
        self._both = asyncio.Barrier(2)

    async def first(self, connection: Connection, *parameters: object) -> Any:
        offer = await OFFER.first(connection, *parameters)
        await asyncio.wait_for(self._both.wait(), 10)
        return offer


async def _race(door: Door, *, from_the_web: bool = True) -> list[Any]:
    one, other = await seller_at(door), await seller_at(door, "Side door")
    await door.execute("UPDATE stock SET cap = used + $1 WHERE cap = 60", PLACES)
    await door.execute("UPDATE event SET sale_ends_at = ends_at")
    boxes = [BoxOffice.from_settings(door.shop.box.settings) for _ in range(3)]
    for box in boxes:
        box.db.moved_clock = door.shop.box.db.moved_clock
    web = await boxes[2].till.counter(SLUG)
    ticket_type = UUID(one.ticket_type)

    async def buy(number: int) -> Any:
        if number % 3 == 2 and not from_the_web:
            return None
        if number % 3 == 2:
            request = Request(f"a key of the web's, {number}", f"buyer{number}@example.org", (Line(ticket_type, 1),))
            return await web.orders.submit(request)
        scanner = (one, other)[number % 3].scanner
        wish = Wish(f"sale-number-{number}", ticket_type, 1, 1500, "cash")
        return await sell(boxes[number % 3].till, SLUG, scanner.token, wish)

    await asyncio.gather(*(_open(box) for box in boxes for _ in range(8)))
    answers = await asyncio.gather(*(buy(number) for number in range(WANTED)), return_exceptions=True)
    for box in boxes:
        await box.close()
    return answers


async def _open(box: BoxOffice) -> None:
    async with box.db.transaction() as connection:
        await connection.fetchval("SELECT pg_sleep(0.05)")


async def test_three_are_sold_and_everybody_else_is_told(door: Door) -> None:
    answers = await _race(door)
    assert sum(isinstance(one, Sale | Placed) for one in answers) == PLACES, answers
    assert sum(isinstance(one, SoldOut) for one in answers) == WANTED - PLACES


@pytest.mark.parametrize(("constraint", "may_fail"), [(True, False), (False, True)])
async def test_without_the_lock_the_constraint_holds_and_without_both_too_many_are_sold(
    door: Door, monkeypatch: pytest.MonkeyPatch, *, constraint: bool, may_fail: bool
) -> None:
    monkeypatch.setattr(sell_at_door, "LOCK_STOCKS", NoLock())
    monkeypatch.setattr(sell_at_door, "OFFER", BothLook())
    if not constraint:
        await door.execute(NO_CONSTRAINT)
    answers = await _race(door, from_the_web=False)
    assert (sum(isinstance(one, Sale | Placed) for one in answers) > PLACES) is may_fail
