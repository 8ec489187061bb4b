"""Two processes scan one code in the same instant: one admits, the other says by which gate; and the proof that this
can fail."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from msgspec.structs import replace

from boxoffice.door.scan import Answer, Asked, Desk
from boxoffice.foundation.db import Command, Database
from boxoffice.foundation.ids import new_id, random_code, with_check
from tests.conftest import Amount
from tests.door.conftest import SCANS, Door, Scanner
from tests.plain import NO_TLS
from tests.programs import server
from tests.rewritten import without_the_check
from tests.shop_fixtures import shop_environment
from tests.stripe_simulator.seller import free_port

AT_ONCE = 8
MORE_TICKETS = Command("""
INSERT INTO ticket (event_id, id, order_id, number, line_number, code, ticket_type_id, release_id, holder, status,
  issued_at)
SELECT event_id, new.id, order_id, 100 + new.number, line_number, new.code, ticket_type_id, release_id, '', 'active',
  issued_at
FROM ticket, unnest($1::uuid[], $2::text[]) WITH ORDINALITY AS new (id, code, number) WHERE ticket.number = 1
""")
NO_CONSTRAINT = "ALTER TABLE entry DROP CONSTRAINT one_ticket_one_entry"


async def new_codes(door: Door, number: int) -> list[str]:
    event_code = await door.value("SELECT short_code FROM event")
    codes = [with_check(event_code + random_code(7)) for _ in range(number)]
    async with door.shop.box.db.transaction() as connection:
        await MORE_TICKETS.run(connection, [new_id() for _ in codes], codes)
    await door.execute("UPDATE entry_list SET opens_at = '2020-01-01'")
    return codes


@pytest.mark.slow
async def test_two_processes_scan_one_code_at_the_same_moment(door: Door, database_url: str, amount: Amount) -> None:
    scanners = [await door.scanner("East"), await door.scanner("West")]
    codes = await new_codes(door, amount(1_000, soak=10_000))
    door.shop.box.db.moved_clock = None
    stripe_url = door.shop.core.world.settings.base_url
    async with AsyncExitStack() as stack:
        clients: list[httpx.AsyncClient] = []
        for port in (free_port(), free_port()):
            environment = shop_environment(database_url, f"http://127.0.0.1:{port}", stripe_url)
            await stack.enter_async_context(server(environment, port))
            base_url = f"http://127.0.0.1:{port}"
            clients.append(
                await stack.enter_async_context(httpx.AsyncClient(base_url=base_url, timeout=30, verify=NO_TLS))
            )
        turns = asyncio.Semaphore(AT_ONCE)

        async def trial(code: str) -> Counter[str]:
            async with turns:
                pairs = zip(scanners, clients, strict=True)
                answers = await asyncio.gather(*(_scan(scanner, client, code) for scanner, client in pairs))
            return Counter(answers)

        outcomes = Counter(str(sorted(told)) for told in await asyncio.gather(*(trial(code) for code in codes)))
    assert outcomes == {"['admitted', 'already_used']": len(codes)}
    assert await door.value("SELECT count(*) FROM entry") == len(codes)
    amount.show(f"{len(codes)} codes scanned at two processes in the same instant: one admitted each")


async def _scan(scanner: Scanner, client: httpx.AsyncClient, code: str) -> str:
    answer = await client.post(SCANS, json=scanner.body(code), headers=scanner.headers)
    assert answer.status_code == 200, answer.text
    return answer.json()["answer"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("check", "constraint", "may_fail"),
    [(True, True, False), (False, True, False), (True, False, False), (False, False, True)],
)
async def test_the_check_and_the_constraint(
    door: Door, database_url: str, *, check: bool, constraint: bool, may_fail: bool
) -> None:
    """With both nothing happens twice; each of them alone still holds; without both somebody is let in twice."""
    scanners = [await door.scanner("East"), await door.scanner("West")]
    codes = await new_codes(door, 300)
    if not check:
        await door.execute(without_the_check())
    if not constraint:
        await door.execute(NO_CONSTRAINT)
    event_code = await door.value("SELECT short_code FROM event")
    twice = await _race(door.event_id, event_code, scanners, database_url, codes)
    assert (twice > 0) is may_fail
    assert (await door.value("SELECT count(*) FROM entry") > len(codes)) is may_fail


async def _race(
    event_id: UUID, event_code: str, scanners: Sequence[Scanner], database_url: str, codes: Sequence[str]
) -> int:
    """How many codes two desks with connections of their own let in twice."""
    databases = [Database(database_url, size=4) for _ in scanners]
    desks = [Desk(database, event_id, event_code) for database in databases]
    twice = 0
    for code in codes:
        asked = Asked(UUID(int=0), "", "", code, datetime.now(UTC))
        answers: list[Any] = await asyncio.gather(
            *(
                desk.scan(replace(asked, device_id=UUID(one.id), token=one.token, nonce=f"nonce-{uuid4()}"))
                for desk, one in zip(desks, scanners, strict=True)
            ),
            return_exceptions=True,
        )
        admitted = [one for one in answers if isinstance(one, Answer) and one.answer == "admitted"]
        assert admitted, answers
        twice += len(admitted) > 1
    for database in databases:
        await database.close()
    return twice
