"""Two things happen to one ticket in the same instant; each pair with its control, in which what guards it is gone."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest

from boxoffice.box import BoxOffice
from boxoffice.door.device import Paired, make_link, pair
from boxoffice.door.entry_list import list_named, open_now
from boxoffice.door.scan import Answer, Asked
from boxoffice.foundation.db import Command, Query
from boxoffice.foundation.problems import Problem
from boxoffice.orders.decide_refund import Wish, decide_refund
from boxoffice.settings import Settings
from boxoffice.tickets import send_on
from tests.nights import NIGHT, load
from tests.web.cast import MARA, paid

SLUG = "tiefdruck-eins"
ORDERS, EACH = 2, 10
NO_LOCK = Query(send_on.Held, send_on.LOCK_HELD.sql.replace("FOR UPDATE OF ticket", ""))
ACCEPT_ANYWAY = Command(
    send_on.ACCEPT.sql.replace("AND status = 'offered' AND old_revision = $3", "AND $3::integer >= 0")
)
REISSUE_ANYWAY = Command(send_on.REISSUE.sql[: send_on.REISSUE.sql.index("AND revision = $6")] + "AND $6::integer >= 0")
NO_TRIGGER = "DROP TRIGGER ticket_transfer_legal_move ON ticket_transfer"


@dataclass(frozen=True)
class Offered:
    """A ticket that is offered to Ada."""

    event_id: UUID
    ticket_id: UUID
    code: str
    order_code: str
    transfer_id: UUID


@pytest.fixture
async def box(settings: Settings) -> AsyncIterator[BoxOffice]:
    made = BoxOffice.from_settings(settings)
    await load(made.db, NIGHT.replace("quantity = 50", "quantity = 100"))
    yield made
    await made.close()


@pytest.fixture
async def offers(box: BoxOffice) -> list[Offered]:
    made: list[Offered] = []
    for view in [await paid(box, quantity=EACH) for _ in range(ORDERS)]:
        event_id = view.order.event_id
        for ticket in view.tickets:
            async with box.db.transaction() as connection:
                friend = f"friend{len(made)}@example.org"
                offered = await send_on.offer(connection, event_id, ticket.id, friend, "A Friend")
            made.append(Offered(event_id, ticket.id, ticket.code, view.order.code, offered))
    return made


@pytest.fixture
def unguarded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Accepting neither waits for others nor looks at what they did."""
    monkeypatch.setattr(send_on, "LOCK_HELD", NO_LOCK)
    monkeypatch.setattr(send_on, "ACCEPT", ACCEPT_ANYWAY)
    monkeypatch.setattr(send_on, "REISSUE", REISSUE_ANYWAY)


async def count(box: BoxOffice, sql: str) -> int:
    async with box.db.transaction() as connection:
        return int(str(await connection.fetchval(f"SELECT count(*) FROM {sql}")))


async def accept(box: BoxOffice, offered: Offered) -> Any:
    return await box.db.attempt(send_on.accept, offered.event_id, offered.transfer_id)


async def take_back(box: BoxOffice, offered: Offered) -> Any:
    async with box.db.transaction() as connection:
        await send_on.take_back(connection, offered.event_id, offered.ticket_id, MARA)


async def refund(box: BoxOffice, offered: Offered) -> Any:
    return await box.db.attempt(decide_refund, offered.order_code, Wish((offered.code,), 0))


async def both(one: Any, other: Any) -> bool:
    """Whether both succeeded. What is refused is refused with a Problem."""
    outcomes = await asyncio.gather(one, other, return_exceptions=True)
    for outcome in outcomes:
        if isinstance(outcome, BaseException) and not isinstance(outcome, Problem):
            raise outcome
    assert not all(isinstance(outcome, Problem) for outcome in outcomes), outcomes
    return not any(isinstance(outcome, Problem) for outcome in outcomes)


async def accepted_and_taken_back(box: BoxOffice, offers: list[Offered]) -> int:
    return sum([await both(accept(box, one), take_back(box, one)) for one in offers])


async def test_an_offer_is_taken_or_taken_back(box: BoxOffice, offers: list[Offered]) -> None:
    assert await accepted_and_taken_back(box, offers) == 0
    taken = await count(box, "ticket WHERE holder_email IS NOT NULL")
    assert taken == await count(box, "ticket_transfer WHERE status = 'accepted'")


@pytest.mark.usefixtures("unguarded")
async def test_without_its_guards_an_offer_is_both(box: BoxOffice, offers: list[Offered]) -> None:
    async with box.db.transaction() as connection:
        await connection.execute(NO_TRIGGER)
    assert await accepted_and_taken_back(box, offers) > 0


async def decline(box: BoxOffice, offered: Offered) -> Any:
    async with box.db.transaction() as connection:
        await send_on.decline(connection, offered.event_id, offered.transfer_id)


