"""Some seeds of the simulation; `make simulate` runs as many as you like."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from local_postgres import LocalPostgres
from tests.conftest import TEMPLATE
from tests.simulation.run import Outcome
from tests.simulation.seeds import run_seeds

SEEDS = range(1, 13)
# Which seed finds what depends on every statement of the code. When none from here on does any more, `make simulate
# PLANTED=lock` names the next one; it must be among the first two hundred.
FOUND_BY = {"stock": 1, "lock": 55, "book": 82, "mark": 4, "code": 2, "quota": 6, "box": 7, "until": 6, "nonce": 16}
WITHIN = 200

Run = Callable[..., list[Outcome]]


@pytest.fixture
def run(postgres: LocalPostgres, worker_id: str) -> Run:
    """Runs seeds on the test run's cluster, on a loop of their own."""

    def on_a_loop_of_its_own(seeds: range, **how: str | bool) -> list[Outcome]:
        name = f"simulation_{worker_id}"
        with ThreadPoolExecutor(1) as threads:
            return threads.submit(run_seeds, postgres, name, seeds, template=TEMPLATE, **how).result()  # type: ignore[arg-type]

    return on_a_loop_of_its_own


@pytest.mark.slow
def test_seeds_find_nothing_and_are_the_same_run_twice(run: Run) -> None:
    outcomes = run(SEEDS, twice=True)
    assert [finding for outcome in outcomes for finding in outcome.findings] == []
    assert len({outcome.digest for outcome in outcomes}) == len(SEEDS)
    assert sum(outcome.parked for outcome in outcomes) > 0, "nobody ever waited for anybody"
    assert {"paid", "expired", "released"} <= {status for outcome in outcomes for status in outcome.ends}


@pytest.mark.slow
@pytest.mark.parametrize("bug", FOUND_BY)
def test_a_planted_bug_is_found(run: Run, bug: str) -> None:
    last = run(range(FOUND_BY[bug], 1 + WITHIN), planted=bug)[-1]
    assert last.findings != [], f"no seed up to {last.seed} finds it"


@pytest.mark.slow
def test_the_bug_that_is_taken_out_again_is_not_found(run: Run) -> None:
    """The seed that finds a planted bug finds nothing without it."""
    (outcome,) = run(range(FOUND_BY["lock"], FOUND_BY["lock"] + 1))
    assert outcome.findings == []
