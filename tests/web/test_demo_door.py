"""What the demo tells of its door could have happened."""

import pytest

from boxoffice.box import BoxOffice
from boxoffice.cli import nights
from boxoffice.cli.demo_entries import scan_for_the_demo
from boxoffice.cli.demo_orders import BOUGHT_AGO, buy_for_the_demo
from tests.conftest import ROOT

EARLIER = """
SELECT count(*) FROM entry JOIN ticket ON ticket.event_id = entry.event_id AND ticket.id = ticket_id
JOIN orders ON orders.event_id = ticket.event_id AND orders.id = order_id
WHERE entered_at < orders.created_at OR entered_at < orders.paid_at
"""


@pytest.mark.slow
async def test_nobody_of_the_demo_came_in_before_buying_or_being_named(box: BoxOffice) -> None:
    await nights.load(box.settings, ROOT / "nights" / "demo.toml", ago=BOUGHT_AGO)
    await buy_for_the_demo(box.settings)
    await scan_for_the_demo(box, "sub-zero")
    async with box.db.transaction() as connection:
        assert (await connection.fetchval("SELECT count(*) FROM entry") or 0) > 15
        assert await connection.fetchval(EARLIER) == 0