async def accepted_and_declined(box: BoxOffice, offers: list[Offered]) -> int:
    pairs = ((accept(box, one), decline(box, one)) for one in offers)
    return sum([await both(*(pair if place % 2 else pair[::-1])) for place, pair in enumerate(pairs)])


async def test_an_offer_is_taken_or_declined(box: BoxOffice, offers: list[Offered]) -> None:
    assert await accepted_and_declined(box, offers) == 0
    taken = await count(box, "ticket WHERE holder_email IS NOT NULL")
    assert taken == await count(box, "ticket_transfer WHERE status = 'accepted'")
    assert taken + await count(box, "ticket_transfer WHERE status = 'declined'") == len(offers)
    assert await count(box, "job WHERE subject LIKE '%:declined'") == len(offers) - taken


@pytest.mark.usefixtures("unguarded")
async def test_without_its_guards_an_offer_is_taken_and_declined(
    box: BoxOffice, offers: list[Offered], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(send_on, "DECLINE", Command(send_on.DECLINE.sql.replace("AND status = 'offered'", "")))
    async with box.db.transaction() as connection:
        await connection.execute(NO_TRIGGER)
    assert await accepted_and_declined(box, offers) > 0


async def given_out_twice(box: BoxOffice, offers: list[Offered]) -> int:
    for one in offers:
        assert await both(accept(box, one), accept(box, one))
    return await count(box, "ticket WHERE revision > 1")


async def test_accepting_twice_at_once_gives_one_new_code(box: BoxOffice, offers: list[Offered]) -> None:
    assert await given_out_twice(box, offers) == 0
    assert await count(box, "job WHERE subject LIKE '%:yours'") == len(offers)


@pytest.mark.usefixtures("unguarded")
async def test_without_its_guards_accepting_twice_gives_two_codes(box: BoxOffice, offers: list[Offered]) -> None:
    assert await given_out_twice(box, offers) > 0


async def accepted_and_let_in(box: BoxOffice, offers: list[Offered]) -> int:
    """How often the old holder came in with a ticket that was the new one's."""
    event_id = offers[0].event_id
    async with box.db.transaction() as connection:
        await list_named(connection, event_id)
        await open_now(connection, event_id)
        link = await make_link(connection, box.settings.secret_key, event_id, "Main door")
        paired = await pair(connection, box.settings.secret_key, SLUG, link.link, link.pin, None)
    assert isinstance(paired, Paired)
    desk = await box.desks.of(SLUG)

    async def scan(one: Offered) -> None:
        nonce = f"nonce-{uuid4()}"
        told = await desk.scan(Asked(paired.device_id, paired.token, nonce, one.code, datetime.now(UTC)))
        assert isinstance(told, Answer)
        if told.answer != "admitted":
            assert (told.answer, told.because) == ("cancelled", "sent_on")
            raise Problem("not let in")

    return sum([await both(accept(box, one), scan(one)) for one in offers])


async def test_a_ticket_is_sent_on_or_lets_in(box: BoxOffice, offers: list[Offered]) -> None:
    assert await accepted_and_let_in(box, offers) == 0
    assert await count(box, "ticket WHERE status = 'used' AND holder_email IS NOT NULL") == 0


@pytest.mark.usefixtures("unguarded")
async def test_without_its_guards_a_ticket_does_both(box: BoxOffice, offers: list[Offered]) -> None:
    assert await accepted_and_let_in(box, offers) > 0


NOT_TOLD = """ticket JOIN ticket_transfer AS transfer ON ticket_id = ticket.id
WHERE ticket.status = 'cancelled' AND transfer.status <> 'ended' AND NOT EXISTS (
  SELECT FROM job WHERE subject = transfer.id || ':void')"""


async def void_and_not_told(box: BoxOffice, offers: list[Offered]) -> int:
    for number, one in enumerate(offers):
        if number % 2:
            await both(accept(box, one), refund(box, one))
        else:  # the one comes just after the other
            await refund(box, one)
            with suppress(Problem):
                await accept(box, one)
    assert await count(box, "ticket WHERE status = 'cancelled'") == len(offers)
    return await count(box, NOT_TOLD)


async def test_a_refund_ends_the_offer_or_tells_the_new_holder(box: BoxOffice, offers: list[Offered]) -> None:
    assert await void_and_not_told(box, offers) == 0


@pytest.mark.usefixtures("unguarded")
async def test_without_its_guards_a_new_holder_has_a_void_ticket_unawares(
    box: BoxOffice, offers: list[Offered]
) -> None:
    async with box.db.transaction() as connection:
        await connection.execute(NO_TRIGGER)
    assert await void_and_not_told(box, offers[:8]) > 0
