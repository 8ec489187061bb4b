"""A purchase by JSON from the first call to the ticket, and what it refuses."""

from uuid import uuid4

import pytest

from boxoffice.foundation.db import Query
from boxoffice.orders import pay
from tests.shop import CARD, SLUG, Json, Shop, session_of, together


async def test_a_person_buys_two_tickets(shop: Shop) -> None:
    order = await shop.ordered(2, line={"names": ["Mara", "Jo"]})
    assert (order["status"], order["total"], order["currency"]) == ("paying", 2400, "eur")
    assert order["checkout_url"].startswith("http://127.0.0.1:")
    assert order["retry_after"] is None
    await shop.pay(order)
    paid = await shop.look(order)
    assert (paid["status"], paid["checkout_url"]) == ("paid", None)
    assert [(one["status"], one["ticket_type"], one["holder"]) for one in paid["tickets"]] == [
        ("active", "Entry", "Mara"),
        ("active", "Entry", "Jo"),
    ]
    assert paid["lines"][0] | {"ticket_type": ""} == {
        "ticket_type": "",
        "name": "Entry",
        "release": "Early bird",
        "quantity": 2,
        "price": 1200,
    }
    assert len({one["code"] for one in paid["tickets"]}) == 2
    await shop.sound()


async def test_an_order_is_seen_by_its_token_alone(shop: Shop) -> None:
    order, other = await shop.ordered(), await shop.ordered()
    for authorization in (
        "",
        "Bearer",
        f"Bearer {other['access_token']}",
        f"Basic {order['access_token']}",
    ):
        answer = await shop.web.get(f"/api/v1/orders/{order['code']}", headers=[("Authorization", authorization)])
        assert answer.status_code == 404
    assert (await shop.web.get("/api/v1/orders/NOTANORDER")).status_code == 404


async def test_the_same_key_is_the_same_order(shop: Shop) -> None:
    answers = await together(*(shop.order(1, key="the-key-of-one-order") for _ in range(6)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["code"] for answer in answers}) == 1
    assert {answer.json()["checkout_url"] for answer in answers} == {answers[0].json()["checkout_url"]}
    assert await shop.count("orders") == 1
    assert len(await shop.sessions()) == 1


async def test_a_key_used_with_another_body_or_for_an_order_that_has_ended(shop: Shop) -> None:
    key = "the-key-of-one-order"
    await shop.ordered(1, key=key)
    other = await shop.order(2, key=key)
    assert (other.status_code, other.json()["type"]) == (422, "idempotency_conflict")
    await shop.pass_time(minutes=13)
    await shop.tick()
    ended = await shop.order(1, key=key)
    assert (ended.status_code, ended.json()["type"]) == (410, "order_ended")


async def test_a_free_order_never_meets_stripe(shop: Shop) -> None:
    async with shop.box.db.transaction() as connection:
        await connection.execute("UPDATE release SET price_minor = 0")
    order = await shop.ordered(3)
    assert (order["status"], order["total"], order["checkout_url"], order["retry_after"]) == ("paid", 0, None, None)
    assert len((await shop.look(order))["tickets"]) == 3
    assert await shop.sessions() == []
    await shop.sound()


@pytest.mark.parametrize("quantity", [0, -1, 11, 10**9, True, 1.5, "2", None])
async def test_a_quantity_is_a_whole_number_from_one_to_ten(shop: Shop, quantity: object) -> None:
    answer = await shop.order(line={"quantity": quantity})
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")
    assert "quantity" in answer.json()["errors"][0]["field"]
    assert await shop.count("orders") == 0


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"email": "nobody"}, "email"),
        ({"email": "a@b.example\0"}, "email"),
        ({"lines": []}, "lines"),
        ({"paid": True}, "paid"),
        ({"line": {"status": "paid"}}, "lines[0].status"),
        ({"line": {"price": -1}}, "lines[0].price"),
        ({"line": {"price": 12.5}}, "lines[0].price"),
        ({"line": {"names": ["x\0y"]}}, "lines[0].names[0]"),
        ({"line": {"names": ["x" * 101]}}, "lines[0].names[0]"),
        ({"line": {"names": ["Mara", "Jo"]}}, "lines[0].names"),
        ({"line": {"ticket_type": "Entry"}}, "lines[0].ticket_type"),
        ({"email": None}, "email"),
    ],
)
async def test_a_wrong_field_is_named_and_nothing_is_taken(shop: Shop, changes: Json, field: str) -> None:
    answer = await shop.order(**changes)
    assert answer.status_code == 422, answer.text
    assert [error["field"] for error in answer.json()["errors"]] == [field]
    assert await shop.count("orders") == 0


async def test_a_key_is_needed_and_long_enough(shop: Shop) -> None:
    answer = await shop.order(key="short")
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "Idempotency-Key")


async def test_what_cannot_be_read_and_what_is_too_large(shop: Shop) -> None:
    url, headers = "/api/v1/events/tiefdruck-eins/orders", {"Idempotency-Key": f"key-{uuid4()}"}
    broken = await shop.web.post(url, content=b'{"email": ', headers=headers | {"Content-Type": "application/json"})
    assert (broken.status_code, broken.headers["content-type"]) == (400, "application/problem+json")
    large = await shop.web.post(
        url, content=b'{"email": "' + b"x" * 10_000_000, headers=headers | {"Content-Type": "application/json"}
    )
    assert large.status_code == 413
    assert await shop.count("orders") == 0


