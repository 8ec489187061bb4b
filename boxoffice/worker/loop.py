"""`boxoffice worker`: rounds of work, polled with jitter, until a signal says stop."""

import asyncio
import random
import signal

from boxoffice.box import BoxOffice
from boxoffice.foundation import logs
from boxoffice.foundation.db import LOST
from boxoffice.orders.repair import is_quiet
from boxoffice.worker.tick import WORK, Work, show_life

PAUSE_SECONDS = 0.5
BUSY_PAUSE_SECONDS = 0.05
AWAY_PAUSE_SECONDS = 2.0
SAID_AGAIN_SECONDS = 5.0


async def _show_life(box: BoxOffice) -> int:
    return await show_life(box, "worker")


WORK_AND_LIFE = {"life": Work(_show_life, 60), **WORK}


class _Away:
    """Says that the database is away, once every few seconds however many find it so."""

    def __init__(self) -> None:
        self._said_at = float("-inf")

    def say(self, error: Exception) -> None:
        moment = asyncio.get_running_loop().time()
        if moment >= self._said_at + SAID_AGAIN_SECONDS:
            self._said_at = moment
            logs.warning("the database is away", problem=type(error.__cause__ or error).__name__)


async def run(box: BoxOffice) -> None:
    """Works until SIGTERM or SIGINT."""
    stop = asyncio.Event()
    for sign in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(sign, stop.set)
    await work_until(stop, box)
    await box.close()


async def work_until(stop: asyncio.Event, box: BoxOffice) -> None:
    """Every kind of work in rounds of its own, so that a mail server that hangs keeps no hold from ending. A database
    that is away is waited for; work that fails is done again."""
    away = _Away()
    await asyncio.gather(*(_keep_at(stop, box, name, away) for name in WORK_AND_LIFE))


async def _keep_at(stop: asyncio.Event, box: BoxOffice, name: str, away: _Away) -> None:
    work, loop, quiet_until = WORK_AND_LIFE[name], asyncio.get_running_loop(), 0.0
    while not stop.is_set():
        try:
            found = 0
            if loop.time() >= quiet_until or not await is_quiet(box.till):
                found = await work.do(box)
                quiet_until = loop.time() + work.quiet_seconds
            pause = work.every_seconds or (BUSY_PAUSE_SECONDS if found else PAUSE_SECONDS)
        except LOST as error:
            away.say(error)
            pause = AWAY_PAUSE_SECONDS
        except Exception as error:  # noqa: BLE001 - the worker goes on
            logs.error("work failed; it is done again in the next round", work=name, problem=error)
            pause = work.every_seconds or PAUSE_SECONDS
        try:
            await asyncio.wait_for(stop.wait(), pause * random.uniform(0.5, 1.5))  # noqa: S311 - spreads polls
        except TimeoutError:
            continue
