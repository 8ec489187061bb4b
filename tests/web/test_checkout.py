"""From a choice to an order, without scripts."""

import re
from dataclasses import replace
from typing import Any, cast
from uuid import UUID

import pytest
from httpx import ASGITransport, AsyncClient, Response

from boxoffice.app import create_app
from boxoffice.box import BoxOffice
from boxoffice.edge.cookies import cookie
from boxoffice.settings import Settings
from tests.nights import load
from tests.web.cast import LONG_NIGHT, MARA, place
from tests.web.conftest import BROWSER

EVENT = "/events/tiefdruck-eins"
FREE_NIGHT = LONG_NIGHT.replace('"12.00"', '"0.00"')


async def entry(box: BoxOffice) -> UUID:
    async with box.db.transaction() as connection:
        return UUID(str(await connection.fetchval("SELECT id FROM ticket_type WHERE name = 'Entry'")))


async def form(browser: AsyncClient, box: BoxOffice, quantity: int = 2) -> dict[str, str]:
    """The fields of the checkout form as a browser would send them."""
    page = await browser.get(f"{EVENT}/checkout?{await entry(box)}={quantity}")
    assert page.status_code == 200, page.text
    assert page.headers["cache-control"] == "no-store"
    return fields_of(page) | {"email": MARA}


def fields_of(page: Response) -> dict[str, str]:
    inputs = re.findall(r"<input [^>]*>", page.text)
    named = [(re.search(r' name="([^"]+)"', one), re.search(r' value="([^"]*)"', one)) for one in inputs]
    return {name[1]: value[1] if value else "" for name, value in named if name}


async def send(browser: AsyncClient, fields: dict[str, str]) -> Response:
    return await browser.post(f"{EVENT}/orders", data=fields)


async def orders(box: BoxOffice) -> list[str]:
    async with box.db.transaction() as connection:
        return [row["code"] for row in await connection.fetch("SELECT code FROM orders ORDER BY created_at")]


async def test_the_form_shows_the_choice_and_mints_a_key(browser: AsyncClient, box: BoxOffice) -> None:
    first, second = await form(browser, box), await form(browser, box)
    assert len(first["key"]) >= 16
    assert first["key"] != second["key"]
    assert first[f"seen_{await entry(box)}"] == "1200"
    page = await browser.get(f"{EVENT}/checkout?{await entry(box)}=2&utm_source=flyer")
    assert "€24.00" in page.text
    assert "set-cookie" not in page.headers


async def test_the_price_is_the_one_of_the_release_that_has_them_all(browser: AsyncClient, box: BoxOffice) -> None:
    await place(box, quantity=8)
    fields = await form(browser, box, 4)
    assert fields[f"seen_{await entry(box)}"] == "1650"


@pytest.mark.parametrize("quantity", ["", "0", "-1", "two", "1.5", "١"])
async def test_nothing_chosen_leads_back_with_a_sentence(browser: AsyncClient, box: BoxOffice, quantity: str) -> None:
    answer = await browser.get(f"{EVENT}/checkout", params={str(await entry(box)): quantity})
    assert answer.status_code == 303
    assert "Choose at least one ticket first." in (await browser.get(answer.headers["location"])).text


async def test_more_than_are_left_leads_back_with_a_sentence(browser: AsyncClient, box: BoxOffice) -> None:
    answer = await browser.get(f"{EVENT}/checkout", params={str(await entry(box)): "11"})
    assert answer.status_code == 303
    assert "more than are left" in (await browser.get(answer.headers["location"])).text


async def test_buying_leads_to_the_order_with_its_cookie(browser: AsyncClient, box: BoxOffice) -> None:
    await load(box.db, FREE_NIGHT)
    answer = await send(browser, await form(browser, box))
    (code,) = await orders(box)
    assert answer.status_code == 303
    assert answer.headers["location"].startswith(f"/orders/{code[:-1]}")
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith(f"order_{code[:-1]}=")
    for flag in ("HttpOnly", "SameSite=lax", "Path=/"):
        assert flag in cookie
    assert "Secure" not in cookie
    arrived = await browser.get(answer.headers["location"])
    assert "You’re in" in arrived.text


