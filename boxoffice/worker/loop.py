"""`boxoffice worker`: rounds of work, polled with jitter, until a signal says stop."""

import asyncio
import random
import signal

from boxoffice.box import BoxOffice
from boxoffice.foundation import logs
from boxoffice.foundation.db import LOST
from boxoffice.orders.repair import read_missed_events, repair
from boxoffice.worker.tick import run_jobs, tidy

PAUSE_SECONDS = 0.5
LIST_EVENTS_EVERY_SECONDS = 60


async def run(box: BoxOffice) -> None:
    """Works until SIGTERM or SIGINT; a database that is away is waited for."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for sign in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(sign, stop.set)
    list_at = loop.time()
    while not stop.is_set():
        busy = 0
        try:
            busy = await run_jobs(box) + await repair(box.till)
            if loop.time() >= list_at:
                list_at = loop.time() + LIST_EVENTS_EVERY_SECONDS
                await read_missed_events(box.till)
                await tidy(box)
        except LOST as error:
            logs.warning("the database is away", problem=type(error.__cause__ or error).__name__)
        except Exception as error:  # noqa: BLE001 - one round fails, the worker goes on
            logs.error("a round of work failed; the next one follows", problem=error)
        pause = 0.05 if busy else PAUSE_SECONDS
        try:
            await asyncio.wait_for(stop.wait(), pause * random.uniform(0.5, 1.5))  # noqa: S311 - spreads polls
        except TimeoutError:
            continue
    await box.close()
