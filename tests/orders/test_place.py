"""Placing orders: prices, ladders, limits and keys, each through the one statement."""

from uuid import UUID

import pytest

from boxoffice.foundation.db import Command, Database, Query
from boxoffice.foundation.problems import Problem
from boxoffice.orders.place import (
    Counter,
    IdempotencyConflict,
    Line,
    OrderEnded,
    OrderRefused,
    Placed,
    PriceChanged,
    Request,
    SaleClosed,
    SoldOut,
)
from tests.nights import NIGHT, load

EVENT = Query(lambda event_id, code: (UUID(str(event_id)), str(code)), "SELECT id, short_code FROM event")
ENTRY = Query(lambda type_id: UUID(str(type_id)), "SELECT id FROM ticket_type")
STOCKS = Query(
    lambda cap, used, closed: (cap, used, closed),
    "SELECT cap, used, closed FROM stock LEFT JOIN release ON release.stock_id = stock.id ORDER BY position NULLS LAST",
)
WRONG_STOCKS = Query(
    str,
    """SELECT stock.id::text FROM stock LEFT JOIN hold ON hold.stock_id = stock.id GROUP BY stock.id, stock.event_id
  HAVING stock.used <> coalesce(sum(hold.quantity), 0)""",
)
LATER = Command("UPDATE orders SET held_until = clock() - interval '1 second' WHERE status = 'held'")
ADD_PROMO = Command(
    "INSERT INTO promo (event_id, id, code, percent, uses_max) SELECT id, id, 'FRIENDS', $1, $2 FROM event"
)


class Desk:
    """One event's counter and its only ticket type."""

    def __init__(self, db: Database, counter: Counter, entry: UUID) -> None:
        self.db, self.counter, self.entry = db, counter, entry
        self.keys = 0

    def request(self, quantity: int = 1, **changes: object) -> Request:
        self.keys += 1
        line = Line(self.entry, quantity, changes.pop("seen_minor", None))  # type: ignore[arg-type]
        fields = {"key": f"key-{self.keys:012}", "email": f"buyer{self.keys}@example.org", "lines": (line,)} | changes
        return Request(**fields)  # type: ignore[arg-type]

    async def place(self, *requests: Request) -> list[Placed | Problem]:
        answers = await self.counter.flush(list(requests))
        async with self.db.transaction() as connection:
            assert await WRONG_STOCKS.all(connection) == []
        return answers

    async def stocks(self) -> list[tuple[int, int, bool]]:
        async with self.db.transaction() as connection:
            return await STOCKS.all(connection)


async def open_desk(db: Database, night: str = NIGHT) -> Desk:
    await load(db, night)
    async with db.transaction() as connection:
        event = await EVENT.first(connection)
        entry = await ENTRY.first(connection)
    assert event is not None
    assert entry is not None
    return Desk(db, Counter(db, *event, minimum_minor=50), entry)


async def test_an_order_holds_its_units_in_release_and_room(db: Database) -> None:
    desk = await open_desk(db)
    (placed,) = await desk.place(desk.request(3))
    assert isinstance(placed, Placed)
    assert (placed.status, placed.total_minor) == ("held", 3600)
    assert await desk.stocks() == [(10, 3, False), (100, 0, False), (60, 3, False)]


async def test_a_release_closes_for_good_and_its_returns_go_to_the_next(db: Database) -> None:
    desk = await open_desk(db)
    early = await desk.place(desk.request(4), desk.request(6), desk.request(1))
    assert [placed.total_minor for placed in early if isinstance(placed, Placed)] == [4800, 7200, 1650]
    assert await desk.stocks() == [(10, 10, True), (100, 1, False), (60, 11, False)]
    async with db.transaction() as connection:
        await LATER.run(connection)
    (after,) = await desk.place(desk.request(1))  # the same call sweeps the expired holds first
    assert isinstance(after, Placed)
    assert after.total_minor == 1650
    assert await desk.stocks() == [(0, 0, True), (110, 1, False), (60, 1, False)]


