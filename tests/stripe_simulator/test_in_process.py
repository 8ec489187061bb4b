"""The core without HTTP: the same seed, the same run; the way out is a function."""

from random import Random
from typing import Any

import pytest

from stripe_simulator.api.answering import AnswerLost
from stripe_simulator.checkout.pay import Payment
from stripe_simulator.clock import ManualClock
from stripe_simulator.core import Core
from stripe_simulator.deliveries.post import Reply
from stripe_simulator.faults import Rule
from stripe_simulator.payments import cards
from stripe_simulator.settings import DefaultEndpoint, Settings
from stripe_simulator.store.database import DatabaseInUse
from tests.stripe_simulator.conftest import new_database
from tests.stripe_simulator.seller import KEY, VERSION, order

VISA = Payment(means=cards.BY_NUMBER["4242424242424242"])


class Out:
    """Takes deliveries; every other one is refused."""

    def __init__(self) -> None:
        self.sent: list[bytes] = []

    async def __call__(self, url: str, headers: dict[str, str], body: bytes, timeout: float) -> Reply:  # noqa: ASYNC109
        self.sent.append(headers["Stripe-Signature"].encode() + body)
        return Reply(200 if len(self.sent) % 2 else 503)


async def story(url: str, seed: int) -> tuple[list[bytes], list[Any]]:
    out = Out()
    settings = Settings(database_url=url, delivery=False)
    answers: list[Any] = []
    async with Core.open(settings, clock=ManualClock(), random=Random(seed), post=out) as core:
        await core.reset()
        endpoint: dict[str, Any] = {"url": "http://seller.example/hook", "enabled_events": ["*"]}
        answers.append((await core.call("POST", "/v1/webhook_endpoints", endpoint, key=KEY)).json())
        core.world.faults.add(Rule(fault="duplicate", match="charge.*", chance=0.5, count=None))
        for number in range(3):
            created = await core.call(
                "POST", "/v1/checkout/sessions", order(), key=KEY, idempotency_key=f"k{number}", version=VERSION
            )
            await core.pay(created.json()["id"], VISA)
            answers.append(created.json())
        await core.world.queue.send_due()
        await core.advance(3600)
        await core.world.queue.send_due()
        answers.append((await core.call("GET", "/v1/events", {"limit": 100}, key=KEY)).json())
    return out.sent, answers


async def test_the_same_seed_tells_the_same_story(postgres_url: str, worker_id: str) -> None:
    url = await new_database(postgres_url, f"stripe_story_{worker_id}")
    first = await story(url, 7)
    assert first == await story(url, 7)
    assert first != await story(url, 8)


async def test_a_lost_answer_is_an_exception(postgres_url: str, worker_id: str) -> None:
    url = await new_database(postgres_url, f"stripe_lost_{worker_id}")
    async with Core.open(Settings(database_url=url, delivery=False)) as core:
        core.world.faults.add(Rule(fault="lost_response", match="POST /v1/checkout/sessions"))
        with pytest.raises(AnswerLost):
            await core.call("POST", "/v1/checkout/sessions", order(), key=KEY, idempotency_key="k")
        again = await core.call("POST", "/v1/checkout/sessions", order(), key=KEY, idempotency_key="k")
        assert again.headers["Idempotent-Replayed"] == "true"


async def test_one_simulator_per_database(postgres_url: str, worker_id: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stripe_simulator.store.database.TAKEOVER_SECONDS", 1)
    url = await new_database(postgres_url, f"stripe_two_{worker_id}")
    async with Core.open(Settings(database_url=url)):
        with pytest.raises(DatabaseInUse):
            await Core.started(Settings(database_url=url))


async def test_the_endpoint_limit(postgres_url: str, worker_id: str) -> None:
    url = await new_database(postgres_url, f"stripe_limit_{worker_id}")
    clock = ManualClock()
    async with Core.open(Settings(database_url=url, delivery=False, endpoint_rate_limit=2), clock=clock) as core:
        statuses = [(await core.call("GET", "/v1/account", key=KEY)).status for _ in range(3)]
        clock.advance(1)
        statuses.append((await core.call("GET", "/v1/account", key=KEY)).status)
    assert statuses == [200, 200, 429, 200]


async def test_a_moved_clock_outlives_a_restart(postgres_url: str, worker_id: str) -> None:
    settings = Settings(database_url=await new_database(postgres_url, f"stripe_clock_{worker_id}"))
    async with Core.open(settings) as core:
        await core.advance(10_000)
        moved = core.world.clock.now()
    async with Core.open(settings) as core:
        assert core.world.clock.now() >= moved
        await core.reset()
        assert core.world.clock.now() < moved


async def test_an_endpoint_can_be_there_from_the_start(postgres_url: str, worker_id: str) -> None:
    url = await new_database(postgres_url, f"stripe_default_{worker_id}")
    endpoint = DefaultEndpoint(url="http://seller.example/hook", secret="whsec_known")
    settings = Settings(database_url=url, delivery=False, default_endpoint=endpoint)
    for _ in range(2):
        async with Core.open(settings) as core:
            await core.reset()
            (known,) = core.world.queue.endpoints.values()
            assert (known.url, known.secret) == (endpoint.url, endpoint.secret)


async def test_what_cannot_happen_now_does_not_hold_up_the_rest(postgres_url: str, worker_id: str) -> None:
    url = await new_database(postgres_url, f"stripe_later_{worker_id}")
    clock = ManualClock()
    settings = Settings(database_url=url, delivery=False, lock_timeout=0.05)
    async with Core.open(settings, clock=clock) as core:
        first, second = [(await core.call("POST", "/v1/checkout/sessions", order(), key=KEY)).json() for _ in range(2)]
        busy = core.world.unit()
        await busy.lock("checkout.session", first["id"])
        await core.advance(24 * 3600)
        refused = await core.call("POST", f"/v1/checkout/sessions/{first['id']}/expire", key=KEY)
        assert (refused.status, refused.json()["error"]["code"]) == (429, "lock_timeout")
        assert "Stripe-Rate-Limited-Reason" not in refused.headers
        await busy.rollback()
        assert [await status_of(core, one["id"]) for one in (first, second)] == ["open", "expired"]
        await core.advance(10)
        assert await status_of(core, first["id"]) == "expired"


async def status_of(core: Core, session_id: str) -> str:
    return (await core.call("GET", f"/v1/checkout/sessions/{session_id}", key=KEY)).json()["status"]
