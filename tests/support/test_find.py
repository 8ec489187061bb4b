"""From whatever somebody can tell to the order, and with an index each time."""

import re
from typing import Any
from uuid import UUID, uuid4

import pytest

from boxoffice.foundation.db import Database, Query
from boxoffice.foundation.problems import NotFound
from boxoffice.orders.order import show_order
from boxoffice.support import find as finding
from boxoffice.support import story
from boxoffice.support.find import find
from boxoffice.tickets.code import ticket_payload
from tests.nights import load
from tests.shop import STRIPE_KEY, Json, Shop, session_of


async def found(shop: Shop, what: str) -> list[str]:
    async with shop.box.db.transaction() as connection:
        return [order.code for order in (await find(connection, what)).orders]


async def listed(shop: Shop, path: str) -> list[Json]:
    return (await shop.stripe.get(f"/v1/{path}", params={"limit": 100}, auth=(STRIPE_KEY, ""))).json()["data"]


async def test_everything_leads_to_the_order(shop: Shop) -> None:
    other = await shop.ordered(email="other@example.org")
    order = await shop.ordered(2)
    await shop.pay(order)
    await shop.tick()
    code, ticket = order["code"], (await shop.look(order))["tickets"][0]
    (charge,) = await shop.charges()
    async with shop.box.db.transaction() as connection:
        view = await show_order(connection, code)
        first = view.tickets[0]
        qr = await ticket_payload(connection, shop.box.settings.secret_key, view.order.event_id, first.id, 0)
        job = await connection.fetchval("SELECT id FROM job WHERE name = 'mail_tickets'")
    told = [event for event in await listed(shop, "events") if event["data"]["object"].get("payment_intent")]
    for what in (
        *(code, f" {code[:4]}-{code[4:8].lower()} {code[8:]} ", ticket["code"], "Mara@Example.org", qr),
        *(session_of(order), charge["payment_intent"], charge["id"], *(event["id"] for event in told)),
        *(str(view.order.id), str(first.id), str(job), f"<{job}@example.org>"),
        f"{shop.url}/orders/{code}?t=canary",
        f"{shop.url}/tickets/{ticket['code']}",
    ):
        assert await found(shop, what) == [code], what
    assert await found(shop, session_of(other)) == [other["code"]]


async def test_an_address_lists_its_orders_newest_first(shop: Shop) -> None:
    codes = [(await shop.ordered())["code"] for _ in range(3)]
    assert await found(shop, "mara@example.org") == codes[::-1]


async def test_a_refund_leads_to_its_order(shop: Shop) -> None:
    order = await shop.ordered()
    await shop.pass_time(minutes=17)
    await shop.control(f"checkout/sessions/{session_of(order)}/amend", amount_total=1)
    await shop.pay(order)
    await shop.pass_time(hours=25)
    await shop.tick()
    (refund,) = await listed(shop, "refunds")
    assert await found(shop, refund["id"]) == [order["code"]]


async def test_a_qr_code_is_judged(shop: Shop) -> None:
    order = await shop.ordered()
    await shop.pay(order)
    async with shop.box.db.transaction() as connection:
        view = await show_order(connection, order["code"])
        ticket = view.tickets[0].id
        secret, night = shop.box.settings.secret_key, view.order.event_id
        genuine = await ticket_payload(connection, secret, night, ticket, 0)
        older = await ticket_payload(connection, secret, night, ticket, 1)
        unknown = await ticket_payload(connection, secret, night, uuid4(), 0)
        forged = genuine[:99] + ("A" if genuine[99] != "A" else "I") + genuine[100:]
        remarks = [(await find(connection, text)).remark or "" for text in (genuine, older, forged)]
        with pytest.raises(NotFound, match="not sold here"):
            await find(connection, unknown)
    assert ["current" in remarks[0], "outdated" in remarks[1], "NOT genuine" in remarks[2]] == [True] * 3


@pytest.mark.parametrize(
    ("what", "advice"),
    [
        ("nobody@example.org", "last four digits"),
        ("no@address", "one looks like"),
        ("ABCD1234", "its last character is a check"),
        ("evt_unknown", "stripe events resend evt_unknown"),
        ("pi_unknown", "metadata names our order"),
        ("cs_test_unknown", "metadata names our order"),
        ("01a20e50-11cb-78e5-9ae6-d2fc22d2b08e", "Try the e-mail address"),
        ("", "Ask for the e-mail address"),
    ],
)
async def test_nothing_found_comes_with_advice(db: Database, what: str, advice: str) -> None:
    async with db.transaction() as connection:
        with pytest.raises(NotFound, match=re.escape(advice)):
            await find(connection, what)


IDS = ["pi_1", "cs_1"]
SOME = UUID(int=1)
SEARCHES: dict[str, tuple[Query[Any], tuple[object, ...]]] = {
    "e-mail": (finding.OF_EMAIL, ("mara@example.org", 50)),
    "order code": (finding.OF_CODE, ("ABCD", "ABCD")),
    "ticket code": (finding.OF_TICKET_CODE, ("ABCD", "ABCD")),
    "QR text": (finding.OF_SCANNED, ("ABCD", SOME, 1)),
    "Stripe's ids": (finding.OF_STRIPE_IDS, (IDS,)),
    "our ids": (finding.OF_OUR_IDS, ([SOME],)),
    "told together": (finding.TOLD_TOGETHER, (IDS,)),
    "event": (finding.EVENT, ("evt_1",)),
    "job": (finding.JOB_SUBJECT, (SOME,)),
    "orders by key": (finding.OF_KEYS, ([SOME], [SOME])),
    "moves": (story.MOVES, (SOME, SOME)),
    "events of an order": (story.EVENTS, (IDS,)),
    "jobs of an order": (story.JOBS, (IDS,)),
    "ledger of an order": (story.LEDGER, (SOME, SOME)),
    "payments of an order": (story.PAYMENTS, (SOME, SOME)),
    "refunds of an order": (story.REFUNDS, (SOME, SOME)),
    "tickets of an order": (story.TICKETS, (SOME, SOME)),
}
SMALL = ("event", "event_key", "ticket_type")
"""Tables that do not grow with sales may be read whole."""


async def test_every_search_goes_by_an_index(db: Database) -> None:
    await load(db)
    async with db.transaction() as connection:
        for name, (query, parameters) in SEARCHES.items():
            # What tables grow to decides plans; these are empty, so whole reads are made dear instead.
            await connection.execute("SET LOCAL enable_seqscan = off")
            plan = "\n".join(
                str(row[0]) for row in await connection.fetch(f"EXPLAIN (COSTS OFF) {query.sql}", *parameters)
            )
            whole = set(re.findall(r"Seq Scan on (\w+)", plan)) - set(SMALL)
            assert not whole, f"{name}:\n{plan}"
            assert "Index" in plan, f"{name}:\n{plan}"