def changed(night: str, early: int, regular: int) -> str:
    return night.replace("quantity = 10\n", f"quantity = {early}\n").replace("quantity = 100", f"quantity = {regular}")


async def test_what_a_release_inherited_stays_when_its_night_is_loaded_again(db: Database) -> None:
    desk = await open_desk(db)
    await desk.place(desk.request(4), desk.request(6))
    async with db.transaction() as connection:
        await LATER.run(connection)
    await desk.place(desk.request(1))
    inherited = [(0, 0, True), (110, 1, False), (60, 1, False)]
    assert await desk.stocks() == inherited
    for _ in range(2):
        await load(db)
        assert await desk.stocks() == inherited
    for early, regular, left in ((10, 120, 130), (15, 120, 135), (5, 90, 95), (10, 100, 110)):
        for _ in range(2):
            await load(db, changed(NIGHT, early, regular))
            assert await desk.stocks() == [(0, 0, True), (left, 1, False), (60, 1, False)]


async def test_a_night_that_was_loaded_by_an_older_version_gets_back_what_it_lost(db: Database) -> None:
    desk = await open_desk(db)
    await desk.place(desk.request(4), desk.request(6))
    async with db.transaction() as connection:
        await LATER.run(connection)
    await desk.place(desk.request(1))
    async with db.transaction() as connection:
        await connection.execute("UPDATE stock SET inherited = 0, cap = CASE cap WHEN 110 THEN 100 ELSE cap END")
    await load(db)
    assert await desk.stocks() == [(0, 0, True), (110, 1, False), (60, 1, False)]


async def test_a_sold_out_night_sells_what_its_last_release_is_given_more(db: Database) -> None:
    small = changed(NIGHT, 10, 20)
    desk = await open_desk(db, small)
    await desk.place(desk.request(10), desk.request(10), desk.request(10))
    assert await desk.stocks() == [(10, 10, True), (20, 20, True), (60, 30, False)]
    await load(db, small)
    assert isinstance((await desk.place(desk.request(1)))[0], SoldOut)
    await load(db, changed(NIGHT, 12, 25))  # the closed first release passes its two on
    assert await desk.stocks() == [(10, 10, True), (27, 20, False), (60, 30, False)]
    await load(db, changed(NIGHT, 5, 10))  # fewer than are sold
    assert await desk.stocks() == [(10, 10, True), (20, 20, False), (60, 30, False)]
    await load(db, changed(NIGHT, 12, 25))
    (more,) = await desk.place(desk.request(7))
    assert isinstance(more, Placed)
    assert more.total_minor == 7 * 1650
    assert isinstance((await desk.place(desk.request(1)))[0], SoldOut)


async def test_a_swept_hold_says_why_it_ended_and_leaves_no_payment_to_be_opened(db: Database) -> None:
    desk = await open_desk(db)
    await desk.place(desk.request(2))
    async with db.transaction() as connection:
        await LATER.run(connection)
    await desk.place(desk.request(1))
    async with db.transaction() as connection:
        (swept,) = await connection.fetch(
            "SELECT ended_reason, attempt.status FROM orders JOIN payment_attempt AS attempt ON order_id = orders.id"
            " WHERE orders.status = 'expired'"
        )
    assert tuple(swept) == ("hold_ended", "expired")


async def test_the_last_release_opens_again_for_what_comes_back(db: Database) -> None:
    desk = await open_desk(db, NIGHT[: NIGHT.rindex("[[night.ticket_type.release]]")])
    await desk.place(desk.request(10))
    assert isinstance((await desk.place(desk.request(1)))[0], SoldOut)
    async with db.transaction() as connection:
        await LATER.run(connection)
    assert isinstance((await desk.place(desk.request(2)))[0], Placed)
    assert await desk.stocks() == [(10, 2, False), (60, 2, False)]


