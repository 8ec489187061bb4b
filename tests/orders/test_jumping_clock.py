"""The clock of a machine jumps by an hour while it sells: what it decides, it decides by the database's clock."""

import sys
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from boxoffice.foundation.db import Database
from boxoffice.foundation.written import write_code
from boxoffice.payments.stripe import sign
from stripe_simulator.core import Core
from tests.house import House
from tests.programs import Program
from tests.shop import WEBHOOK_SECRET, Json, session_of, until
from tests.shop_fixtures import open_house
from tests.web.test_sign_in_mail import code_in

pytestmark = pytest.mark.slow

HOUR = 3600
IS_OVER = "UPDATE orders SET held_until = clock() - interval '1 second' WHERE code = $1"
WORKER = "import tests.jumping_clock; from boxoffice.cli.main import main; main()"


class MachinesClock:
    """The clock of every program that is started meanwhile."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self.jump(0)

    def jump(self, seconds: int) -> None:
        """It is this much off from now on."""
        self._file.write_text(str(seconds))


@pytest.fixture
def clock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> MachinesClock:
    """Shows the right time."""
    monkeypatch.setenv("JUMPED_BY", str(tmp_path / "clock"))
    return MachinesClock(tmp_path / "clock")


@pytest.fixture
async def house(db: Database, simulator: Core, database_url: str, clock: MachinesClock) -> AsyncIterator[House]:
    """A box office whose server has that clock."""
    clock.jump(0)
    async with open_house(db, simulator, database_url, "tests.jumping_clock:app") as house:
        yield house


@asynccontextmanager
async def working(house: House) -> AsyncGenerator[None]:
    """A worker with that clock."""
    program = Program([sys.executable, "-c", WORKER, "worker"], house.environment)
    try:
        yield
    finally:
        program.kill()


async def status(house: House, order: Json) -> str:
    return await house.value(f"SELECT status FROM orders WHERE code = '{order['code']}'")


async def is_taken(house: House, signed_at: datetime) -> bool:
    """Whether a delivery that was signed then is taken now."""
    event = {"id": f"evt_{signed_at:%H%M%S}", "object": "event", "type": "price.created", "livemode": False, "data": {}}
    raw = msgspec.json.encode(event | {"created": int(signed_at.timestamp()), "data": {"object": {"id": "price_1"}}})
    headers = {"Stripe-Signature": sign(raw, WEBHOOK_SECRET, signed_at)}
    answer = await house.shop.web.post("/api/webhook", content=raw, headers=headers)
    assert answer.status_code in (200, 400), answer.text
    return answer.status_code == 200


@pytest.mark.parametrize("seconds", [HOUR, -HOUR])
async def test_it_sells_on_and_signs_in(house: House, clock: MachinesClock, seconds: int) -> None:
    shop = house.shop
    shop.web.headers["Sec-Fetch-Site"] = "same-origin"
    before = await shop.ordered()
    await shop.web.post("/tickets/login", data={"email": "mara@example.org"})
    await until(lambda: _mailed(house, 1))
    clock.jump(seconds)
    after = await shop.ordered(email="jo@example.org")
    assert (await shop.look(before))["hold_expires_at"] == before["hold_expires_at"]
    left = await house.value(f"SELECT held_until - clock() FROM orders WHERE code = '{after['code']}'")
    assert timedelta(minutes=5) < left < timedelta(minutes=20)
    for order in (before, after):
        await shop.pay(order)
        # A clock that is ahead takes no webhook; then it is the way back that tells of the payment.
        assert await status(house, order) == ("paying" if seconds > 0 else "paid")
        back = f"/orders/{order['code']}/success?session_id={session_of(order)}"
        page = await shop.web.get(back, follow_redirects=True)
        assert page.status_code == 200
        tickets = (await shop.look(order))["tickets"]
        assert [one["status"] for one in tickets] == ["active"]
        assert write_code(tickets[0]["code"]) in page.text
    asked = {"email": "mara@example.org", "code": code_in(house.sink.messages[0])}
    signed_in = await shop.web.post("/tickets/code", data=asked)
    assert signed_in.status_code == 303
    mine = (await shop.look(before))["tickets"][0]["code"]
    assert write_code(mine) in (await shop.web.get("/tickets")).text
    await shop.sound()


@pytest.mark.parametrize("seconds", [HOUR, -HOUR])
async def test_a_worker_ends_the_holds_that_the_database_says_are_over(
    house: House, clock: MachinesClock, db: Database, seconds: int
) -> None:
    shop = house.shop
    over, runs_on = await shop.ordered(), await shop.ordered(email="jo@example.org")
    async with db.transaction() as connection:
        await connection.execute(IS_OVER, over["code"])
    clock.jump(seconds)
    async with working(house):

        async def ended() -> bool:
            return await status(house, over) == "expired"

        await until(ended)
    assert await status(house, runs_on) == "paying"


@pytest.mark.parametrize(
    ("seconds", "fresh", "half_an_hour_old"), [(0, True, False), (HOUR, False, False), (-HOUR, True, True)]
)
async def test_webhooks_alone_need_a_clock_that_is_right(
    house: House, clock: MachinesClock, seconds: int, *, fresh: bool, half_an_hour_old: bool
) -> None:
    """That the clock has really jumped, and what it costs: none is taken, or one that is played again is."""
    clock.jump(seconds)
    moment = datetime.now(UTC)
    assert await is_taken(house, moment) is fresh
    assert await is_taken(house, moment - timedelta(minutes=30)) is half_an_hour_old


async def _mailed(house: House, number: int) -> bool:
    return len(house.sink.messages) >= number