async def test_over_https_cookies_are_secure_and_bound_to_the_host(settings: Settings, box: BoxOffice) -> None:
    secure = Settings.from_environment(
        {"DATABASE_URL": settings.database_url, "SECRET_KEY": settings.secret_key, "BASE_URL": "https://localhost"}
    )
    made = cookie(secure, "order_X", "value", 60)
    assert made.key == "__Host-order_X"
    assert made.secure


@pytest.mark.slow
async def test_while_stripe_is_away_the_order_waits_on_its_page(browser: AsyncClient, box: BoxOffice) -> None:
    answer = await send(browser, await form(browser, box))
    (code,) = await orders(box)
    assert answer.status_code == 303
    assert answer.headers["location"].startswith(f"/orders/{code[:-1]}")


async def test_pressing_twice_is_one_order(browser: AsyncClient, box: BoxOffice) -> None:
    await load(box.db, FREE_NIGHT)
    fields = await form(browser, box)
    first, second = await send(browser, fields), await send(browser, fields)
    assert first.headers["location"].endswith("/success")
    assert first.headers["location"] == second.headers["location"]
    assert len(await orders(box)) == 1


async def test_a_wrong_address_is_said_at_the_field_and_nothing_typed_is_lost(
    browser: AsyncClient, box: BoxOffice
) -> None:
    fields = await form(browser, box) | {
        "email": "mara",
        f"name_{await entry(box)}_1": "نور 🎧",
        "promo_code": "friends",
    }
    answer = await send(browser, fields)
    assert answer.status_code == 422
    assert 'id="email-wrong"' in answer.text
    assert "autofocus" in answer.text
    again = fields_of(answer)
    assert again == fields


async def test_a_name_that_cannot_be_kept_is_said_at_its_field(browser: AsyncClient, box: BoxOffice) -> None:
    name = f"name_{await entry(box)}_2"
    answer = await send(browser, await form(browser, box) | {name: "x" * 101})
    assert answer.status_code == 422
    assert f'id="{name}-wrong"' in answer.text


async def test_a_code_that_is_not_valid_is_refused_in_words(browser: AsyncClient, box: BoxOffice) -> None:
    answer = await send(browser, await form(browser, box) | {"promo_code": "nobody"})
    assert answer.status_code == 422
    assert "not valid" in answer.text
    assert fields_of(answer)["promo_code"] == "nobody"


@pytest.mark.slow
async def test_a_wrong_code_marks_its_own_field_and_the_field_is_there_only_where_codes_are(
    browser: AsyncClient, box: BoxOffice
) -> None:
    assert "promo_code" not in await form(browser, box)
    await load(box.db, LONG_NIGHT + '\n[[night.promo]]\ncode = "WARM"\npercent = 50\n')
    fields = await form(browser, box)
    assert "promo_code" in fields
    refused = await send(browser, fields | {"promo_code": "cold"})
    assert refused.status_code == 422
    field = re.search(r'<input id="promo_code"[^>]+>', refused.text)
    assert field
    assert 'value="cold"' in field[0]
    assert 'aria-invalid="true"' in field[0]
    assert '<a href="#promo_code">This code is not valid' in refused.text
    answer = await send(browser, fields | {"promo_code": "warm"})
    assert answer.status_code == 303
    async with box.db.transaction() as connection:
        assert await connection.fetchval("SELECT total_minor FROM orders") == 1200


@pytest.mark.slow
async def test_never_silently_dearer(browser: AsyncClient, box: BoxOffice) -> None:
    fields = await form(browser, box)
    await place(box, quantity=10)
    answer = await send(browser, fields)
    assert answer.status_code == 409
    assert "was €12.00, now €16.50" in answer.text
    assert "Buy for €33.00" in answer.text
    assert len(await orders(box)) == 1
    asked_again = await send(browser, fields_of(answer))
    assert asked_again.status_code == 303


async def test_without_the_price_that_was_seen_nothing_is_bought(browser: AsyncClient, box: BoxOffice) -> None:
    fields = await form(browser, box)
    del fields[f"seen_{await entry(box)}"]
    assert (await send(browser, fields)).status_code == 409
    assert await orders(box) == []


