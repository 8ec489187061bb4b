"""The table of facts, and what the code makes of it."""

from random import Random

import pytest

from stripe_simulator import money
from stripe_simulator.api.routes import ROUTES
from stripe_simulator.facts import TABLE, facts
from stripe_simulator.ids import Ids
from stripe_simulator.shapes import misshapen, shape


def test_the_table_is_small_and_of_the_version_that_the_sdk_names() -> None:
    assert facts().version == "2026-10-28.endive"
    assert TABLE.stat().st_size < 400_000


def test_every_route_has_its_facts() -> None:
    for route in ROUTES:
        assert route.endpoint in facts().requests
        answered = (route.answers or "event").removeprefix("list:")
        assert answered in facts().objects


def test_a_shape_has_every_nullable_key_and_no_other() -> None:
    made = shape("refund", id="re_1", object="refund", amount=1)
    assert list(made)[:3] == ["id", "object", "amount"]
    assert made["reason"] is None
    assert "failure_reason" not in made


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ({"currency": 5}, "is no string"),
        ({"status": None, "object": "gift"}, "is not one of"),
        ({"surprise": 1}, "not in the schema"),
        ({"amount": None}, "null, which the schema does not allow"),
        ({}, "missing"),
        ({"destination_details": {"type": "card", "card": {"type": "gift"}}}, "is not one of"),
        ({"charge": {"object": "customer"}}, "expanded into customer"),
        ([], "not an object"),
    ],
)
def test_a_misshapen_answer_is_found(value: object, problem: str) -> None:
    assert any(problem in found for found in misshapen("refund", value))


@pytest.mark.parametrize(
    ("amount", "currency", "text"),
    [
        (1050, "usd", "$10.50"),
        (1050, "jpy", "¥1,050"),
        (1050, "kwd", "KWD 1.050"),
        (123456789, "chf", "CHF 1,234,567.89"),
    ],
)
def test_money_reads_as_people_write_it(amount: int, currency: str, text: str) -> None:
    assert money.display(amount, currency) == text


def test_fees_are_rounded_to_whole_minor_units() -> None:
    assert money.charge_fee(1000, "usd") == 59
    assert money.charge_fee(3000, "eur") == 70
    assert money.charge_fee(1000, "jpy") == 29


def test_ids_have_the_documented_lengths() -> None:
    ids = Ids(Random(1))
    payment = ids.payment("pi", 1_800_000_000)
    assert len(payment) == len("pi_") + 24
    assert ids.related("ch", payment)[3:19] == payment[3:19]
    assert len(ids.made("price", 1_800_000_000)) == len("price_") + 24
    assert len({ids.made("evt", 1_800_000_000) for _ in range(10_000)}) == 10_000
