"""The world of one seed: a small night, processes that may crash, clocks, mail and Stripe."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from typing import TYPE_CHECKING, Any, TypeVar
from uuid import UUID

import asyncpg

from boxoffice.box import BoxOffice
from boxoffice.catalogue.load_nights import load_nights
from boxoffice.catalogue.nights_file import read_nights_file
from boxoffice.foundation import ids, logs
from boxoffice.foundation.db import LOST, Database
from boxoffice.foundation.ids import named_id
from boxoffice.foundation.mail import Mail, MailNotSent
from boxoffice.foundation.problems import Problem
from boxoffice.hooks.stripe import NotHandled
from boxoffice.payments.stripe import StripeProblem
from boxoffice.settings import Settings
from boxoffice.worker import mails
from stripe_simulator.core import Core
from stripe_simulator.settings import Settings as StripeSettings
from tests.simulation.at_stripe import AtStripe, InProcessClient
from tests.simulation.invariants import Observer, connected
from tests.simulation.loop import SimulationLoop
from tests.simulation.scheduler import ACTOR, Scheduler
from tests.simulation.stepped import SteppedDatabase
from tests.simulation.trace import Trace

if TYPE_CHECKING:
    from tests.simulation.card_sales import CardSale

Result = TypeVar("Result")

START = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)
WEBHOOK_SECRET = "whsec_a_secret_of_the_simulation"
ENVIRONMENT = {
    "DATABASE_URL": "postgresql://nobody:none@simulation.invalid/none",
    "BASE_URL": "http://localhost:3000",
    "SECRET_KEY": "a secret of the simulation, long enough for it",
    "STRIPE_SECRET_KEY": "sk_test_simulation_1234567890",
    "STRIPE_WEBHOOK_SECRET": WEBHOOK_SECRET,
}
PROCESSES = ("web-1", "web-2", "worker-1", "worker-2")
CONNECTIONS = 40
SLUG = "tiefdruck-eins"
NIGHT = """
[[organisation]]
slug = "tiefdruck"
name = "Tiefdruck"

[[venue]]
slug = "keller-drei"
name = "Keller Drei"
address = "Hafenweg 3"
city = "Hamburg"
country = "DE"
time_zone = "Europe/Berlin"

[[night]]
slug = "tiefdruck-eins"
title = "Tiefdruck Eins"
organisation = "tiefdruck"
venue = "keller-drei"
currency = "eur"
doors_at = "in 60 days 22:00"
starts_at = "in 60 days 23:00"
ends_at = "in 61 days 06:00"
room_capacity = 9

[[night.ticket_type]]
name = "Entry"

[[night.ticket_type.release]]
name = "Early bird"
price = "12.00"
quantity = 2

[[night.ticket_type.release]]
name = "Regular"
price = "16.50"
quantity = 3

[[night.ticket_type]]
name = "Friends"

[[night.ticket_type.release]]
name = "Friends"
price = "0.00"
quantity = 1

[[night.guest_list]]
name = "Guests"
given_by = "A promoter"
quota = 3
plus_ones_max = 1

