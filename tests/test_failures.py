"""docs/FAILURES.md names tests that exist, and has a row for every failure that concerns payments or the door."""

import ast
import re
from functools import cache

import pytest

from tests.conftest import ROOT

NUMBERS = {*range(1, 25), *range(28, 32), *range(34, 40), 43, 52, 53, 58, 59}
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in (ROOT / "docs" / "FAILURES.md").read_text().splitlines()
    if re.match(r"\| \d", line)
]
NAMED = re.compile(r"`([\w/]+\.py)::(\w+)`")


@cache
def names_in(file: str) -> frozenset[str]:
    """Names of the tests in a file under `tests/`."""
    tree = ast.parse((ROOT / "tests" / file).read_text())
    functions = (one for one in tree.body if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef))
    return frozenset(one.name for one in functions if one.name.startswith("test_"))


def missing_from(text: str) -> list[str]:
    """The named tests that are not there."""
    return [f"{file}::{name}" for file, name in NAMED.findall(text) if name not in names_in(file)]


def test_every_failure_of_payments_and_the_door_has_one_row() -> None:
    assert sorted(int(row[0]) for row in ROWS) == sorted(NUMBERS)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_every_row_is_whole_and_its_tests_exist(row: list[str]) -> None:
    assert len(row) == 4
    assert all(row)
    assert missing_from(row[3]) == []
    assert len(NAMED.findall(row[3])) == row[3].count("::") > 0


def test_a_test_that_was_renamed_is_missed() -> None:
    assert missing_from("`test_failures.py::test_that_never_was`") == ["test_failures.py::test_that_never_was"]
