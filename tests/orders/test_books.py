"""The ledger: fees, payouts, and that every posting balances."""

import asyncpg
import pytest

from tests.orders.money import books, bought, refund, rows, value
from tests.orders.test_webhook import deliver, events_of
from tests.shop import Shop

ACCOUNT_BOOKS = """
SELECT account, sum(debit_minor - credit_minor)::bigint FROM account_entry GROUP BY account
HAVING sum(debit_minor - credit_minor) <> 0 ORDER BY account
"""
UNBALANCED = "SELECT posting FROM ledger_entry GROUP BY posting, currency HAVING sum(debit_minor) <> sum(credit_minor)"
FEE = 43
"""Of 12.00 by Stripe's list price."""


async def test_stripe_keeps_a_fee_and_does_not_give_it_back(shop: Shop) -> None:
    order = await bought(shop)
    await shop.pass_time(seconds=20)
    await shop.tick()
    assert await rows(shop, "SELECT fee_minor, fee_currency FROM payment") == [(FEE, "eur")]
    assert await books(shop) == {"stripe": 1200 - FEE, "sales": -1200, "fees": FEE}
    await refund(shop, order)
    await shop.tick()
    assert await books(shop) == {"stripe": -FEE, "sales": -1200, "fees": FEE, "refunds": 1200}
    assert await rows(shop, UNBALANCED) == []
    transactions = await shop.stripe.get("/v1/balance_transactions", auth=("sk_test_shop_1234567890", ""))
    assert sum(one["net"] for one in transactions.json()["data"]) == -FEE  # Stripe's books say the same


async def test_payouts_move_money_to_the_bank_and_back_in_any_order(shop: Shop) -> None:
    paid = await shop.control("payouts", amount=5000, currency="eur")
    lost = await shop.control("payouts", amount=700, currency="eur")
    await shop.fault("drop", count=None)
    for payout, outcome in ((paid, "paid"), (lost, "paid"), (lost, "failed")):
        await shop.control(f"payouts/{payout['id']}/end", outcome=outcome)
    await shop.stripe.delete("/_control/faults")
    bodies = await events_of(shop, "payout.paid", "payout.failed")
    assert len(bodies) == 3
    for body in (*reversed(bodies), *bodies):
        assert (await deliver(shop, body))[0] == 200
    assert await rows(shop, ACCOUNT_BOOKS) == [("bank", 5000), ("stripe", -5000)]
    assert await value(shop, "SELECT count(*)::integer FROM job WHERE name = 'alarm'") == 1


@pytest.mark.parametrize("table", ["ledger_entry", "account_entry"])
async def test_half_a_posting_is_refused_by_the_database(shop: Shop, table: str) -> None:
    await bought(shop)
    night = "event_id, order_id, " if table == "ledger_entry" else ""
    with pytest.raises(asyncpg.CheckViolationError, match="does not balance"):
        async with shop.box.db.transaction() as connection:
            await connection.execute(
                f"""INSERT INTO {table} ({night}posting, account, currency, debit_minor, credit_minor, posted_at)
                SELECT {night}'half', 'stripe', 'eur', 1, 0, clock() FROM ledger_entry LIMIT 1"""
            )