[[night.door_price]]
ticket_type = "Entry"
from = "in 0 days 00:00"
price = "20.00"
"""
GUESTS, DOOR_PRICE_MINOR = "Guests", 2000
SCANNERS = {
    gate: (named_id("scanner", gate), f"the token of the {gate}") for gate in ("main door", "till one", "till two")
}
"""Gate -> device and token; the tills sell. Their doors are open long before the night begins."""
LIST = """
INSERT INTO entry_list (event_id, id, name, opens_at, re_entry) SELECT id, $1, 'Door', $2, false FROM event
"""
SCANNER = """
INSERT INTO device (event_id, id, list_id, gate, role, link_hash, pin_hash, token_hash, sells, created_at, paired_at)
SELECT id, $1, $2, $3, 'staff', sha256($4), sha256('pin'), sha256($4), $5, $6, $6 FROM event
"""
CATALOGUE = (
    *("organisation", "venue", "event", "stock", "ticket_type", "release"),
    *("guest_list", "door_price", "entry_list", "device"),
)


class Crashed(Exception):
    """The process that was asked died before it answered."""


EXPECTED = (Problem, StripeProblem, MailNotSent, Crashed, TimeoutError, *LOST)
"""What may come of asking; anything else is a bug."""


class Finding(AssertionError):
    """Something that must never be: the seed repeats it."""


@dataclass(frozen=True, slots=True)
class Chances:
    """What kind of world a seed makes."""

    early: int
    regular: int
    room: int
    friends: int
    buyers: int
    promo: bool
    webhooks: str
    stripe_fault: float
    mail_fault: float
    cut: float
    crashes: int
    sticky: float
    refunders: int = 0
    dashboard: bool = False
    bank: bool = False
    door: bool = False
    called_off: bool = False
    senders: int = 0
    promoters: int = 0
    sellers: int = 0
    quota: int = 2
    card_sellers: int = 0
    transfer_hours: int = 0
    """Until when tickets may be sent on, from the beginning; 0: until the doors, which nobody lives to see."""

    @classmethod
    def of(cls, random: Random) -> "Chances":
        """A world: two to four tickets for three to six buyers, calm or rough."""
        early, regular = random.randint(1, 2), random.randint(1, 2)
        return cls(
            early=early,
            regular=regular,
            room=random.randint(max(2, early), 4),
            friends=random.randint(0, 1),
            buyers=random.randint(3, 6),
            promo=random.random() < 0.3,
            webhooks=random.choice(["all", "all", "lossy", "none"]),
            stripe_fault=random.choice([0.0, 0.0, 0.05, 0.2]),
            mail_fault=random.choice([0.0, 0.1]),
            cut=random.choice([0.0, 0.0, 0.02]),
            crashes=random.choice([0, 0, 1, 3]),
            sticky=random.choice([0.0, 0.3, 0.8, 0.95]),
            refunders=random.choice([0, 0, 1, 2]),
            dashboard=random.random() < 0.35,
            bank=random.random() < 0.35,
            door=random.random() < 0.25,
            called_off=random.random() < 0.15,
            senders=random.choice([0, 0, 0, 1, 2]),
            promoters=random.choice([0, 0, 0, 1, 2]),
            sellers=random.choice([0, 0, 0, 1, 2]),
            quota=random.randint(1, 3),
            card_sellers=random.choice([0, 0, 0, 1, 2]),
            transfer_hours=random.choice([0, 0, 0, 1, 3]),
        )


class SimulatedClock:
    """Stripe's clock, which is everybody's."""

    def __init__(self, loop: SimulationLoop) -> None:
        self._loop = loop

    def now(self) -> float:
        """Unix seconds."""
        return START.timestamp() + self._loop.moment

    def advance(self, seconds: float) -> None:
        """Time passes for all."""
        self._loop.moment += seconds


@dataclass
class World:
    """Opened once a process, begun anew for every seed."""

    loop: SimulationLoop
    core: Core
    chance_of_stripe: Random
    observer: Observer
    connections: list[asyncpg.Connection]
    types: dict[str, UUID]
    _all_connections: list[asyncpg.Connection]
    _real: tuple[Any, Any, Any] = (None, None, None)
    healing: bool = False
    buyers_left: int = 0
    dirty: bool = False
    strange: list[str] = field(default_factory=list[str])
    mails: list[UUID] = field(default_factory=list[UUID])
    promised: dict[str, str] = field(default_factory=dict[str, str])
    """Order code -> the last status that its buyer was told."""
    card_sales: list["CardSale"] = field(default_factory=list["CardSale"])
    """Sales by card of which a scanner has heard."""
    boxes: dict[str, BoxOffice] = field(default_factory=dict[str, BoxOffice])
    random: Random = field(default_factory=Random)
    chances: Chances = field(init=False)
    scheduler: Scheduler = field(init=False)
    stripe: AtStripe = field(init=False)
    trace: Trace = field(init=False)

    @classmethod
    async def open(cls, database_url: str, stripe_database_url: str) -> "World":
        """Loads the night and connects; both databases are this world's alone."""
        loop = asyncio.get_running_loop()
        assert isinstance(loop, SimulationLoop)
        database = Database(database_url, size=1)
        async with database.transaction() as connection:
            await load_nights(connection, read_nights_file(NIGHT, START))
            door = named_id("entry list", SLUG)
            await connection.execute(LIST, door, START)
            for gate, (device, token) in SCANNERS.items():
                await connection.execute(SCANNER, device, door, gate, token.encode(), gate != "main door", START)
        await database.close()
        connections = [await connected(database_url) for _ in range(CONNECTIONS)]
        observer = await Observer.open(database_url)
        await observer.freeze(CATALOGUE)
        chance = Random(0)
        core = await Core.started(
            StripeSettings(database_url=stripe_database_url, delivery=False),
            clock=SimulatedClock(loop),
            random=chance,
        )
        types = {row["name"]: row["id"] for row in await observer.rows("SELECT name, id FROM ticket_type")}
        return cls(loop, core, chance, observer, connections, types, list(connections))

    async def close(self) -> None:
        """Closes what was opened."""
        await self.core.stop()
        for connection in [*self._all_connections, *self.observer.connections]:
            await connection.close()

    async def begin(self, seed: int, show: Callable[[str], None] | None = None, chances: Chances | None = None) -> None:
        """A new world, of the kind that the seed makes unless it is given."""
        self.random = Random(f"world {seed}")
        self.chances = chances or Chances.of(Random(f"chances {seed}"))
        self.loop.begin()
        self.chance_of_stripe.seed(seed)
        await self.core.reset()
        self.core.world.listeners.clear()
        self.core.world.ids.random = self.chance_of_stripe
        self.connections[:] = self._all_connections
        self.healing = self.dirty = False
        self.buyers_left = 0
        self.strange, self.mails, self.promised, self.card_sales = [], [], {}, []
        self.trace = Trace(self.loop.time, show)
        self.scheduler = Scheduler(
            self.loop, Random(f"turns {seed}"), self.observer.locks, self.trace, self.chances.sticky
        )
        self.stripe = AtStripe(
            self.core, self.scheduler, Random(f"stripe {seed}"), self.chances.stripe_fault, self.strange
        )
        self.core.world.listeners.append(self.stripe.events.append)
        await self.observer.reset(CATALOGUE)
        await self.observer.stock(self.chances, START)
        self.boxes = {process: self._box() for process in PROCESSES}

    @contextmanager
    def in_charge(self, seed: int) -> Generator[None]:
        """Time, chance and the log are the simulation's while the block runs."""
        chance = Random(f"ids {seed}")
        real = ids.SOURCE.milliseconds, ids.SOURCE.chance
        real_logs = logs.info, logs.warning, logs.error
        ids.SOURCE.milliseconds = lambda: int(self.now().timestamp() * 1000)
        ids.SOURCE.chance = chance
        logs.info = logs.warning = self._note
        logs.error = self._suspect
        jitter, with_fonts = random.getstate(), mails.fonts_built
        mails.fonts_built = lambda: False  # paper is set in threads of its own, and has its own tests
        random.seed(f"jitter {seed}")
        self.scheduler.take_over()
        try:
            yield
        finally:
            self.scheduler.let_go()
            ids.SOURCE.milliseconds, ids.SOURCE.chance = real
            logs.info, logs.warning, logs.error = real_logs
            random.setstate(jitter)
            mails.fonts_built = with_fonts

    def now(self) -> datetime:
        """The world's time."""
        return START + timedelta(seconds=self.loop.moment)

    def moment(self) -> str:
        """The time as `clock()` shall tell it."""
        return self.now().isoformat()

    def cut(self) -> str | None:
        """Whether a connection is lost at the commit that is to come."""
        if self.healing or self.random.random() >= self.chances.cut:
            return None
        return self.random.choice(["before", "after"])

    def committed(self) -> None:
        """Something may have changed."""
        self.dirty = True

    async def advance(self, seconds: float) -> None:
        """Time passes; what is due at Stripe happens."""
        await self.core.advance(seconds)

    async def ask(self, process: str, verb: Callable[[BoxOffice], Awaitable[Result]]) -> Result:
        """What a process answers. Raises what is in EXPECTED; anything else is a finding."""

        async def work() -> Result:
            return await verb(self.boxes[process])

        task = self.scheduler.spawn(ACTOR.get(), work(), process)
        await asyncio.wait([task])
        if task.cancelled():
            raise Crashed
        error = task.exception()
        if error is not None:
            self._judge(error)
        return task.result()

    def crash(self, process: str) -> None:
        """A process dies between two steps and is there again, with nothing in its memory."""
        ended = self.scheduler.crash(process)
        self.trace.result(process, f"dies with {ended} tasks")
        self.boxes[process] = self._box()

    def calm(self) -> None:
        """From now on nothing goes wrong any more."""
        self.healing = True
        self.stripe.fault_chance = 0.0

    def _box(self) -> BoxOffice:
        settings = Settings.from_environment(ENVIRONMENT)
        db = SteppedDatabase(self)
        box = BoxOffice.from_settings(settings, db=db, http_client=lambda: InProcessClient(self.stripe))
        box.mailer = SimulatedMailer(self)
        return box

    def _judge(self, error: BaseException) -> None:
        cause = error.__cause__ if isinstance(error, NotHandled) else error
        if not isinstance(cause, EXPECTED):
            self.strange.append(f"{type(cause).__name__}: {cause}")

    def _note(self, _event: str, **values: object) -> None:
        if values.get("problem") not in (None, *(kind.__name__ for kind in _with_subclasses(EXPECTED))):
            self.strange.append(f"{_event}: {values}")

    def _suspect(self, event: str, *, problem: BaseException | None = None, **values: object) -> None:
        if problem is not None and not isinstance(problem, EXPECTED):
            self.strange.append(f"{event}: {type(problem).__name__}: {problem} {values}")


@dataclass
class SimulatedMailer:
    """Takes mail, or says that it did not; sometimes it did all the same."""

    world: World

    async def send(self, mail: Mail, message_id: UUID) -> None:
        """One mail."""
        await self.world.scheduler.turn(f"mail: {mail.subject}")
        random, fault = self.world.random, self.world.chances.mail_fault
        fails = not self.world.healing and random.random() < fault
        if not fails or random.random() < 0.5:
            self.world.mails.append(message_id)
        if fails:
            raise MailNotSent("the mail server has gone", permanent=False)


def _with_subclasses(kinds: tuple[type[BaseException], ...]) -> list[type[BaseException]]:
    found: list[type[BaseException]] = list(kinds)
    for kind in kinds:
        found += _with_subclasses(tuple(kind.__subclasses__()))
    return found
