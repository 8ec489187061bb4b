"""Cash at the door: price, stock, tickets, ledger and entry in one tap, repeated or not, and taken back."""

from collections.abc import AsyncIterator
from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from boxoffice.door.cash_up import cash_ups, open_again
from boxoffice.reports.audit import audit
from tests.door.conftest import SYNC, Door
from tests.door.seller import PRICES, seller_at
from tests.nights import NIGHT
from tests.shop import together

LEDGER = "SELECT coalesce(sum(debit_minor - credit_minor), 0)::bigint FROM ledger_entry WHERE account = $1"
INSIDE = "SELECT count(*) FROM entry WHERE left_at IS NULL"
USED = "SELECT sum(used) FROM stock"


@pytest.fixture(autouse=True)
async def clean_books(door: Door) -> AsyncIterator[None]:
    yield
    async with door.shop.box.db.transaction() as connection:
        found = await audit(connection)
    assert {one.name: wrong for one, wrong in found.items() if wrong and not one.soon} == {}


async def later(door: Door, **span: float) -> None:
    moved = door.shop.box.db.moved_clock
    assert moved is not None
    door.shop.box.db.moved_clock = moved + timedelta(**span)


async def test_cash_is_a_ticket_an_entry_and_a_posting_in_one_tap(door: Door) -> None:
    seller = await seller_at(door)
    before = await door.value(USED)
    sale = await seller.sell(2)
    assert (sale["state"], sale["total"], sale["quantity"], sale["pay_url"]) == ("paid", 3000, 2, None)
    assert [ticket["answer"] for ticket in sale["tickets"]] == ["admitted", "admitted"]
    assert await door.value(LEDGER, "cash") == 3000
    assert await door.value(LEDGER, "sales") == -3000
    assert await door.value(INSIDE) == 2
    assert await door.value(USED) == before + 4  # of the release, and of the room
    assert (await seller.scanner.sync())["counts"]["inside"] == 2
    assert (await seller.scanner.scan(sale["tickets"][0]["code"]))["answer"] == "already_used"
    await door.shop.sound()


async def test_the_same_sale_again_is_the_same_sale_and_another_under_its_number_is_refused(door: Door) -> None:
    seller = await seller_at(door)
    body = seller.body(2)
    answers = await together(*(seller.ask(body) for _ in range(5)))
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.text for answer in answers}) == 1
    assert await door.value("SELECT count(*) FROM door_sale") == 1
    assert await door.value(INSIDE) == 2
    for changes in ({"quantity": 3}, {"paid_by": "card"}, {"email": "mara@example.org"}):
        refused = await seller.ask(body | changes)
        assert (refused.status_code, refused.json()["type"]) == (422, "idempotency_conflict")
    await seller.close(23_000)
    await later(door, hours=3)
    assert (await seller.ask(body)).json() == answers[0].json()  # cashed up, dearer: what was sold stays sold


async def test_the_price_follows_the_hour_and_a_screen_that_is_behind_takes_nothing(door: Door) -> None:
    seller = await seller_at(door)
    assert [(one["name"], one["price"]) for one in (await seller.till())["offers"]] == [("Entry", 1500)]
    await later(door, hours=2, minutes=5)
    refused = await seller.ask(seller.body(2))
    assert (refused.status_code, refused.json()["type"]) == (409, "price_changed")
    assert "20.00" in refused.json()["detail"]
    assert await door.value("SELECT count(*) FROM door_sale") == 0
    assert (await seller.sell(2, price=2000))["total"] == 4000
    await later(door, hours=8)
    assert (await seller.till())["offers"] == []
    assert (await seller.ask(seller.body(price=2000))).json()["type"] in ("sale_closed", "not_let_in")


async def test_before_the_first_price_and_where_nobody_is_let_in_nothing_is_sold(door: Door) -> None:
    seller = await seller_at(door)
    await later(door, minutes=-31)
    assert (await seller.ask(seller.body())).json()["type"] == "not_let_in"
    await door.execute(
        "UPDATE entry_list SET opens_at = $1::timestamptz - interval '1 day'", door.shop.box.db.moved_clock
    )
    assert (await seller.ask(seller.body())).json()["type"] == "sale_closed"


