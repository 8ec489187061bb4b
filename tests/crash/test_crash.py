"""Some of the points that `make crash` tries, all of them in half an hour."""

import os
from pathlib import Path

import pytest

from stripe_simulator.core import Core
from tests.crash import strace
from tests.crash.flows import COMPLETED, FLOWS, CheckoutAnswers, Flow, SuccessAnswers, Webhook, WebhookAnswers
from tests.crash.point import Outcome
from tests.crash.walk import PLANTED, open_place, sample, walk

SEED = 20261128
POINTS = 2
POINTS_OF_ANSWERS = 2
POINTS_FOR_THE_BUG = 4


class WebhookOfOneEvent(Webhook):
    """No other event does the work of the one that was called handled."""

    about, events = 30, (COMPLETED,)


@pytest.fixture
async def killer() -> None:
    """Programs can be killed at their writes; a machine where they cannot be skips what needs it, and says why."""
    try:
        await strace.try_it()
    except strace.NoStrace as problem:
        pytest.skip(str(problem))


@pytest.mark.slow
@pytest.mark.usefixtures("killer")
@pytest.mark.parametrize("kind", FLOWS, ids=lambda kind: kind.__name__)
async def test_what_a_killed_program_was_at_is_done_within_a_minute(
    simulator: Core, database_url: str, kind: type[Flow]
) -> None:
    answers = kind in (CheckoutAnswers, WebhookAnswers, SuccessAnswers)
    outcomes = await tried(simulator, database_url, kind, POINTS_OF_ANSWERS if answers else POINTS)
    assert [one for one in outcomes if one.wrong] == []
    assert any(one.hit for one in outcomes), "the flow is shorter than it says: nothing was killed"


@pytest.mark.slow
@pytest.mark.usefixtures("killer")
async def test_negative_control_an_event_that_is_called_handled_before_its_work_is_found_out(
    simulator: Core, database_url: str
) -> None:
    outcomes = await tried(simulator, database_url, WebhookOfOneEvent, POINTS_FOR_THE_BUG, PLANTED)
    wrong = [text for one in outcomes for text in one.wrong]
    assert any(text.startswith("handled means done") for text in wrong)


async def tried(simulator: Core, database_url: str, kind: type[Flow], points: int, *application: str) -> list[Outcome]:
    """What came of a flow's sample."""
    async with open_place(simulator, database_url, *application) as place:
        return await walk(place, kind, sample(kind, points, SEED))


async def test_without_strace_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(strace.NoStrace, match="apt-get install strace"):
        await strace.try_it()


async def test_where_strace_may_not_attach_it_is_said_what_allows_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    program = tmp_path / "strace"
    program.write_text(
        "#!/bin/sh\necho 'strace: attach: ptrace(PTRACE_SEIZE, 7): Operation not permitted' >&2\nexit 1\n"
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    with pytest.raises(strace.NoStrace, match=r"SYS_PTRACE.*Operation not permitted"):
        await strace.try_it()


def test_a_sample_is_the_same_again_and_spread_over_the_whole_flow() -> None:
    numbers = sample(Webhook, 5, SEED)
    assert numbers == sample(Webhook, 5, SEED)
    part = Webhook.about / 5
    assert [int((number - 1) // part) for number in numbers] == [0, 1, 2, 3, 4]
