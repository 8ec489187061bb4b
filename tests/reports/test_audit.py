"""The audit finds nothing in a sound house, and finds each wrong that is done to it."""

import asyncio
import re
from contextlib import suppress

import asyncpg
import pytest

from boxoffice.reports.audit import INVARIANTS, audit
from tests.cli.test_commands import boxoffice
from tests.shop import CARD, Shop

SCANNED = """
INSERT INTO entry_list SELECT id, id, 'Door', NULL, false FROM event;
INSERT INTO device (event_id, id, list_id, gate, role, link_hash, pin_hash, created_at)
SELECT id, id, id, 'Main door', 'staff', sha256('link'), sha256('pin'), clock() FROM event;
INSERT INTO scan (event_id, device_id, nonce, list_id, kind, ticket_id, read, scanned_at, corrected_at, received_at,
  online, answer, override, reason)
SELECT event_id, event_id, 'a scan ' || n, event_id, 'entry', id, '', clock(), clock(), clock(), true, 'admitted',
  false, ''
FROM ticket, generate_series(1, 2) AS n WHERE number = 1;
INSERT INTO entry SELECT event_id, event_id, id, visit, event_id, 'a scan ' || n, clock()
FROM (SELECT event_id, id FROM ticket WHERE number = 1) AS one, (VALUES %s) AS visits (n, visit)"""
SENT = """
INSERT INTO ticket_transfer (event_id, id, ticket_id, old_revision, old_code, from_email, from_name, to_email, to_name,
  status, offered_at, ended_at)
SELECT event_id, id, id, 0, code, 'a@example.org', '', 'b@example.org', 'B', %s FROM ticket;"""
OFFERED = SENT % "'offered', clock(), NULL"
CASH_BOX = """
INSERT INTO entry_list SELECT id, id, 'Door', NULL, false FROM event;
INSERT INTO device (event_id, id, list_id, gate, role, link_hash, pin_hash, created_at)
SELECT id, id, id, 'Main door', 'staff', sha256('link'), sha256('pin'), clock() FROM event;
INSERT INTO cash_up SELECT id, id, 100, clock(), 90, 90, clock() FROM event;"""
WRONGS = {
    "never oversold": "UPDATE stock SET cap = used - 1 WHERE used > 0",
    "stock is counted": "UPDATE stock SET used = used + 1",
    "units of orders": "DELETE FROM hold",
    "parts sum to the whole": "UPDATE order_line SET unit_minor = unit_minor + 1",
    "tickets": "DELETE FROM ticket",
    "paid for": "UPDATE payment SET amount_minor = amount_minor + 1",
    "in review": "UPDATE payment SET purpose = 'in_review'",
    "money goes back once": "UPDATE payment SET purpose = 'returned'",
    "postings balance": "DELETE FROM ledger_entry WHERE debit_minor > 0",
    "ledger and payments agree": "DELETE FROM ledger_entry",
    "cash is in the books": CASH_BOX
    + """
INSERT INTO door_sale SELECT event_id, id, event_id, 'a sale ' || code, 'cash', clock() FROM orders""",
    "cashed up": CASH_BOX,
    "cash boxes are in the books": CASH_BOX
    + """
INSERT INTO door_sale SELECT event_id, id, event_id, 'a sale ' || code, 'cash', clock() FROM orders""",
    "one attempt at a time": """
INSERT INTO payment_attempt (event_id, order_id, number, idempotency_key, status, created_at)
SELECT event_id, order_id, n, 'another ' || n, 'queued', created_at FROM payment_attempt, generate_series(2, 3) AS n""",
    "promo codes are counted": """
INSERT INTO promo (event_id, id, code, percent, used) SELECT id, id, 'X', 10, 1 FROM event""",
    "handled means done": "DELETE FROM refund; DELETE FROM payment",
    "buyers are told": "DELETE FROM job",
    "one ticket, one entry": SCANNED % "(1, 1), (2, 2)",
    "guests are on a list": "UPDATE ticket_type SET for_guests = true",
    "guest lists hold their guests": """
INSERT INTO guest_list SELECT event_id, id, 'A promoter', 0, clock(), 0 FROM ticket_type;
UPDATE stock SET cap = 1 FROM release WHERE stock_id = stock.id""",
    "used means let in": SCANNED % "(1, 1)",
    "passes are of tickets": """
INSERT INTO google_pass SELECT event_id, id, revision + 1, clock() FROM ticket""",
    "one holder": "UPDATE ticket SET holder_email = 'b@example.org', reissued_at = clock(), revision = 1",
    "old codes are dead": SENT % "'accepted', clock(), clock()",
    "one code lets in": SCANNED.replace("id, ''", "id, code") % "(1, 1)" + ";" + SENT % "'accepted', clock(), clock()",
    "offers are of good tickets": f"{OFFERED} UPDATE ticket SET revision = 2",
    "transfers are told": OFFERED,
    "offers end": f"{OFFERED} UPDATE event SET transfer_until = clock() - interval '2 hours'",
    "orders end": "UPDATE orders SET status = 'paying', held_until = clock() - interval '1 hour'",
    "attempts end": "UPDATE payment_attempt SET status = 'open', session_expires_at = clock() - interval '1 hour'",
    "events are handled": "UPDATE stripe_event SET handled_at = NULL, received_at = clock() - interval '2 hours'",
    "jobs are done": "UPDATE job SET done_at = NULL, run_at = clock() - interval '2 hours'",
    "refunds are sent": """
INSERT INTO refund (event_id, id, order_id, payment_intent_id, decision, reason, amount_minor, currency, status,
  decided_at)
SELECT event_id, order_id, order_id, payment_intent_id, 'x', 'paid_twice', 1, 'eur', 'decided',
  clock() - interval '4 hours' FROM payment""",
}