async def test_names_of_every_script_are_kept_and_overrides_are_not(shop: Shop) -> None:
    names = ["مارا", "🪩 Jo", "e\u0301va", "a\u202egnp"]
    order = await shop.ordered(4, line={"names": names})
    await shop.pay(order)
    assert [one["holder"] for one in (await shop.look(order))["tickets"]] == ["مارا", "🪩 Jo", "éva", "agnp"]


async def test_an_unknown_night_a_foreign_type_and_a_closed_sale(shop: Shop) -> None:
    assert (await shop.order(slug="nowhere", ticket_type=str(uuid4()))).status_code == 404
    foreign = await shop.order(ticket_type=str(uuid4()))
    assert (foreign.status_code, foreign.json()["type"]) == (422, "order_refused")
    async with shop.box.db.transaction() as connection:
        await connection.execute("UPDATE event SET sale_ends_at = clock() - interval '1 minute'")
    closed = await shop.order()
    assert (closed.status_code, closed.json()["type"]) == (409, "sale_closed")


async def test_the_price_is_ours_and_never_silently_higher(shop: Shop) -> None:
    lower = await shop.order(line={"price": 1})
    assert (lower.status_code, lower.json()["type"], lower.json()["price"]) == (409, "price_changed", 1200)
    higher = await shop.ordered(line={"price": 99_999_999})
    assert higher["total"] == 1200


async def test_sold_out_is_409(shop: Shop) -> None:
    async with shop.box.db.transaction() as connection:
        await connection.execute("UPDATE stock SET cap = 1")
    answer = await shop.order(2)
    assert (answer.status_code, answer.json()["type"]) == (409, "sold_out")


async def test_a_decline_is_not_the_end(shop: Shop) -> None:
    order = await shop.ordered()
    declined = await shop.pay(order, "4000000000000002")
    assert declined["status"] == "open"
    assert (await shop.look(order))["checkout_url"] == order["checkout_url"]
    await shop.pay(order, CARD)
    assert (await shop.look(order))["status"] == "paid"
    await shop.sound()


async def test_three_d_secure(shop: Shop) -> None:
    order = await shop.ordered()
    await shop.pay(order, "4000000000003220", three_d_secure="fail")
    assert (await shop.look(order))["status"] == "paying"
    await shop.pay(order, "4000000000003220", three_d_secure="complete")
    assert (await shop.look(order))["status"] == "paid"


async def test_a_long_line_gives_a_place_and_a_poll_opens_the_payment(shop: Shop) -> None:
    async with shop.box.db.transaction() as connection:
        await connection.execute(
            "INSERT INTO pace (name, next_at) VALUES ('checkout_sessions', clock() + interval '5 seconds')"
        )
    order = await shop.ordered()
    assert (order["status"], order["checkout_url"]) == ("held", None)
    assert 5 <= order["retry_after"] <= 7
    assert (await shop.look(order))["retry_after"] >= 4
    await shop.pass_time(seconds=6)
    opened = await shop.look(order)
    assert opened["checkout_url"] is not None
    await shop.pay(opened)
    assert (await shop.look(order))["status"] == "paid"


async def test_the_session_says_what_was_ordered(shop: Shop) -> None:
    order = await shop.ordered(2)
    (session,) = await shop.sessions()
    assert session["id"] == session_of(order)
    assert (session["amount_total"], session["currency"]) == (2400, "eur")
    assert session["metadata"]["app"] == "boxoffice"
    assert session["success_url"] == f"{shop.url}/orders/{order['code']}/success?session_id={{CHECKOUT_SESSION_ID}}"
    assert 39 * 60 <= session["expires_at"] - session["created"] <= 41 * 60


async def test_the_address_that_stripe_gave_is_not_read_back(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[str] = []
    first = Query[object].first

    async def first_noted(self: Query[object], *given: object) -> object:
        ran.append(self.sql)
        return await first(self, *given)  # type: ignore[arg-type]

    monkeypatch.setattr(Query, "first", first_noted)
    order = await shop.ordered()
    assert pay.START_HOLD.sql in ran
    assert pay.LATEST.sql not in ran
    shown = await shop.look(order)
    for field in ("status", "checkout_url", "hold_expires_at"):
        assert order[field] == shown[field]


async def test_a_payment_that_stripe_refuses_to_open_is_said_so_at_once_and_holds_nothing(shop: Shop) -> None:
    shop.box.till.stripe._secret_key = "sk_live_taken_back"  # type: ignore[union-attr] # the simulator refuses live keys
    before = (await shop.web.get(f"/api/v1/events/{SLUG}")).json()
    order = await shop.ordered(2)
    assert (order["status"], order["checkout_url"], order["retry_after"]) == ("released", None, None)
    assert (await shop.web.get(f"/api/v1/events/{SLUG}")).json() == before
    await shop.sound()
