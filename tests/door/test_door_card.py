"""A card at the door: placed, paid on the buyer's phone, let in by the next question; given up, or paid too late."""

import asyncio
from datetime import UTC, datetime

import httpx
import pytest

from tests.cli.test_commands import boxoffice
from tests.door.conftest import Door
from tests.door.seller import Seller, seller_at
from tests.door.test_door_sales import INSIDE, LEDGER, USED, clean_books, later
from tests.shop import CARD, Json, Shop, session_of
from tests.shop_fixtures import shop_environment

__all__ = ["clean_books"]


async def _waiting(seller: Seller, quantity: int = 2) -> tuple[Json, Json]:
    await at_stripe_too(seller.door)
    body = seller.body(quantity, paid_by="card")
    sale = (await seller.ask(body)).json()
    assert sale["state"] == "waiting", sale
    return body, sale


async def at_stripe_too(door: Door) -> None:
    """It is the evening of the night at Stripe, as it is at the door."""
    moved, offset = door.shop.box.db.moved_clock, door.shop.core.world.clock.offset  # type: ignore[attr-defined]
    assert moved is not None
    seconds = (moved - datetime.now(UTC)).total_seconds() - offset
    if seconds > 1:
        await door.shop.control("clock/advance", seconds=seconds)


async def pays(shop: Shop, sale: Json) -> None:
    """The buyer's phone opens the code, and its owner pays."""
    async with httpx.AsyncClient(follow_redirects=True) as phone:
        page = await phone.get(sale["pay_url"])
    assert page.status_code == 200
    assert "Continue to payment" in page.text
    sessions = await shop.sessions()
    session = next(one for one in sessions if sale["order"] in one["success_url"])
    assert session["customer_email"] is None
    assert session["payment_method_types"] == ["card"]  # nothing that settles days later
    await shop.pay({"checkout_url": session["url"]}, CARD)
    assert session_of({"checkout_url": session["url"]}) == session["id"]


async def test_a_card_waits_is_paid_by_the_buyers_phone_and_let_in_once(door: Door) -> None:
    seller = await seller_at(door)
    body, sale = await _waiting(seller)
    assert len(sale["pay_code"]) == len(sale["pay_code"][0]) > 20
    assert (await seller.ask(body)).json()["state"] == "waiting"
    assert await door.value(INSIDE) == 0
    await pays(door.shop, sale)
    answers = await asyncio.gather(*(seller.ask(body) for _ in range(4)))
    assert {answer.json().get("state", answer.text) for answer in answers} == {"paid"}
    assert [one["answer"] for one in answers[0].json()["tickets"]] == ["admitted", "admitted"]
    assert await door.value(INSIDE) == 2
    assert (await door.value(LEDGER, "stripe"), await door.value(LEDGER, "cash")) == (3000, 0)
    found = (await seller.till())["cash_up"]
    assert (found["card"], found["cash"], found["expected"]) == (3000, 0, 20_000)
    refused = await seller.void(sale)
    assert (refused.status_code, refused.json()["type"]) == (409, "too_late_to_void")
    await door.shop.sound()


@pytest.mark.parametrize("paid_by", ["cash", "card"])
async def test_the_limit_per_person_is_the_webs_and_counts_what_was_bought_here(door: Door, paid_by: str) -> None:
    seller = await seller_at(door)
    await at_stripe_too(door)
    await door.execute("UPDATE event SET quantity_max_per_person = 2, sale_ends_at = ends_at")
    await seller.sell(1, paid_by=paid_by, email="ada@example.org")
    assert (await door.shop.order(email="ada@example.org")).status_code == 201
    await seller.sell(3, paid_by=paid_by, email="ada@example.org")
    refused = await door.shop.order(email="ada@example.org")
    assert (refused.status_code, refused.json()["type"]) == (422, "order_refused")


async def test_a_card_is_seen_as_paid_without_any_webhook(door: Door) -> None:
    seller = await seller_at(door)
    await door.shop.listen("payout.paid")
    body, sale = await _waiting(seller, 1)
    await pays(door.shop, sale)
    await later(door, seconds=5)
    assert (await seller.ask(body)).json()["state"] == "paid"


async def test_a_card_that_is_given_up_is_on_sale_again_and_cannot_be_paid(door: Door) -> None:
    seller = await seller_at(door)
    used = await door.value(USED)
    body, sale = await _waiting(seller)
    assert (await seller.void(sale)).json()["state"] == "ended"
    assert (await seller.void(sale)).json()["state"] == "ended"
    assert (await seller.ask(body)).json()["state"] == "ended"
    assert await door.value(USED) == used
    assert {one["status"] for one in await door.shop.sessions()} == {"expired"}
    assert (await seller.till())["cash_up"]["lines"] == []


