"""Promo codes are not found by trying them, and nobody is kept from buying by others who try."""

from collections.abc import AsyncIterator
from uuid import uuid4

import httpx
import pytest

from boxoffice.orders.guesses import WRONG_CODES
from stripe_simulator.core import Core
from tests.nights import NIGHT, load
from tests.orders.money import refund, seen, value
from tests.shop import SLUG, Json, Shop, together
from tests.shop_fixtures import Front, open_shop

FROM_ELSEWHERE = "198.51.100.7"
PROMO = '\n[[night.promo]]\ncode = "FRIENDS"\npercent = 25\nuses_max = {}\n'
A_TURN = WRONG_CODES.per_seconds / WRONG_CODES.times


@pytest.fixture
async def shop(simulator: Core, front: Front, database_url: str) -> AsyncIterator[Shop]:
    """A shop that is told by a proxy where people come from, with a code for many uses."""
    await simulator.reset()
    async with open_shop(simulator, front, database_url, TRUSTED_PROXIES="127.0.0.1,::1") as shop:
        await load(shop.box.db, NIGHT + PROMO.format(30))
        await shop.listen()
        yield shop
        await shop.delivered()


async def ask(shop: Shop, code: str | None, address: str = "203.0.113.9", key: str | None = None) -> httpx.Response:
    """An order by somebody of this network."""
    line: Json = {"ticket_type": await shop.ticket_type(), "quantity": 1}
    body: Json = {"email": f"buyer-{uuid4()}@example.org", "lines": [line], "promo_code": code}
    if key is not None:
        body["email"] = "mara@example.org"
    headers = {"Idempotency-Key": key or f"key-{uuid4()}", "X-Forwarded-For": address}
    return await shop.web.post(f"/api/v1/events/{SLUG}/orders", json=body, headers=headers)


async def test_who_tries_many_codes_waits_and_buys_without_one_meanwhile(shop: Shop) -> None:
    first = await ask(shop, "FRIENDS", key="the key of an order")
    assert [(await ask(shop, f"GUESS{number}")).status_code for number in range(WRONG_CODES.times)] == [422] * 20
    for code in ("GUESS", "FRIENDS"):  # the right one is not told from a wrong one
        answer = await ask(shop, code)
        assert (answer.status_code, answer.json()["type"]) == (429, "codes_tried_too_often")
        assert 0 < int(answer.headers["Retry-After"]) <= A_TURN
        assert [one["field"] for one in answer.json()["errors"]] == ["promo_code"]
    assert (await ask(shop, None)).status_code == 201
    assert (await ask(shop, "FRIENDS", FROM_ELSEWHERE)).status_code == 201
    again = await ask(shop, "FRIENDS", key="the key of an order")  # who has an order is told of it
    assert again.json()["code"] == first.json()["code"]
    await shop.pass_time(seconds=A_TURN)
    assert (await ask(shop, "FRIENDS")).status_code == 201


async def test_codes_that_are_tried_at_the_same_moment_count_too(shop: Shop) -> None:
    tried = await together(*(ask(shop, f"GUESS{number}") for number in range(64)))
    wrong = sum(answer.status_code == 422 for answer in tried)
    assert {answer.status_code for answer in tried} <= {422, 429}
    answer = await ask(shop, "FRIENDS")
    assert answer.status_code == 429
    owed = (wrong - WRONG_CODES.times + 1) * A_TURN
    assert owed - 10 < int(answer.headers["Retry-After"]) <= owed


async def test_a_crowd_behind_one_address_uses_its_code_at_once(shop: Shop) -> None:
    answers = await together(*(ask(shop, "friends") for _ in range(24)))
    assert [answer.status_code for answer in answers] == [201] * 24


async def test_a_code_that_is_used_up_is_answered_as_one_that_never_was(shop: Shop) -> None:
    await load(shop.box.db, NIGHT + PROMO.format(1))
    answers = await together(*(ask(shop, "FRIENDS") for _ in range(16)))
    assert sorted(answer.status_code for answer in answers) == [201] + [422] * 15
    used_up, never = await ask(shop, "FRIENDS", FROM_ELSEWHERE), await ask(shop, "NEVER", FROM_ELSEWHERE)
    assert (used_up.status_code, used_up.content) == (never.status_code, never.content)


async def test_a_use_comes_back_with_the_last_ticket_of_its_order(shop: Shop) -> None:
    order = await shop.ordered(2, promo_code="FRIENDS")
    await shop.pay(order)
    order = await seen(shop, order)
    left = []
    for wish in ({"amount_minor": 1}, {"tickets": (order["tickets"][0]["code"],)}, {}):
        await refund(shop, order, **wish)
        left.append(await value(shop, "SELECT used FROM promo"))
    assert left == [1, 1, 0]


async def test_the_form_says_it_beside_the_code(shop: Shop) -> None:
    await together(*(ask(shop, f"GUESS{number}") for number in range(24)))
    entry = await shop.ticket_type()
    fields = {entry: "1", f"seen_{entry}": "1200", "email": "mara@example.org", "key": "a key of this form"}
    headers = {"X-Forwarded-For": "203.0.113.9", "Sec-Fetch-Site": "same-origin"}
    send = f"/events/{SLUG}/orders"
    answer = await shop.web.post(send, data=fields | {"promo_code": "friends"}, headers=headers)
    assert answer.status_code == 429
    assert int(answer.headers["Retry-After"]) > 0
    assert '<a href="#promo_code">Too many codes from your network' in answer.text
    assert "a key of this form" in answer.text
    assert (await shop.web.post(send, data=fields, headers=headers)).status_code == 303
