"""`boxoffice order`, as a support person types it: the whole story in the order of time, and never a secret."""

import asyncio

import pytest

from boxoffice.foundation.db import Command
from tests.cli.test_commands import boxoffice
from tests.orders.test_webhook import BREAK_THE_WORK, MEND_THE_WORK
from tests.shop import WEBHOOK_SECRET, Shop, session_of

DECLINED = "4000000000000002"


async def told(shop: Shop, what: str, status: int = 0) -> str:
    done = await asyncio.to_thread(boxoffice, "order", what, DATABASE_URL=shop.box.settings.database_url)
    assert done.returncode == status, done.stderr
    for secret in (WEBHOOK_SECRET, shop.box.settings.secret_key, "cs_test_", "/c/pay/"):
        assert secret not in done.stdout
    return done.stdout if status == 0 else done.stderr


def in_order(text: str, *words: str) -> None:
    """The words occur one after another."""
    rest = text
    for word in words:
        assert word in rest, f"{word!r} is not where it should be in:\n{text}"
        rest = rest.split(word, 1)[1]


async def test_a_purchase_with_a_decline(shop: Shop) -> None:
    order = await shop.ordered(2)
    await shop.pay(order, DECLINED)
    await shop.pay(order)
    await shop.tick()
    text = await told(shop, order["code"])
    in_order(
        text,
        ": paid",
        "Tiefdruck Eins, Keller Drei, Hamburg",
        "mara@example.org; 2 tickets, €24.00",
        "Berlin time, UTC+1",
        "What happened",
        "placed: 2 × Entry (Early bird) at €12.00; units held",
        "payment: opened at Stripe, session ...",
        "payment_intent.payment_failed, Your card was declined. (generic_decline)",
        "the bank declined, the buyer may try again",
        "€24.00 received, it pays for this order (pi_",
        "2 tickets issued",
        "mail with the tickets: sent (job ",
        "What is there",
        "Entry: active",
        "ledger  payment:pi_",
        "What happens next",
        "nothing: it is finished",
        "What you can do",
        "signed in with mara@example.org",
    )
    assert order["access_token"] not in text
    assert f"session ...{session_of(order)[-8:]}" in text


async def test_a_hold_that_waits_and_then_ends(shop: Shop) -> None:
    order = await shop.ordered()
    text = await told(shop, order["code"])
    in_order(text, "waiting to be paid", "What happens next", "unless paid by then", "look again in two minutes")
    await shop.pass_time(minutes=17)
    await shop.tick()
    text = await told(shop, order["code"])
    in_order(text, "order: not paid in time, units are back on sale (the time to pay was over)", "no tickets")


async def test_an_event_that_could_not_be_worked(shop: Shop) -> None:
    order = await shop.ordered()
    async with shop.box.db.transaction() as connection:
        await connection.execute(BREAK_THE_WORK.sql)
    await shop.pay(order)
    text = await told(shop, session_of(order))
    in_order(text, "checkout.session.completed", "NOT handled after", "CheckViolationError")
    in_order(text, "What happens next", "is worked again", "What you can do", "An event could not be worked")
    async with shop.box.db.transaction() as connection:
        await connection.execute(MEND_THE_WORK.sql)
    await shop.pass_time(minutes=2)
    await shop.tick()
    in_order(await told(shop, order["code"]), "order: paid", "1 ticket issued")


async def test_a_mail_that_was_given_up_and_a_second_payment(shop: Shop) -> None:
    order = await shop.ordered()
    await shop.pay(order)
    async with shop.box.db.transaction() as connection:
        await Command("UPDATE job SET parked_at = clock(), tries = 3, problem = 'MailNotSent: 550'").run(connection)
    text = await told(shop, order["code"])
    in_order(text, "mail with the tickets: GIVEN UP after 3 tries: MailNotSent: 550", "is the address right?")


async def test_money_in_review_goes_back(shop: Shop) -> None:
    order = await shop.ordered()
    await shop.control(f"checkout/sessions/{session_of(order)}/amend", amount_total=700)
    await shop.pay(order)
    in_order(
        await told(shop, order["code"]),
        "paid wrongly, waits for a person",
        "€7.00 received, it does not fit and waits for a person",
        "700 eur was paid, 1200 eur was due",
        "What happens next",
        "end of the review",
        "refunded in full after 24 hours",
    )
    await shop.pass_time(hours=25)
    await shop.tick()
    in_order(await told(shop, order["code"]), "refund of €7.00 decided", "refund of €7.00 succeeded (re_", "(job ")


async def test_a_list_an_unknown_event_and_nothing(shop: Shop) -> None:
    orders = [await shop.ordered(), await shop.ordered()]
    text = await told(shop, "mara@example.org")
    assert text.startswith("2 orders, newest first")
    assert text.index(orders[1]["code"][-4:]) < text.index(orders[0]["code"][-4:])
    event = await shop.control("events/forge", type="customer.created", object={"id": "cus_1", "object": "customer"})
    await shop.delivered()
    in_order(await told(shop, event["id"]), "customer.created", "nothing to do", "leads to no order")
    assert "Ask for the e-mail address" in await told(shop, "what?", status=1)


@pytest.mark.parametrize("url", ["", "postgresql://u:canary@127.0.0.1:1/x"])
def test_without_a_database_it_says_so(url: str) -> None:
    done = boxoffice("order", "mara@example.org", DATABASE_URL=url)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("DATABASE_URL ")
    assert "canary" not in done.stderr