async def test_a_sale_taken_back_is_out_of_the_room_the_stock_and_the_books(door: Door) -> None:
    seller = await seller_at(door)
    used = await door.value(USED)
    sale = await seller.sell(3)
    answers = await together(*(seller.void(sale) for _ in range(3)))
    assert {answer.json()["state"] for answer in answers} == {"voided"}
    assert await door.value(INSIDE) == 0
    assert await door.value(USED) == used
    assert await door.value(LEDGER, "cash") == 0
    assert await door.value(LEDGER, "refunds") == 4500
    assert (await seller.scanner.scan(sale["tickets"][0]["code"]))["answer"] == "refunded"
    await door.shop.sound()


async def test_a_sale_is_taken_back_within_a_quarter_of_an_hour_or_by_a_supervisor_and_by_nobody_else(
    door: Door,
) -> None:
    staff, chief = await seller_at(door), await seller_at(door, "Side door", role="supervisor")
    old, chiefs = await staff.sell(), await chief.sell()
    assert (await chief.void(old)).status_code == 404
    await later(door, minutes=16)
    assert (await staff.void(old)).json()["type"] == "too_late_to_void"
    assert (await chief.void(chiefs)).json()["state"] == "voided"
    fresh = await staff.sell()
    await staff.close(23_000)
    assert (await staff.void(fresh)).json()["type"] == "cash_box_closed"


async def test_only_a_scanner_of_this_night_that_may_sell_and_has_counted_sells(door: Door) -> None:
    seller = await seller_at(door)
    plain = await door.scanner("Bar")
    web = door.shop.web
    refused = await web.post(f"{SYNC}/sales", json=seller.body(), headers=plain.headers)
    assert (refused.status_code, refused.json()["type"]) == (403, "not_a_seller")
    unknown = await web.post(f"{SYNC}/sales", json=seller.body(), headers={"Authorization": "Bearer nobody"})
    assert (unknown.status_code, unknown.json()["type"]) == (401, "unknown_device")
    elsewhere = SYNC.replace("tiefdruck-eins", "another-night")
    other = await web.post(f"{elsewhere}/sales", json=seller.body(), headers=seller.scanner.headers)
    assert other.json()["type"] == "unknown_device"
    uncounted = await door.scanner("Yard", sells=True)
    answer = await web.post(f"{SYNC}/sales", json=seller.body(), headers=uncounted.headers)
    assert (answer.status_code, answer.json()["type"]) == (409, "cash_box_not_open")
    await door.execute("UPDATE device SET revoked_at = clock() WHERE id = $1", seller.scanner.id)
    revoked = await seller.ask(seller.body())
    assert (revoked.status_code, revoked.json()["type"]) == (403, "device_revoked")
    assert await door.value("SELECT count(*) FROM door_sale") == 0


WRONG: list[dict[str, object]] = [
    *({"quantity": number} for number in (0, 11, 1000, -1, "2")),
    *({"nonce": nonce} for nonce in ("short", "x" * 41, "no spaces in it")),
    *({"email": "mara@"}, {"paid_by": "promise"}, {"ticket_type": "Entry"}, {"more": 1}),
]


async def test_what_cannot_be_meant_is_told_and_takes_nothing(door: Door) -> None:
    seller = await seller_at(door)
    for changes in WRONG:
        refused = await seller.ask(seller.body() | changes)
        assert refused.status_code == 422, (changes, refused.text)
    assert (await seller.ask(seller.body(ticket_type=str(uuid4())))).json()["type"] == "not_let_in"
    assert await door.value("SELECT count(*) FROM door_sale") == 0


async def test_where_tickets_live_on_phones_alone_what_is_sold_here_is_let_in_all_the_same(door: Door) -> None:
    seller = await seller_at(door)
    await door.execute("UPDATE event SET code = 'rotating', paper = false")
    assert [ticket["answer"] for ticket in (await seller.sell(2))["tickets"]] == ["admitted", "admitted"]


async def test_a_mail_is_sent_where_one_was_told_and_to_nobody_else(door: Door) -> None:
    seller = await seller_at(door)
    await seller.sell()
    await seller.sell(email="mara@example.org")
    assert (
        await door.value(
            "SELECT count(*) FROM job WHERE name = 'mail_tickets' AND subject IN (SELECT order_id::text FROM door_sale)"
        )
        == 1
    )


