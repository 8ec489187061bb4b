"""The commands about money as people run them: processes of their own, a real database, the stand-in for Stripe."""

import asyncio
import json
import subprocess
import sys
from typing import Any
from uuid import uuid4

import pytest

from boxoffice.foundation.written import write_code
from tests.cli.test_commands import boxoffice
from tests.conftest import ROOT
from tests.orders.money import bought, intent_of, mails, refund, refunds_at_stripe, rows, seen, statuses, value
from tests.programs import Program
from tests.shop import SLUG, Json, Shop
from tests.shop_fixtures import shop_environment

FAILS = "4000000000005126"
LOST = 130
"""Seconds: what is younger than a minute is called under way by `reconcile`."""


def environment(shop: Shop) -> dict[str, str]:
    settings = shop.core.world.settings
    return shop_environment(shop.box.settings.database_url, shop.url, settings.base_url)


async def run(shop: Shop, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    return await asyncio.to_thread(boxoffice, *arguments, **environment(shop) | more)


async def said(shop: Shop, *arguments: str, **more: str) -> str:
    """What a command prints that must succeed."""
    done = await run(shop, *arguments, **more)
    assert done.returncode == 0, done.stderr
    return done.stdout


async def refused(shop: Shop, *arguments: str, status: int = 1) -> str:
    """The advice of a command that must fail, without a traceback."""
    done = await run(shop, *arguments)
    assert done.returncode == status, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done.stderr


def tickets(order: Json) -> list[str]:
    return [ticket["code"] for ticket in order["tickets"]]


async def test_refund_shows_first_then_does_it_once(shop: Shop) -> None:
    order = await bought(shop, 2)
    code, first = order["code"], tickets(order)[0]
    dry = await said(shop, "refund", code, "--ticket", first, "--dry-run")
    assert "nothing is changed" in dry
    assert "€12.00 goes back, €12.00 stays" in dry
    assert (await shop.count("refund"), await statuses(shop, order)) == (0, ["active", "active"])
    done = await said(shop, "refund", write_code(code), "--ticket", first, "--reason", "Ill")
    assert f"void: {write_code(first)}; their units are on sale again" in done
    assert "refund of €12.00: succeeded (re_" in done
    again = await said(shop, "refund", code, "--ticket", first.lower())
    assert "decided before: €12.00, succeeded. Nothing is done twice." in again
    assert [one["amount"] for one in await refunds_at_stripe(shop, order)] == [1200]
    goodwill = await said(shop, "refund", code, "--amount", "2.50")
    assert "€2.50 goes back, €9.50 stays" in goodwill
    assert "every ticket stays as it is" in goodwill
    assert "For another €2.50: --number 2" in await said(shop, "refund", code, "--amount", "2.50")
    rest = await said(shop, "refund", code)
    assert "€9.50 goes back, €0.00 stays" in rest
    assert (await seen(shop, order))["status"] == "refunded"
    assert sum(one["amount"] for one in await refunds_at_stripe(shop, order)) == 2400
    assert sum(text.startswith("Refund:") for text in await mails(shop)) == 3


async def test_refund_refuses_in_words_and_changes_nothing(shop: Shop) -> None:
    order = await bought(shop, 2)
    code, (first, _) = order["code"], tickets(order)
    assert "no order at this address" in await refused(shop, "refund", "0000-0000-0000")
    assert "has no ticket AAAA-BBBB-CCC" in await refused(shop, "refund", code, "--ticket", "AAAA-BBBB-CCC")
    assert "€24.01 is more than the €24.00 left" in await refused(shop, "refund", code, "--amount", "24.01")
    assert "above zero" in await refused(shop, "refund", code, "--amount", "0")
    for amount in ("12.345", "twelve", "-1"):
        assert "--amount" in await refused(shop, "refund", code, f"--amount={amount}")
    assert "No refund of order" in await refused(shop, "refund", code, "--again")
    assert "without --ticket and --amount" in await refused(shop, "refund", code, "--again", "--amount", "1")
    await refused(shop, "refund", status=2)
    async with shop.box.db.transaction() as connection:
        await connection.execute("UPDATE ticket SET status = 'used', used_at = clock() WHERE code = $1", first)
    assert f"come in with {write_code(first)}" in await refused(shop, "refund", code)
    assert await statuses(shop, order) == ["used", "active"]
    assert await shop.count("refund") == 0
    overridden = await said(shop, "refund", code, "--override-used")
    assert f"came in with {write_code(first)}: overridden, and kept" in overridden
    assert await statuses(shop, order) == ["refunded", "refunded"]
    assert "decided before" in await said(shop, "refund", code)
    assert "Order" in await refused(shop, "refund", code, "--amount", "0.01")


async def test_refund_asks_again_for_what_failed(shop: Shop) -> None:
    order = await bought(shop, card=FAILS)
    await said(shop, "refund", order["code"])
    await shop.pass_time(days=1)
    assert await rows(shop, "SELECT status FROM refund") == [("failed",)]
    known = await said(shop, "refund", order["code"])
    assert "--again" in known
    assert "1 failed refund would be asked" in await said(shop, "refund", order["code"], "--again", "--dry-run")
    assert await rows(shop, "SELECT status FROM refund") == [("failed",)]
    assert "refund of €12.00: succeeded (re_" in await said(shop, "refund", order["code"], "--again")
    assert len(await refunds_at_stripe(shop, order)) == 2


async def test_refund_while_stripe_is_away_is_left_to_the_worker(shop: Shop) -> None:
    order = await bought(shop)
    text = await said(shop, "refund", order["code"], STRIPE_API_BASE="http://127.0.0.1:1")
    assert "Stripe was not reached" in text
    assert "the worker sends it" in text
    assert await statuses(shop, order) == ["refunded"]
    assert await rows(shop, "SELECT status FROM refund") == [("decided",)]
    await shop.pass_time(minutes=5)  # until the breaker lets a call through
    await shop.tick()
    assert await rows(shop, "SELECT status FROM refund") == [("succeeded",)]


async def test_cancel_shows_first_goes_on_after_a_kill_and_says_when_it_is_done(shop: Shop) -> None:
    paid = [await bought(shop, email=f"b{number}@example.org") for number in range(3)]
    open_ = await shop.ordered(email="late@example.org")
    assert "no night" in (await refused(shop, "cancel", "nowhere")).lower()
    dry = await said(shop, "cancel", SLUG)
    assert "3 orders paid, 3 tickets, €36.00: are refunded" in dry
    assert "1 order paying: are ended at Stripe first" in dry
    assert f"Nothing is changed. To do this: boxoffice cancel {SLUG} --yes" in dry
    assert "Nothing is changed" in await said(shop, "cancel", SLUG, "--yes", "--dry-run")
    assert await value(shop, "SELECT status FROM event") == "published"
    await shop.fault("delay", match="POST /v1/checkout/sessions/*/expire", seconds=60)
    program = Killed(shop, "cancel", SLUG, "--yes", "--reason", "The club is flooded.")
    await asyncio.to_thread(program.until, "The sale is closed.")
    program.kill()
    await shop.stripe.delete("/_control/faults")
    assert await value(shop, "SELECT status FROM event") == "cancelled"
    assert await value(shop, "SELECT finished_at FROM cancellation") is None
    assert "`--yes` goes on with its orders" in await said(shop, "cancel", SLUG)
    assert "0 orders left" in await said(shop, "cancel", SLUG, "--yes")
    await shop.tick()
    assert [(await seen(shop, one))["status"] for one in (*paid, open_)] == ["refunded"] * 3 + ["released"]
    for order in paid:
        assert [one["amount"] for one in await refunds_at_stripe(shop, order)] == [1200]
    assert await value(shop, "SELECT cancelled_reason FROM event") == "The club is flooded."
    done = await said(shop, "cancel", SLUG, "--yes")
    assert "cancelled, and every order is dealt with" in done
    assert "refunds succeeded: 3, €36.00" in done
    await shop.sound()


class Killed(Program):
    """A command whose lines are read until it is killed."""

    def __init__(self, shop: Shop, *arguments: str) -> None:
        line = [sys.executable, "-m", "boxoffice", *arguments]
        self._process = subprocess.Popen(
            line, cwd=ROOT, env=environment(shop), start_new_session=True, stdout=subprocess.PIPE, text=True
        )

    def until(self, words: str) -> None:
        """Returns once it printed this."""
        assert self._process.stdout is not None
        assert any(words in line for line in self._process.stdout)

    def kill(self) -> None:
        super().kill()
        assert self._process.stdout is not None
        self._process.stdout.close()


async def test_reconcile_tells_heals_and_says_so_by_its_code(shop: Shop) -> None:
    shop.core.world.clock.offset = -float(LOST)  # type: ignore[attr-defined]
    order = await bought(shop, 2)
    assert "Nothing is left." in await said(shop, "reconcile", "--since", "2h")
    await shop.fault("drop", count=None)
    await shop.control("refunds", payment_intent=await intent_of(shop, order))
    done = await run(shop, "reconcile")
    assert done.returncode == 1
    assert "€24.00 of order" in done.stdout
    assert "`boxoffice reconcile --fix` heals" in done.stdout
    assert await shop.count("refund") == 0
    told = await run(shop, "reconcile", "--json")
    report: dict[str, Any] = json.loads(told.stdout)
    assert (told.returncode, report["ok"], [one["kind"] for one in report["differences"]]) == (
        *(1, False),
        ["refund_unknown"],
    )
    healed = await said(shop, "reconcile", "--fix")
    assert "healed (refunded_outside)" in healed
    assert await statuses(shop, order) == ["refunded", "refunded"]
    assert "Nothing is left." in await said(shop, "reconcile", "--fix")
    await shop.stripe.delete("/_control/faults")
    assert "2026-11-24" in await refused(shop, "reconcile", "--since", "yesterday", status=2)
    away = await run(shop, "reconcile", STRIPE_API_BASE="http://127.0.0.1:1")
    assert away.returncode == 1
    assert "Stripe does not answer" in away.stderr
    without = await run(shop, "reconcile", STRIPE_SECRET_KEY="", STRIPE_WEBHOOK_SECRET="")
    assert (without.returncode, "STRIPE_SECRET_KEY" in without.stderr) == (1, True)


async def test_jobs_are_shown_and_tried_again(shop: Shop) -> None:
    await bought(shop)
    await shop.pass_time(minutes=1)
    await shop.tick()
    assert await said(shop, "jobs") == "Every job is done.\n"
    assert await said(shop, "jobs", "--parked") == "No job is parked.\n"
    async with shop.box.db.transaction() as connection:
        await connection.execute("""UPDATE job SET done_at = NULL, parked_at = clock(), tries = 3, problem = '550'
            WHERE name = 'mail_tickets'""")
    shown = await said(shop, "jobs", "--parked")
    assert "mail_tickets" in shown
    assert "tried 3 times: 550" in shown
    job = await value(shop, "SELECT id::text FROM job WHERE parked_at IS NOT NULL")
    assert "no such job" in await refused(shop, "jobs", "--retry", str(uuid4()))
    assert "or all" in await refused(shop, "jobs", "--retry", "that one", status=2)
    assert await value(shop, "SELECT count(*)::integer FROM job WHERE parked_at IS NOT NULL") == 1
    assert await said(shop, "jobs", "--retry", job) == "1 tried again now, by the worker or cron.\n"
    await shop.tick()
    assert await said(shop, "jobs") == "Every job is done.\n"
    assert await said(shop, "jobs", "--retry", "all") == "No job is parked.\n"


async def test_audit_ends_with_1_when_a_book_is_wrong(shop: Shop) -> None:
    order = await bought(shop)
    await refund(shop, order)
    await shop.tick()
    assert "WRONG" not in await said(shop, "audit")
    async with shop.box.db.transaction() as connection:
        await connection.execute("UPDATE stock SET used = used + 1 WHERE cap > used")
    done = await run(shop, "audit")
    assert done.returncode == 1
    assert "WRONG stock is counted" in done.stdout
    assert "docs/runbook/payments.md" in done.stderr


@pytest.mark.parametrize("state", ["sent", "given up", "waiting"])
async def test_the_mail_with_the_tickets_is_sent_again(shop: Shop, state: str) -> None:
    order = await bought(shop, 2)
    undone = {"given up": "parked_at = clock(), problem = '550'", "waiting": "run_at = clock() + interval '1 hour'"}
    if state in undone:
        async with shop.box.db.transaction() as connection:
            await connection.execute(f"UPDATE job SET done_at = NULL, {undone[state]} WHERE name = 'mail_tickets'")
            await connection.execute("DELETE FROM mailbox_message")
    answer = await said(shop, "order", order["code"], "--resend-mail")
    words = {"sent": "mailed again now", "given up": "had not gone out. It is tried again", "waiting": "on its way"}
    assert words[state] in answer
    told = [text for text in await mails(shop) if text.startswith("Your 2 tickets")]
    assert len(told) == {"sent": 2, "given up": 1, "waiting": 0}[state]


async def test_the_mail_is_not_sent_again_when_it_would_open_nothing(shop: Shop) -> None:
    first, second = await bought(shop), await bought(shop)
    assert "no single order" in await refused(shop, "order", "mara@example.org", "--resend-mail")
    await refund(shop, first)
    assert "it is refunded" in await refused(shop, "order", first["code"], "--resend-mail")
    await shop.control("disputes", payment_intent=await intent_of(shop, second))
    await shop.delivered()
    assert "None of this order's tickets opens" in await refused(shop, "order", second["code"], "--resend-mail")
    assert "Ask for the e-mail" in await refused(shop, "order", "what?", "--resend-mail")
