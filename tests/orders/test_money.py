"""Whatever is sold in whatever currency: parts sum to the whole, and every amount is one that Stripe takes.

What an order must cost is worked out again here, in decimals of the major unit, by no code of the product.
"""

from dataclasses import dataclass
from decimal import ROUND_DOWN, Decimal
from random import Random
from uuid import UUID

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from boxoffice.foundation.db import Command, Database, Query
from boxoffice.foundation.money import MAXIMUM_MINOR, minimum_minor, smallest_step, to_minor
from boxoffice.foundation.problems import Problem
from boxoffice.foundation.written import write_money
from boxoffice.orders.place import Line, Request
from stripe_simulator.money import CURRENCIES
from tests.conftest import Amount
from tests.nights import NIGHT
from tests.orders.test_last_tickets import FULL_AGAIN
from tests.orders.test_place import Desk, open_desk

# Decimals that people write, of a currency that Stripe counts in more of them.
WRITTEN = {"isk": 0, "ugx": 0} | dict.fromkeys(("bhd", "jod", "kwd", "omr", "tnd"), 2)
ZERO = "bif clp djf gnf jpy kmf krw mga pyg rwf vnd vuv xaf xof xpf"
COUNTED: dict[str, int] = {
    **dict.fromkeys(ZERO.split(), 0),
    **dict.fromkeys(("bhd", "jod", "kwd", "omr", "tnd"), 3),
}
SECOND_TYPE = """
[[night.ticket_type]]
name = "Balcony"

[[night.ticket_type.release]]
name = "All rows"
price = "25.00"
quantity = 1000
"""
LARGE = NIGHT.replace("room_capacity = 60", "room_capacity = 1000000").replace(
    "quantity = 100", "quantity = 1000000"
).replace("quantity = 10\n", "quantity = 1000000\n") + SECOND_TYPE.replace("1000\n", "1000000\n")
TYPES = Query(lambda one: UUID(str(one)), "SELECT id FROM ticket_type ORDER BY position")
IN_CURRENCY = Command("UPDATE event SET currency = $1")
AT_PRICES = Command("""
UPDATE release SET price_minor = ($1::bigint[])[ticket_type.position + 1] FROM ticket_type
WHERE ticket_type.id = ticket_type_id
""")
NO_PROMOS = Command("DELETE FROM promo")
ADD_PROMOS = Command("""
INSERT INTO promo (event_id, id, code, percent, amount_minor)
SELECT event.id, gen_random_uuid(), 'CODE' || place, nullif(percent, 0), nullif(amount, 0)
FROM event, unnest($1::smallint[], $2::bigint[]) WITH ORDINALITY AS one (percent, amount, place)
""")
LINES = Query(
    lambda order, quantity, unit: (UUID(str(order)), int(quantity), int(unit)),
    "SELECT order_id, quantity, unit_minor FROM order_line ORDER BY order_id, number",
)
STEP = Query(int, "SELECT smallest_step($1)")


@dataclass(frozen=True, slots=True)
class Code:
    """A promotional code: a percentage, or an amount in minor units."""

    percent: int = 0
    amount: int = 0


@dataclass(frozen=True, slots=True)
class Sale:
    """A night in one currency with two types of tickets; an order is a code's place or None, and quantities."""

    currency: str
    prices: tuple[int, int]
    codes: tuple[Code, ...]
    orders: tuple[tuple[int | None, tuple[int, int]], ...]


def unit_of(price: int, code: Code | None, currency: str) -> int:
    """What one ticket costs: the discount is rounded down to what people write in this currency."""
    counted = COUNTED.get(currency, 2)
    whole = Decimal(price).scaleb(-counted)
    if code is None:
        return price
    off = whole * code.percent / 100 if code.percent else Decimal(code.amount).scaleb(-counted)
    off = off.quantize(Decimal(1).scaleb(-WRITTEN.get(currency, counted)), ROUND_DOWN)
    return int(max(whole - off, Decimal(0)).scaleb(counted))


def outcome_of(sale: Sale, code: int | None, quantities: tuple[int, int]) -> int | str:
    """An order's total, or why it is refused."""
    chosen = None if code is None else sale.codes[code]
    total = sum(
        unit_of(price, chosen, sale.currency) * quantity
        for price, quantity in zip(sale.prices, quantities, strict=True)
    )
    if 0 < total < minimum_minor(sale.currency):
        return "below a card payment"
    return "above a card payment" if total > MAXIMUM_MINOR else total


async def sell(desk: Desk, types: list[UUID], sale: Sale) -> int:
    """Sells it all in one batch and looks at every amount; returns how many orders were placed."""
    async with desk.db.transaction() as connection:
        await connection.execute("TRUNCATE orders CASCADE")
        await FULL_AGAIN.run(connection)
        await NO_PROMOS.run(connection)
        await IN_CURRENCY.run(connection, sale.currency)
        await AT_PRICES.run(connection, list(sale.prices))
        await ADD_PROMOS.run(connection, [one.percent for one in sale.codes], [one.amount for one in sale.codes])
    counter = replace(desk.counter, minimum_minor=minimum_minor(sale.currency))
    requests = [
        Request(
            f"key-{number:012}",
            f"buyer{number}@example.org",
            tuple(Line(kind, quantity) for kind, quantity in zip(types, quantities, strict=True) if quantity),
            None if code is None else f"CODE{code + 1}",
        )
        for number, (code, quantities) in enumerate(sale.orders)
    ]
    answers = await counter.flush(requests)
    totals: dict[UUID, int] = {}
    for answer, (code, quantities) in zip(answers, sale.orders, strict=True):
        expected = outcome_of(sale, code, quantities)
        if isinstance(answer, Problem):
            assert isinstance(expected, str), (expected, answer.detail)
            assert ("below what a card" if "below" in expected else "more than one card") in answer.detail
        else:
            assert answer.total_minor == expected
            assert answer.total_minor % smallest_step(sale.currency) == 0
            totals[answer.id] = answer.total_minor
    await _parts_are_the_whole(desk.db, sale, totals)
    return len(totals)


