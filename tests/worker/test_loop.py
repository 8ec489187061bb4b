"""The worker's loop does all that cron does, again and again."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

from boxoffice.accounts.login import request_login
from boxoffice.box import BoxOffice
from boxoffice.worker.loop import work_until
from tests.conftest import SECRET_KEY
from tests.shop import CARD, Shop, session_of, until


@asynccontextmanager
async def worker(box: BoxOffice) -> AsyncGenerator[None]:
    stop = asyncio.Event()
    working = asyncio.create_task(work_until(stop, box))
    yield
    stop.set()
    await working


async def test_the_loop_finds_a_payment_that_nobody_told_of_and_sends_its_mail(shop: Shop) -> None:
    order = await shop.ordered()
    await shop.fault("drop", count=None)
    await shop.control(f"checkout/sessions/{session_of(order)}/pay", card=CARD)
    async with worker(shop.box):
        await until(lambda: shop.count("mailbox_message"))
    assert (await shop.look(order))["status"] == "paid"


async def test_work_that_fails_keeps_no_other_from_being_done(shop: Shop) -> None:
    db = shop.box.db
    db.moved_clock = datetime.now(UTC) - timedelta(days=3)
    async with db.transaction() as connection:
        await request_login(
            connection, SECRET_KEY, "mara@example.org", "a browser's secret of 32 characters", "198.51.100.7"
        )
    db.moved_clock = None
    async with db.transaction() as connection:
        await connection.execute("ALTER TABLE event_list_mark RENAME TO not_there")

    async def tidied() -> bool:
        return await shop.count("login_request") == 0

    async with worker(shop.box):
        await until(tidied)