async def test_a_price_for_cash_alone_is_not_paid_by_card_nor_is_a_pittance(door: Door) -> None:
    seller = await seller_at(door)
    await door.execute("UPDATE door_price SET card = false")
    assert (await seller.ask(seller.body(paid_by="card"))).json()["type"] == "order_refused"
    await door.execute("UPDATE door_price SET card = true, cash = false, price_minor = 20")
    refused = (await seller.ask(seller.body(paid_by="card", price=20))).json()
    assert "below the smallest card payment" in refused["detail"]
    assert "not sold for cash" in (await seller.ask(seller.body(price=20))).json()["detail"]
    assert await door.shop.sessions() == []


async def test_while_stripe_is_away_a_card_waits_and_cash_goes_on(door: Door) -> None:
    seller = await seller_at(door)
    await door.shop.fault("drop", "POST /v1/checkout/sessions", count=None)
    body, _ = await _waiting(seller, 1)
    assert (await seller.sell(1))["state"] == "paid"
    assert (await seller.ask(body)).json()["state"] == "waiting"


@pytest.mark.slow
async def test_a_wrong_cash_up_is_taken_back_by_a_command_that_keeps_it(door: Door) -> None:
    seller = await seller_at(door)
    await seller.close(2000)
    shop = door.shop
    environment = shop_environment(shop.box.settings.database_url, shop.url, shop.core.world.settings.base_url)

    async def run(*arguments: str) -> tuple[int, str]:
        done = await asyncio.to_thread(boxoffice, "door", *arguments, **environment)
        return done.returncode, done.stdout + done.stderr

    back = ("open-again", "tiefdruck-eins", seller.scanner.id, "--reason", "A zero was forgotten")
    assert "open again" in (await run(*back))[1]
    again = await run(*back)
    assert again[0] == 1
    assert "no such scanner that was cashed up" in again[1]
    told = (await run("cash-up", "tiefdruck-eins"))[1]
    assert "taken back: counted €20.00 of €200.00 at " in told
    assert "A zero was forgotten" in told
    assert "not counted yet" in told


@pytest.mark.slow
async def test_cash_is_not_refunded_by_stripe_and_its_handing_back_is_booked_once(door: Door) -> None:
    seller = await seller_at(door)
    sale = await seller.sell(2)
    shop = door.shop
    environment = shop_environment(shop.box.settings.database_url, shop.url, shop.core.world.settings.base_url)

    async def run(*arguments: str) -> tuple[int, str]:
        done = await asyncio.to_thread(boxoffice, *arguments, **environment)
        return done.returncode, done.stdout + done.stderr

    refused = await run("refund", sale["order"], "--override-used")
    assert refused[0] == 1
    assert "paid in cash at the door" in refused[1]
    before = await run("door", "cash-up", "tiefdruck-eins")
    assert "2 x Entry at €15.00, cash: €30.00" in before[1]
    assert "expected  €230.00" in before[1]
    story = (await run("order", sale["order"]))[1]
    assert "sold at the door (Main door), paid in cash" in story
    assert f"boxoffice door give-back {sale['order']}" in story
    compared = await run("reconcile")
    assert compared[0] == 0, compared[1]  # Stripe and we agree: it knows nothing of cash
    back = ("door", "give-back", sale["order"], "--reason", "The sound failed")
    assert "€30.00 of order" in (await run(*back))[1]
    again = await run(*back)
    assert again[0] == 1
    assert "went back before" in again[1]
    assert "the cash was handed back: The sound failed" in (await run("order", sale["order"]))[1]
    assert await door.value(LEDGER, "cash") == 0
    assert (await seller.till())["cash_up"]["expected"] == 23_000  # it came out of another box than the scanner's


async def test_a_cancelled_night_ends_with_its_cash_orders_told_by_name(door: Door) -> None:
    seller = await seller_at(door)
    sale = await seller.sell(2)
    shop = door.shop
    environment = shop_environment(shop.box.settings.database_url, shop.url, shop.core.world.settings.base_url)
    done = await asyncio.to_thread(boxoffice, "cancel", "tiefdruck-eins", "--yes", **environment)
    assert done.returncode == 0, done.stderr
    await shop.tick()
    statuses = """SELECT string_agg(DISTINCT ticket.status, ',') FROM ticket JOIN orders ON orders.id = order_id
        WHERE orders.code = $1"""
    assert await door.value(statuses, sale["order"]) == "cancelled"
    assert await door.value("SELECT finished_at IS NOT NULL FROM cancellation")
    assert await door.value(LEDGER, "cash") == 3000