async def test_never_silently_dearer(db: Database) -> None:
    desk = await open_desk(db)
    same, cheaper, dearer = await desk.place(
        desk.request(8, seen_minor=1200), desk.request(1, seen_minor=1500), desk.request(2, seen_minor=1200)
    )
    assert isinstance(same, Placed)
    assert isinstance(cheaper, Placed)
    assert isinstance(dearer, PriceChanged)
    assert dearer.price_minor == 1650


async def test_a_key_means_one_order(db: Database) -> None:
    desk = await open_desk(db)
    request = desk.request(2)
    other = desk.request(3, key=request.key)
    first, again, conflict = await desk.place(request, request, other)
    assert isinstance(first, Placed)
    assert first == again
    assert isinstance(conflict, IdempotencyConflict)
    assert (await desk.place(request, other))[0] == first
    async with db.transaction() as connection:
        await LATER.run(connection)
    await desk.place(desk.request(1))
    assert isinstance((await desk.place(request))[0], OrderEnded)


async def test_a_promo_code_is_used_no_more_often_than_allowed_and_freed_with_its_hold(db: Database) -> None:
    desk = await open_desk(db)
    async with db.transaction() as connection:
        await ADD_PROMO.run(connection, 25, 1)
    answers = await desk.place(*(desk.request(1, promo_code="FRIENDS") for _ in range(64)))
    placed = [answer for answer in answers if isinstance(answer, Placed)]
    assert [order.total_minor for order in placed] == [900]
    assert all(isinstance(answer, OrderRefused) for answer in answers if answer not in placed)
    async with db.transaction() as connection:
        await LATER.run(connection)
    assert isinstance((await desk.place(desk.request(1)))[0], Placed)
    assert isinstance((await desk.place(desk.request(1, promo_code="FRIENDS")))[0], Placed)


async def test_a_total_below_the_card_minimum_is_refused_before_anything_is_held(db: Database) -> None:
    desk = await open_desk(db, NIGHT.replace('"12.00"', '"0.40"'))
    assert isinstance((await desk.place(desk.request(1)))[0], OrderRefused)
    assert isinstance((await desk.place(desk.request(2)))[0], Placed)
    assert await desk.stocks() == [(10, 2, False), (100, 0, False), (60, 2, False)]


async def test_a_person_may_not_buy_more_than_the_limit(db: Database) -> None:
    desk = await open_desk(db, NIGHT.replace("room_capacity", "quantity_max_per_person = 4\nroom_capacity"))
    person = "ada@example.org"
    answers = await desk.place(
        desk.request(3, email=person), desk.request(2, email=person), desk.request(1, email=person)
    )
    assert [isinstance(answer, Placed) for answer in answers] == [True, False, True]
    assert isinstance((await desk.place(desk.request(1, email=person)))[0], OrderRefused)


async def test_another_events_type_and_a_closed_sale_are_refused(db: Database) -> None:
    desk = await open_desk(db)
    stranger = Request("key-of-a-stranger", "x@example.org", (Line(UUID(int=1), 1),))
    assert isinstance((await desk.place(stranger))[0], OrderRefused)
    await load(db, NIGHT.replace("room_capacity", 'sale_starts_at = "in 9 days 12:00"\nroom_capacity'))
    assert isinstance((await desk.place(desk.request(1)))[0], SaleClosed)


@pytest.mark.parametrize("name", ["نور", "Zoë 🎧", 'quote " and \\ slash', "{a,b}", "NULL", ""])
async def test_holder_names_are_kept_as_they_are(db: Database, name: str) -> None:
    desk = await open_desk(db)
    (placed,) = await desk.place(desk.request(lines=(Line(desk.entry, 1, None, (name, "Second")),)))
    assert isinstance(placed, Placed)
    async with db.transaction() as connection:
        assert await connection.fetchval("SELECT holder_names FROM order_line") == [name, "Second"]