async def _parts_are_the_whole(db: Database, sale: Sale, totals: dict[UUID, int]) -> None:
    summed = dict.fromkeys(totals, 0)
    async with db.transaction() as connection:
        for order, quantity, unit in await LINES.all(connection):
            assert unit % smallest_step(sale.currency) == 0
            summed[order] += quantity * unit
    assert summed == totals


def any_sale(random: Random, orders: int) -> Sale:
    """A sale of chance: small prices and large ones, codes of every kind."""
    currency = random.choice(sorted(CURRENCIES))
    step = smallest_step(currency)

    def amount() -> int:
        return random.randint(1, random.choice([99, 999, 9_999, MAXIMUM_MINOR // step])) * step

    codes = tuple(
        Code(percent=random.randint(1, 100)) if random.random() < 0.6 else Code(amount=random.randint(1, 9_999))
        for _ in range(5)
    )
    bought = tuple(
        (random.choice([None, *range(5)]), random.choice([(random.randint(1, 10), random.randint(0, 10)), (0, 1)]))
        for _ in range(orders)
    )
    return Sale(currency, (amount(), amount()), codes, bought)


QUANTITIES = st.tuples(st.integers(0, 10), st.integers(0, 10)).filter(any)
SALES = st.sampled_from(sorted(CURRENCIES)).flatmap(
    lambda currency: st.builds(
        Sale,
        currency=st.just(currency),
        prices=st.tuples(*[st.integers(0, 999_999).map(lambda price: price * smallest_step(currency))] * 2),
        codes=st.lists(
            st.builds(Code, percent=st.integers(1, 100)) | st.builds(Code, amount=st.integers(1, 99_999)),
            min_size=1,
            max_size=1,
        ).map(tuple),
        orders=st.lists(st.tuples(st.none() | st.just(0), QUANTITIES), min_size=1, max_size=20).map(tuple),
    )
)


@pytest.fixture
async def desk(db: Database) -> tuple[Desk, list[UUID]]:
    """A counter with all the units one may want, and its two types of tickets."""
    desk = await open_desk(db, LARGE)
    async with db.transaction() as connection:
        return desk, await TYPES.all(connection)


@example(sale=Sale("isk", (155_000, 0), (Code(percent=7),), ((0, (1, 0)),)))
@example(sale=Sale("ugx", (150_000, 100), (Code(amount=4_950),), ((0, (3, 1)),)))
@example(sale=Sale("kwd", (12_340, 10), (Code(percent=7),), ((0, (2, 2)),)))
@example(sale=Sale("eur", (9_999_999, 0), (Code(percent=1),), ((None, (10, 0)), (None, (11, 0)))))
@example(sale=Sale("idr", (10_000_000, 0), (Code(percent=1),), ((None, (10, 0)),)))
@given(sale=SALES)
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
async def test_every_order_is_an_amount_that_stripe_takes_and_its_parts_sum_to_it(
    desk: tuple[Desk, list[UUID]], sale: Sale
) -> None:
    await sell(*desk, sale)


async def test_the_same_for_sales_of_chance(desk: tuple[Desk, list[UUID]], amount: Amount) -> None:
    """3,000 orders here, a million in `make soak`."""
    tried = placed = 0
    for seed in range(amount(10, soak=2_000)):
        sale = any_sale(Random(seed), amount(300, soak=500))
        placed += await sell(*desk, sale)
        tried += len(sale.orders)
    amount.show(f"{tried} orders asked for, {placed} placed: all amounts right")
    assert placed > tried / 3


async def test_code_and_database_count_in_the_same_steps(db: Database) -> None:
    async with db.transaction() as connection:
        for currency in sorted(CURRENCIES):
            assert await STEP.first(connection, currency) == smallest_step(currency)


@given(currency=st.sampled_from(sorted(CURRENCIES)), minor=st.integers(0, MAXIMUM_MINOR))
def test_what_people_read_is_what_they_pay(currency: str, minor: int) -> None:
    minor -= minor % smallest_step(currency)
    digits = "".join(letter for letter in write_money(minor, currency) if letter.isdigit() or letter == ".")
    assert to_minor(digits.strip("."), currency) == minor


async def test_with_discounts_to_the_minor_unit_stripe_would_refuse(desk: tuple[Desk, list[UUID]]) -> None:
    """The negative control."""
    async with desk[0].db.transaction() as connection:
        await connection.execute("""CREATE OR REPLACE FUNCTION smallest_step(p_currency text) RETURNS integer
          LANGUAGE sql IMMUTABLE AS 'SELECT 1'""")
    with pytest.raises(AssertionError):
        await sell(*desk, Sale("isk", (155_000, 0), (Code(percent=7),), ((0, (1, 0)),)))