async def test_sold_out_meanwhile(browser: AsyncClient, box: BoxOffice) -> None:
    fields = await form(browser, box)
    async with box.db.transaction() as connection:
        await connection.execute(
            "UPDATE stock SET used = cap, closed = true WHERE id IN (SELECT stock_id FROM release)"
        )
    answer = await send(browser, fields)
    assert answer.status_code == 409
    assert "Not enough left" in answer.text
    assert "Choose again" in answer.text


async def test_the_sale_ended_meanwhile(browser: AsyncClient, box: BoxOffice) -> None:
    fields = await form(browser, box)
    async with box.db.transaction() as connection:
        await connection.execute("UPDATE event SET sale_ends_at = clock()")
    answer = await send(browser, fields)
    assert answer.status_code == 409
    assert "not on sale" in answer.text


async def test_the_same_key_with_other_details_asks_before_a_second_order(browser: AsyncClient, box: BoxOffice) -> None:
    await load(box.db, FREE_NIGHT)
    fields = await form(browser, box)
    await send(browser, fields)
    answer = await send(browser, fields | {"email": "other@example.org"})
    assert answer.status_code == 422
    assert "only if you want a second order" in answer.text
    assert fields_of(answer)["key"] != fields["key"]
    assert len(await orders(box)) == 1


@pytest.mark.slow
async def test_an_ended_order_offers_a_fresh_start(browser: AsyncClient, box: BoxOffice) -> None:
    fields = await form(browser, box)
    await send(browser, fields)
    async with box.db.transaction() as connection:
        await connection.execute("UPDATE orders SET status = 'expired'")
    answer = await send(browser, fields)
    assert answer.status_code == 410
    assert "fresh order" in answer.text
    assert fields_of(answer)["key"] != fields["key"]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"key=0123456789abcdef&nonsense=1", 422),
        (b"email=a%40b.cd&email=c%40d.ef", 422),
        (b"email=%00", 422),
        (b"email=%ff%fe", 400),
        (b"\xff", 400),
        (b"email=" + b"x" * 100_001, 413),
        (b"", 422),
    ],
)
async def test_what_no_form_of_ours_sends_is_refused(browser: AsyncClient, body: bytes, status: int) -> None:
    answer = await browser.post(
        f"{EVENT}/orders", content=body, headers={"Content-Type": "application/x-www-form-urlencoded"}
    )
    assert answer.status_code == status
    assert answer.headers["content-type"].startswith("text/html")


async def test_json_is_for_the_api(browser: AsyncClient) -> None:
    assert (await browser.post(f"{EVENT}/orders", json={})).status_code == 400


async def test_without_keys_of_stripe_nothing_is_held(settings: Settings, box: BoxOffice) -> None:
    closed = BoxOffice.from_settings(replace(settings, stripe=None))
    transport = ASGITransport(app=cast("Any", create_app(closed)), raise_app_exceptions=False)
    async with AsyncClient(transport=transport, base_url="http://localhost:3000", headers=BROWSER) as http:
        answer = await send(http, await form(http, box))
        assert (answer.status_code, "Nothing was taken" in answer.text) == (503, True)
    async with box.db.transaction() as connection:
        assert await connection.fetchval("SELECT sum(used) FROM stock") == 0
    await closed.close()


async def test_where_the_door_checks_names_they_are_asked_for_openly_and_may_be_left_empty(
    browser: AsyncClient, box: BoxOffice
) -> None:
    await load(box.db, FREE_NIGHT)
    address, chosen = f"{EVENT}/checkout", {str(await entry(box)): "2"}
    folded = (await browser.get(address, params=chosen)).text
    assert "Names on the tickets" in folded
    assert "The door checks" not in folded
    await load(box.db, FREE_NIGHT.replace("room_capacity", 'check = ["name"]\nroom_capacity', 1))
    page = (await browser.get(address, params=chosen)).text
    names = page[page.index("Who comes") :]
    assert "The door checks the name on each of these tickets: write it as it stands in their ID." in names
    assert names.count('name="name_') == 2
    assert "<details" not in names.split("</section>", 1)[0]
    assert "Names on the" not in page
    assert (await send(browser, await form(browser, box))).status_code == 303