async def test_only_what_is_left_is_sold_and_holds_that_have_ended_are_left_again(door: Door) -> None:
    seller = await seller_at(door)
    await door.execute("UPDATE stock SET cap = used + 3 WHERE cap = 60")
    refused = await seller.ask(seller.body(4))
    assert (refused.status_code, refused.json()["type"]) == (409, "sold_out")
    assert "At most 3 of Entry can be had now" in refused.json()["detail"]
    assert (await seller.till())["offers"][0]["left"] == 3
    await seller.sell(3)
    assert "Entry is sold out now" in (await seller.ask(seller.body())).json()["detail"]


@pytest.mark.parametrize(("currency", "price", "minor"), [("jpy", "1500", 1500), ("kwd", "5.500", 5500)])
async def test_yen_and_dinars_are_counted_in_their_own_units(door: Door, currency: str, price: str, minor: int) -> None:
    await door.execute("UPDATE event SET currency = $1", currency)
    text = NIGHT.replace('"eur"', f'"{currency}"').replace('"12.00"', f'"{price}"').replace('"16.50"', f'"{price}"')
    await door.execute("UPDATE orders SET currency = $1", currency)
    seller = await seller_at(door, text=text + PRICES.replace("15.00", price).replace("20.00", price), float_minor=0)
    assert (await seller.sell(2, price=minor))["total"] == 2 * minor
    assert (await seller.till())["decimals"] == {"jpy": 0, "kwd": 3}[currency]
    assert await door.value(LEDGER, "cash") == 2 * minor


async def test_a_wrong_sale_is_told_in_the_one_sentence_that_the_screen_shows(door: Door) -> None:
    seller = await seller_at(door)
    told = (await seller.ask(seller.body(0, email="mara@"))).json()["detail"]
    assert told.startswith("A whole number from 1 to ")
    assert told.endswith("This is no e-mail address: one looks like name@example.org. Nothing was taken.")


async def test_cash_goes_back_for_a_reason_that_can_be_kept(door: Door) -> None:
    seller = await seller_at(door)
    sale = await seller.sell()
    refused = await seller.void(sale, "\0")
    assert (refused.status_code, refused.json()["detail"]) == (422, "The reason is 1 to 200 plain characters.")
    assert (await seller.void(sale)).json()["state"] == "voided"


async def test_a_wrong_count_is_taken_back_for_a_reason_and_kept(door: Door) -> None:
    seller = await seller_at(door)
    await seller.sell()

    async def again(device: str) -> bool:
        async with door.shop.box.db.transaction() as connection:
            return await open_again(connection, door.event_id, UUID(device), "A note was overlooked")

    assert not await again(seller.scanner.id)  # nothing was counted yet
    assert (await seller.close(2150)).status_code == 200
    assert not await again(str(door.event_id))
    assert [await again(seller.scanner.id) for _ in range(2)] == [True, False]
    assert (await seller.till())["cash_up"]["counted"] is None
    await seller.sell()
    assert (await seller.close(23_000)).json()["cash_up"]["difference"] == 0
    async with door.shop.box.db.transaction() as connection:
        (box,) = await cash_ups(connection, door.event_id)
    assert [(one.counted_minor, one.expected_minor, one.reason) for one in box.undone] == [
        (2150, 21_500, "A note was overlooked")
    ]


async def test_the_night_adds_up_scanner_by_scanner(door: Door) -> None:
    one, other = await seller_at(door), await seller_at(door, "Side door", float_minor=0)
    await one.sell(2)
    await one.void(await one.sell())
    await other.sell(4)
    found = (await one.till())["cash_up"]
    assert (found["float"], found["cash"], found["voided"], found["expected"]) == (20_000, 4500, 1500, 23_000)
    assert found["lines"] == [
        {
            "ticket_type": "Entry",
            "price": 1500,
            "paid_by": "cash",
            "sold": 3,
            "total": 4500,
            "voided": 1,
            "voided_total": 1500,
        }
    ]
    closed = (await one.close(22_950)).json()["cash_up"]
    assert (closed["counted"], closed["difference"]) == (22_950, -50)
    assert (await one.close(22_950)).status_code == 200
    assert (await one.close(1)).json()["type"] == "counted_before"
    assert (await one.ask(one.body())).json()["type"] == "cash_box_closed"
    assert (await one.post("/till", {"float": 1})).json()["type"] == "counted_before"
    assert (await one.post("/till", {"float": -1})).status_code == 422
    assert (await other.till())["cash_up"]["expected"] == 6000
