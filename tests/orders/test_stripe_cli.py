"""Stripe's own command line as an outside judge: the only one that delivers to the box office here."""

import re
from pathlib import Path

import pytest

from boxoffice.foundation.db import Query
from stripe_simulator.core import Core
from tests.shop import STRIPE_KEY, Shop, until
from tests.shop_fixtures import Front, open_shop
from tests.stripe_cli import StripeCli, with_stripe_cli

OUTCOME = Query(str, "SELECT outcome FROM stripe_event WHERE id = $1")


@with_stripe_cli
@pytest.mark.slow
async def test_stripe_listen_trigger_and_resend(
    simulator: Core, front: Front, database_url: str, tmp_path: Path
) -> None:
    await simulator.reset()
    cli = StripeCli(simulator.world.settings.base_url, tmp_path)
    secret = re.findall(r"whsec_\w+", await cli.run("listen", "--print-secret"))[-1]
    async with open_shop(simulator, front, database_url, STRIPE_WEBHOOK_SECRET=secret) as shop:
        async with cli.listening(f"{shop.url}/api/webhook"):
            await _somebody_buys(shop)
            ours = await _newest(shop, "checkout.session.completed")
            assert await cli.answered(ours) == 200
            for kind in ("checkout.session.completed", "payment_intent.payment_failed"):
                assert "Trigger succeeded" in await cli.run("trigger", kind)
                event = await _newest(shop, kind)
                assert await cli.answered(event) == 200
                assert await _outcome(shop, event) == "foreign"
            assert ours in await cli.run("events", "resend", ours)
            assert await cli.answered(ours, times=2) == 200
        assert {status for status, _ in cli.deliveries} == {200}
        assert await shop.count("ticket") == 2
        await shop.sound()


@with_stripe_cli
@pytest.mark.slow
async def test_the_secret_of_another_endpoint_is_refused(
    simulator: Core, front: Front, database_url: str, tmp_path: Path
) -> None:
    await simulator.reset()
    cli = StripeCli(simulator.world.settings.base_url, tmp_path)
    async with open_shop(simulator, front, database_url) as shop, cli.listening(f"{shop.url}/api/webhook"):
        await cli.run("trigger", "payment_intent.payment_failed")
        assert await cli.answered(await _newest(shop, "payment_intent.payment_failed")) == 400


async def _somebody_buys(shop: Shop) -> None:
    order = await shop.ordered(2)
    await shop.pay(order)

    async def has_tickets() -> bool:
        now = await shop.look(order)
        return now["status"] == "paid" and len(now["tickets"]) == 2

    await until(has_tickets)


async def _newest(shop: Shop, kind: str) -> str:
    answer = await shop.stripe.get("/v1/events", params={"type": kind, "limit": 1}, auth=(STRIPE_KEY, ""))
    return answer.json()["data"][0]["id"]


async def _outcome(shop: Shop, event_id: str) -> str | None:
    async with shop.box.db.transaction() as connection:
        return await OUTCOME.first(connection, event_id)
