"""Tickets are refunded while a door scans them: one of the two is first, and the other is told so."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from boxoffice.foundation.db import Database, Query
from boxoffice.orders import decide_refund as deciding
from boxoffice.orders.decide_refund import Decided, TicketUsed
from tests.conftest import Amount
from tests.door.conftest import Door, Scanner
from tests.orders.money import refund, rows, seen
from tests.orders.test_deadlocks import deadlocks
from tests.shop import Json

TICKETS_AN_ORDER = 10
TICKETS_A_ROUND = 2
STEP_SECONDS = 0.001
REFUNDED_AND_IN = """
SELECT count(*)::integer FROM ticket WHERE status = 'refunded' AND (used_at IS NOT NULL
  OR EXISTS (SELECT FROM scan WHERE ticket_id = ticket.id AND answer = 'admitted'))"""
# Another ticket every 30 ms: whoever comes meanwhile has locked some and waits for others.
SLOWLY = """
SELECT pg_sleep(0.03)::text FROM (SELECT id FROM ticket WHERE event_id = $1 AND order_id = $2
  ORDER BY {} FOR UPDATE) AS locked"""


async def open_door(door: Door) -> Scanner:
    """A scanner that lets in today, before a house with room for all."""
    scanner = await door.scanner()
    door.shop.box.db.moved_clock = None
    await door.execute("UPDATE entry_list SET opens_at = '2020-01-01'")
    await door.execute("UPDATE stock SET cap = 1000000")
    return scanner


async def bought(door: Door, number: int) -> tuple[Json, list[str]]:
    """A paid order and the codes of its tickets."""
    order = await door.shop.ordered(TICKETS_AN_ORDER, email=f"buyer{number}@example.org")
    await door.shop.pay(order)
    order = await seen(door.shop, order)
    return order, [ticket["code"] for ticket in order["tickets"]]


async def scanned(scanner: Scanner, codes: Sequence[str]) -> set[str]:
    """What the door answers to these codes, shown at once."""
    answer = await scanner.send([scanner.body(code) for code in codes])
    assert answer.status_code == 200, answer.text
    return {one["answer"] for one in answer.json()}


@pytest.mark.slow
async def test_a_refund_and_a_scan_at_the_same_moment_have_one_winner(door: Door, amount: Amount, db: Database) -> None:
    scanner = await open_door(door)
    rounds = amount(40, soak=10_000)
    head_start, won = 0.0, {"refund": 0, "scan": 0}

    async def after(seconds: float, deed: Any) -> Any:
        await asyncio.sleep(max(0.0, seconds))
        return await deed

    for number in range(rounds * TICKETS_A_ROUND // TICKETS_AN_ORDER):
        order, codes = await bought(door, number)
        for first in range(0, TICKETS_AN_ORDER, TICKETS_A_ROUND):
            both = codes[first : first + TICKETS_A_ROUND]
            decided, told = await asyncio.gather(
                after(head_start, refund(door.shop, order, tickets=tuple(both))),
                after(-head_start, scanned(scanner, both)),
                return_exceptions=True,
            )
            if isinstance(decided, Decided):
                assert told == {"refunded"}
                assert await scanned(scanner, both) == {"refunded"}
            else:
                assert isinstance(decided, TicketUsed), decided
                assert told == {"admitted"}
            # Whoever was first comes a little later the next time: most rounds are close.
            head_start += STEP_SECONDS if isinstance(decided, Decided) else -STEP_SECONDS
            won["refund" if isinstance(decided, Decided) else "scan"] += 1
    assert min(won.values()) > 0
    assert sum(won.values()) == rounds
    assert await door.value(REFUNDED_AND_IN) == 0
    assert await door.value("SELECT count(*)::integer FROM refund WHERE override_used") == 0
    assert await deadlocks(db) == 0
    await door.shop.sound()
    amount.show(f"{rounds} rounds of a refund against a scan: {won}, no deadlock")


async def test_without_the_tickets_lock_a_scan_slips_in(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    """The negative control of the test above."""
    scanner = await open_door(door)
    order, codes = await bought(door, 1)
    unlocked = deciding.LOCK_TICKETS.sql.replace("FOR UPDATE", "")
    assert unlocked != deciding.LOCK_TICKETS.sql
    monkeypatch.setattr(deciding, "LOCK_TICKETS", Query(deciding.LOCK_TICKETS.row, unlocked))
    real_owe = deciding._owe  # pyright: ignore[reportPrivateUsage]

    async def scan_meanwhile(*arguments: Any) -> Any:
        assert await asyncio.wait_for(scanned(scanner, codes), 5) == {"admitted"}
        return await real_owe(*arguments)

    monkeypatch.setattr(deciding, "_owe", scan_meanwhile)
    await refund(door.shop, order)
    assert await rows(door.shop, "SELECT override_used, status FROM refund") == [(False, "decided")]
    assert await door.value(REFUNDED_AND_IN) == TICKETS_AN_ORDER


@pytest.mark.parametrize(("by", "circles"), [("id", False), ("id DESC", True)])
async def test_both_lock_by_id_and_never_wait_in_a_circle(
    door: Door, db: Database, monkeypatch: pytest.MonkeyPatch, *, by: str, circles: bool
) -> None:
    """Locked the other way round they do; and all the same both are answered, for the victim is tried again."""
    scanner = await open_door(door)
    order, codes = await bought(door, 1)
    name = await door.value("SELECT current_database()")
    await door.execute(f"ALTER DATABASE {name} SET deadlock_timeout = '50ms'")
    await door.shop.box.db.close()
    assert "ORDER BY id FOR UPDATE" in deciding.LOCK_TICKETS.sql
    monkeypatch.setattr(deciding, "LOCK_TICKETS", Query(str, SLOWLY.format(by)))
    refunding = asyncio.create_task(refund(door.shop, order))
    await asyncio.sleep(0.1)
    told = await scanned(scanner, codes)
    decided = (await asyncio.gather(refunding, return_exceptions=True))[0]
    assert (told, type(decided)) in (({"refunded"}, Decided), ({"admitted"}, TicketUsed))
    assert (await deadlocks(db) > 0) is circles
