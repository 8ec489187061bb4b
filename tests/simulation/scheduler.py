"""Who takes the next step: exactly one task moves at a time, chosen by the seed.

A task asks for its turn before every statement and every call to Stripe. A statement that waits for a lock parks its
task: it goes on when PostgreSQL lets it, and then asks for a turn again. A parked backend is stopped, and those that
one commit sets free are let go one after the other: who comes first is not for the operating system to say.
"""

import asyncio
import os
import signal
from collections import Counter
from collections.abc import Callable, Coroutine
from contextvars import ContextVar
from dataclasses import dataclass, field
from random import Random
from typing import Any, TypeVar, cast

import asyncpg

from tests.simulation.loop import SimulationLoop
from tests.simulation.trace import Trace

Result = TypeVar("Result")
Task = asyncio.Task[Any]

NETWORK_SECONDS = 0.003
HUNG_SECONDS = 20
BLOCKED = "SELECT pid, pg_blocking_pids(pid) AS by FROM unnest($1::integer[]) AS pid"

ACTOR: ContextVar[str] = ContextVar("actor", default="world")
PROCESS: ContextVar[str] = ContextVar("process", default="")


class Stuck(AssertionError):
    """Nothing can move any more, a statement never ended, or tasks wait for each other's locks."""


@dataclass(eq=False)
class Turn:
    """A task that waits to be chosen."""

    who: str
    what: str
    come: asyncio.Future[None]
    not_before: int
    """The number of steps until which it rests, unless nobody else can go on."""


@dataclass(eq=False)
class Flight:
    """A statement that PostgreSQL works on."""

    who: str
    pid: int
    parked: bool = False
    was_parked: bool = False
    ending: bool = False
    """It is being taken back, and waits for no lock any more in a moment."""


