"""One kill: the flow until there, the programs again, a minute, and then all the time that is left; what was wrong."""

from collections import Counter
from dataclasses import dataclass, field
from email import message_from_bytes

from tests.crash.flows import Flow
from tests.crash.strace import NoStrace
from tests.house import House
from tests.simulation.at_stripe import BALANCE, OPEN_SESSIONS
from tests.simulation.invariants import AT_EVERY_COMMIT, AT_STRIPE, ENDS, IN_THE_END, UNDONE, Observer

STEPS, STEP_SECONDS = 6, 10
"""The minute in which everything must be done; on the moved clock, for leases and Stripe's next delivery are waits."""

SENT_MAX = 2
"""A mail whose sending was cut off goes out again under the same id, once for one kill."""


@dataclass
class Outcome:
    """What came of one point: whether the kill came before the flow was done, and what was wrong after it."""

    flow: str
    number: int
    hit: bool
    wrong: list[str] = field(default_factory=list[str])


async def try_point(house: House, observer: Observer, kind: type[Flow], number: int) -> Outcome:
    """From the kept beginning to a kill at the `number`th write and to the end. Raises NoStrace."""
    await _begin(house, observer, kind)
    flow = kind(house, number)
    outcome = Outcome(kind.name, number, hit=False)
    try:
        await flow.prepare()
        outcome.hit = await flow.strike()
        outcome.wrong += await _broken(house, AT_EVERY_COMMIT)
        for step in range(STEPS):
            await flow.again(step)
            await house.shop.pass_time(seconds=STEP_SECONDS)
            await house.shop.tick()
        outcome.wrong += [f"after a minute {one}" for one in await flow.unfinished()]
        outcome.wrong += await _wrong_in_the_end(house)
    except NoStrace:
        raise
    except Exception as error:  # noqa: BLE001 - whatever it is, it is the outcome of this point
        outcome.wrong.append(f"{type(error).__name__}: {str(error) or 'it took too long'}")
    return outcome


async def _begin(house: House, observer: Observer, kind: type[Flow]) -> None:
    house.from_stripe.set("open")
    await house.shop.delivered()
    await house.shop.core.reset()
    house.present()
    house.sink.messages.clear()
    await observer.restore()
    if house.server.ended():
        await house.restart()
    await house.shop.listen(*kind.events)


async def _wrong_in_the_end(house: House) -> list[str]:
    """Every hold has ended, every event that came has been worked; what is still wrong stays wrong."""
    for minutes in (20, 30):
        await house.shop.pass_time(minutes=minutes)
        await house.shop.tick()
    found = await _broken(house, IN_THE_END)
    db, stripe = house.shop.box.db, house.shop.core
    async with db.transaction() as connection:
        orders = await connection.fetch("SELECT code, status FROM orders")
        undone = await connection.fetch(UNDONE)
        ledger = await connection.fetchval(AT_STRIPE)
    found += [f"order {code} does not end: {status}" for code, status in map(tuple, orders) if status not in ENDS]
    found += [f"{kind} is not done: {what}" for kind, what in map(tuple, undone)]
    ((balance,),) = await stripe.world.database.rows(BALANCE)
    if balance != ledger:
        found.append(f"Stripe holds {balance}, the ledger says {ledger}")
    sent = Counter(message_from_bytes(raw)["Message-ID"] for raw in house.sink.messages)
    found += [f"mail {one} went out {times} times" for one, times in sent.items() if times > SENT_MAX]
    open_sessions = await stripe.world.database.rows(OPEN_SESSIONS)
    return found + [f"a session can still be paid: {row['id']}" for row in open_sessions]


async def _broken(house: House, sql: str) -> list[str]:
    async with house.shop.box.db.transaction() as connection:
        rows = await connection.fetch(sql)
    return [f"{row['name']}: {row['subject']}: {row['problem']}" for row in rows]