def test_every_invariant_has_a_wrong_that_it_must_find() -> None:
    assert {invariant.name for invariant in INVARIANTS} == set(WRONGS)


async def test_each_wrong_is_found_and_nothing_before(shop: Shop) -> None:
    await shop.pay(await shop.ordered(2), CARD)
    await shop.tick()
    async with shop.box.db.transaction(snapshot=True) as connection:
        assert not any((await audit(connection)).values())
    for name, wrong in WRONGS.items():
        assert name in await found_after(shop, wrong)


async def found_after(shop: Shop, wrong: str) -> set[str]:
    """What the audit finds in a house in which this was done, and undone again."""
    found: set[str] = set()
    with suppress(_Undone):
        async with shop.box.db.transaction() as connection:
            await connection.execute(UNGUARDED)
            await connection.execute(wrong)
            found = {invariant.name for invariant, findings in (await audit(connection)).items() if findings}
            raise _Undone
    return found


def test_the_command_says_that_all_is_well(database_url: str) -> None:
    done = boxoffice("audit", DATABASE_URL=database_url)
    assert (done.returncode, done.stderr) == (0, "")
    assert len(re.findall(r"^ok ", done.stdout, re.MULTILINE)) == len(INVARIANTS)


async def test_the_command_names_what_is_wrong(shop: Shop, database_url: str) -> None:
    order = await shop.ordered(1)
    await shop.pay(order)
    async with shop.box.db.transaction() as connection:
        await connection.execute("DELETE FROM ticket")
    done = boxoffice("audit", DATABASE_URL=database_url)
    assert done.returncode == 1
    assert f"{order['code']}: paid, ordered 1, 0 tickets" in done.stdout
    assert "2 of these" in done.stderr  # the units that no ticket stands for too


class _Undone(Exception):
    """The wrong is rolled back."""


UNGUARDED = """
ALTER TABLE stock DROP CONSTRAINT stock_never_oversold, DROP CONSTRAINT stock_closed_is_full;
ALTER TABLE orders DISABLE TRIGGER USER;
ALTER TABLE payment_attempt DISABLE TRIGGER USER;
ALTER TABLE ledger_entry DISABLE TRIGGER USER;
"""


@pytest.mark.slow
async def test_a_report_that_is_open_holds_up_no_sale(shop: Shop) -> None:
    """It sees the moment of its beginning to its end, while others buy, pay and give up; for a while it reads."""
    async with shop.box.db.transaction(snapshot=True) as report:
        before = await audit(report)
        reading = asyncio.create_task(report.execute("SELECT count(*), pg_sleep(2) FROM orders"))
        bought, left = await shop.ordered(2), await shop.ordered()
        await shop.pay(bought)
        assert (await shop.look(bought))["status"] == "paid"
        assert not reading.done()
        await reading
        await shop.pass_time(minutes=13)
        await shop.tick()
        assert (await shop.look(left))["status"] == "expired"
        assert await report.fetchval("SELECT count(*) FROM orders") == 0
        assert await audit(report) == before
    await shop.sound()


@pytest.mark.slow
@pytest.mark.parametrize("ended", [True, False])
async def test_whoever_leaves_a_transaction_open_on_the_stock_is_ended_and_the_sale_goes_on(
    shop: Shop, direct_url: str, *, ended: bool
) -> None:
    """Without the server's limit, which the doctor asks for, buyers are told that it takes too long: the negative
    control."""
    limit = "1s" if ended else "0"
    somebody = await asyncpg.connect(direct_url, server_settings={"idle_in_transaction_session_timeout": limit})
    await somebody.execute("BEGIN")
    await somebody.execute("SELECT FROM stock FOR UPDATE")
    answer = await shop.order()
    assert answer.status_code == (201 if ended else 503)
    assert somebody.is_closed() is ended
    await somebody.close()
    assert (await shop.order()).status_code == 201
    await shop.sound()