@dataclass
class Scheduler:
    """`observer` looks at locks from outside; `sticky` is how often a task that can go on does."""

    loop: SimulationLoop
    random: Random
    observer: asyncpg.Connection
    trace: Trace
    sticky: float
    steps: int = 0
    parked: int = 0
    waiting: list[Turn] = field(default_factory=list[Turn])
    flights: list[Flight] = field(default_factory=list[Flight])
    tasks: dict[str, set[Task]] = field(default_factory=dict[str, set[Task]])
    _children: Counter[str] = field(default_factory=Counter[str])
    _watching: asyncio.Lock = field(default_factory=asyncio.Lock)
    _last: str = ""

    def take_over(self) -> None:
        """From now on every task is named after the one that started it, and belongs to its process."""
        self.loop.set_task_factory(self._new_task)

    def let_go(self) -> None:
        """Tasks are tasks again."""
        self.loop.set_task_factory(None)

    async def turn(self, what: str, *, rest: int = 0) -> None:
        """Waits until the seed chooses this task; not before the others have taken `rest` steps, if they can."""
        turn = Turn(_name(), what, self.loop.create_future(), self.steps + rest)
        self.waiting.append(turn)
        try:
            await turn.come
        finally:
            if turn in self.waiting:
                self.waiting.remove(turn)

    async def statement(
        self,
        connection: asyncpg.Connection,
        what: str,
        call: Callable[[], Coroutine[Any, Any, Result]],
        *,
        at_once: bool = False,
    ) -> Result:
        """Runs a statement when its turn has come. A task that is cancelled meanwhile takes the statement back."""
        if not at_once:
            await self.turn(what)
        flight = Flight(_name(), connection.get_server_pid())
        running = await self._finished(flight, call())
        if flight.was_parked and not at_once:
            await self.turn(f"goes on: {what}")
        return self._result(flight, running, traced=not at_once)

    async def outside(self, what: str, call: Callable[[], Coroutine[Any, Any, Result]]) -> Result:
        """Does something in the outside world when its turn has come; it happens whatever becomes of the task."""
        await self.turn(what)
        flight = Flight(_name(), 0)
        return self._result(flight, await self._finished(flight, call()), traced=True)

    async def step(self) -> bool:
        """Lets one task move, as far as it can; False when all of them wait for time to pass or for each other."""
        await self.settle()
        if not self.waiting:
            return False
        first = max(self.steps, min(turn.not_before for turn in self.waiting))
        turns = sorted((turn for turn in self.waiting if turn.not_before <= first), key=lambda turn: turn.who)
        again = [turn for turn in turns if turn.who == self._last]
        sticks = bool(again) and self.random.random() < self.sticky
        turn = again[0] if sticks else self.random.choice(turns)
        self._last = turn.who
        self.steps += 1
        self.trace.step(turn.who, turn.what)
        self.waiting.remove(turn)
        turn.come.set_result(None)
        await self.settle()
        return True

    async def settle(self) -> None:
        """Returns once every task waits for its turn, for a lock, for another task or for time to pass."""
        quiet = 0.0
        while True:
            await self.loop.settled()
            flying = [flight for flight in self.flights if not flight.parked]
            if not flying and not await self._freed():
                return
            if not flying:
                continue
            if self.loop.network_within(NETWORK_SECONDS):
                quiet = 0.0
                continue
            quiet += NETWORK_SECONDS
            if quiet > HUNG_SECONDS:
                raise Stuck(f"{[flight.who for flight in flying]} wait for an answer from PostgreSQL")
            await self._park(flying)

    def crash(self, process: str) -> int:
        """Ends every task of a process between two steps; returns how many there were."""
        tasks = sorted(self.tasks.get(process, ()), key=lambda task: task.get_name())
        for task in tasks:
            task.cancel()
        return len(tasks)

    def spawn(self, name: str, work: Coroutine[Any, Any, Result], process: str = "") -> asyncio.Task[Result]:
        """Starts an actor, or something that it does in a process."""
        actor, place = ACTOR.set(name), PROCESS.set(process)
        try:
            return self.loop.create_task(work)
        finally:
            ACTOR.reset(actor)
            PROCESS.reset(place)

    async def _finished(self, flight: Flight, call: Coroutine[Any, Any, Result]) -> asyncio.Task[Result]:
        running = asyncio.Task(call, loop=self.loop)  # of no process: it does not crash with the one that waits for it
        self.flights.append(flight)
        try:
            await asyncio.wait([running])
        except asyncio.CancelledError:
            await self._take_back(flight, running)
            raise
        finally:
            self.flights.remove(flight)
        return running

    def _result(self, flight: Flight, running: asyncio.Task[Result], *, traced: bool) -> Result:
        error = running.exception()
        if traced:
            self.trace.result(flight.who, running.result() if error is None else f"{type(error).__name__}: {error}")
        return running.result()

    async def _blocked(self, flights: list[Flight]) -> dict[int, list[int]]:
        """Who waits, and for whom."""
        async with self._watching:
            rows = await self.observer.fetch(BLOCKED, [flight.pid for flight in flights])
        return {row["pid"]: row["by"] for row in rows if row["by"]}

    async def _park(self, flying: list[Flight]) -> None:
        blocked = await self._blocked(flying)
        for flight in flying:
            if flight in self.flights and not flight.ending and flight.pid in blocked:
                flight.parked = flight.was_parked = True
                self.parked += 1
                os.kill(flight.pid, signal.SIGSTOP)

    async def _freed(self) -> bool:
        """Whether a parked statement waits no more: the one that has waited longest goes on."""
        parked = [flight for flight in self.flights if flight.parked]
        if not parked:
            return False
        blocked = await self._blocked(parked)
        _refuse_circle(blocked)
        freed = next((flight for flight in parked if flight.pid not in blocked), None)
        if freed is None:
            return False
        self._go_on(freed)
        return True

    def _go_on(self, flight: Flight) -> None:
        if flight.parked:
            flight.parked = False
            os.kill(flight.pid, signal.SIGCONT)

    async def _take_back(self, flight: Flight, running: asyncio.Task[Any]) -> None:
        flight.ending = True
        self._go_on(flight)
        if not running.done():
            async with self._watching:
                await self.observer.fetch("SELECT pg_cancel_backend($1)", flight.pid)
            await asyncio.wait([running])
        running.exception()

    def _new_task(self, loop: asyncio.AbstractEventLoop, work: Any, **how: Any) -> Any:
        actor, process = ACTOR.get(), PROCESS.get()
        self._children[actor] += 1
        number = self._children[actor]
        name = (actor if number == 1 else f"{actor}.{number}") + (f"@{process}" if process else "")
        task = asyncio.Task(work, loop=loop, name=name, **how)
        tasks = self.tasks.setdefault(PROCESS.get(), set())
        tasks.add(task)
        task.add_done_callback(tasks.discard)
        return task


def _name() -> str:
    return cast("Task", asyncio.current_task()).get_name()


def _refuse_circle(blocked: dict[int, list[int]]) -> None:
    """Locks are taken in one order everywhere, so nobody ever waits in a circle."""
    for start, by in blocked.items():
        seen, ahead = set[int](), list(by)
        while ahead:
            pid = ahead.pop()
            if pid == start:
                raise Stuck(f"a deadlock: {blocked}")
            if pid not in seen:
                seen.add(pid)
                ahead += blocked.get(pid, [])
