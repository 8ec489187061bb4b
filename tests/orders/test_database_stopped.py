"""PostgreSQL itself is stopped at once, without a word to anybody, and started again while people buy."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest

from boxoffice.cli import migrate
from local_postgres import LocalPostgres
from stripe_simulator.core import Core
from tests.conftest import ROOT
from tests.soak.buyers import Buyer
from tests.soak.ending import findings, heal, lost
from tests.soak.place import Place, open_place
from tests.soak.record import Record
from tests.soak.trouble import Trouble

BUYERS, STOPS, SEED = 6, 2, 20261128
DATABASE = "stopped"


@pytest.fixture
def own_cluster(worker_id: str) -> Iterator[LocalPostgres]:
    """A PostgreSQL of this test's own, which writes to the disk before it says that it did."""
    postgres = LocalPostgres(ROOT / ".local" / f"test-postgres-stopped-{worker_id}")
    postgres.start()
    postgres.drop_database(DATABASE)
    postgres.create_database(DATABASE)
    migrate.run(postgres.url(DATABASE))
    postgres.psql("INSERT INTO database_mark VALUES ('test')", DATABASE)
    yield postgres
    postgres.stop(immediate=True)


@pytest.fixture
async def place(own_cluster: LocalPostgres, simulator: Core) -> AsyncIterator[Place]:
    """Two servers and a worker on it; Stripe's books are elsewhere."""
    async with open_place(own_cluster, simulator, own_cluster.url(DATABASE)) as place:
        yield place


@pytest.mark.slow
async def test_nothing_that_was_acknowledged_is_lost_and_the_servers_go_on_by_themselves(place: Place) -> None:
    record, stop = Record(), asyncio.Event()
    trouble = Trouble(place, record, SEED)
    buyers = [asyncio.create_task(Buyer(number, place, record, SEED).buy_until(stop)) for number in range(BUYERS)]
    pids = [server.pid for server in place.servers]
    for _ in range(STOPS):
        seen = len(record.orders)
        await _more_than(record, seen + BUYERS)
        await trouble.postgres_stops()  # each server's first order after it is waited for
    stop.set()
    await asyncio.gather(*buyers)
    assert [server.pid for server in place.servers if not server.ended()] == pids
    assert len(record.recovered_seconds) == 2 * STOPS
    await heal(place)
    assert await findings(place, record) == []


def test_what_is_lost_is_missed() -> None:
    """The negative control of what the record is compared with."""
    record = Record(orders={"a key": "A", "another": "B"}, paid={"A": {"T1", "T2"}}, charged={"B"}, refunds={"A": 1200})
    assert lost(record, {"A": "refunded", "B": "paid"}, {("A", "T1"), ("A", "T2")}, {"A": 1200}) == []
    assert lost(record, {"A": "expired"}, {("A", "T1")}, {}) == [
        "order B was acknowledged and is lost",
        "order A was called paid and is expired",
        "ticket T2 of A was shown and is lost",
        "order B was charged and is None",
        "order A: 1200 were to go back, None went",
    ]


async def _more_than(record: Record, orders: int) -> None:
    """Waits until more orders than that are acknowledged."""
    async with asyncio.timeout(60):
        while len(record.orders) <= orders:
            record.news.clear()
            await record.news.wait()
