"""`boxoffice worker`: rounds of work, polled with jitter, until a signal says stop."""

import asyncio
import random
import signal

from boxoffice.box import BoxOffice
from boxoffice.foundation import logs
from boxoffice.foundation.db import LOST
from boxoffice.worker.tick import WORK, Work, show_life

PAUSE_SECONDS = 0.5


async def _show_life(box: BoxOffice) -> int:
    return await show_life(box, "worker")


WORK_AND_LIFE = {"life": Work(_show_life, 60), **WORK}


async def run(box: BoxOffice) -> None:
    """Works until SIGTERM or SIGINT."""
    stop = asyncio.Event()
    for sign in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(sign, stop.set)
    await work_until(stop, box)
    await box.close()


async def work_until(stop: asyncio.Event, box: BoxOffice) -> None:
    """Rounds of what is due. A database that is away is waited for; work that fails keeps no other from being done."""
    due_at = dict.fromkeys(WORK_AND_LIFE, 0.0)
    while not stop.is_set():
        busy = await _round(box, due_at)
        pause = 0.05 if busy else PAUSE_SECONDS
        try:
            await asyncio.wait_for(stop.wait(), pause * random.uniform(0.5, 1.5))  # noqa: S311 - spreads polls
        except TimeoutError:
            continue


async def _round(box: BoxOffice, due_at: dict[str, float]) -> int:
    loop = asyncio.get_running_loop()
    found = 0
    for name, work in WORK_AND_LIFE.items():
        if loop.time() < due_at[name]:
            continue
        due_at[name] = loop.time() + work.every_seconds
        try:
            found += await work.do(box)
        except LOST as error:
            logs.warning("the database is away", problem=type(error.__cause__ or error).__name__)
            break
        except Exception as error:  # noqa: BLE001 - the worker goes on
            logs.error("work failed; it is done again in the next round", work=name, problem=error)
    return found
