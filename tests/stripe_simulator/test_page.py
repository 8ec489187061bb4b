"""The hosted page, as a browser without scripts sees it."""

import asyncio
import re
import time
from html import unescape
from typing import Any

import pytest

from tests.stripe_simulator.seller import CANCEL, Seller, line


def text_of(page: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", page)).split())


async def test_it_shows_what_is_bought(seller: Seller) -> None:
    session = await seller.session(line_items=[line(2450, 2), line(500, 1, name="Cloakroom")], submit_type="book")
    page = await seller.web.get(session.url or "")
    shown = text_of(page.text)
    assert page.status_code == 200
    for words in ("Early bird", "2 × €24.50", "€49.00", "Cloakroom", "€5.00", "Total due €54.00", "Book €54.00"):
        assert words in shown
    assert "Test mode" in shown
    assert f'href="{CANCEL}"' in page.text
    assert "<script" not in page.text
    assert page.headers["cache-control"] == "no-store"
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "form-action 'self' https://seller.example" in policy


async def test_every_field_has_a_label_and_knows_its_autofill(seller: Seller) -> None:
    page = (await seller.web.get((await seller.session()).url or "")).text
    for name, autofill in (
        ("email", "email"),
        ("number", "cc-number"),
        ("expiry", "cc-exp"),
        ("cvc", "cc-csc"),
        ("name", "cc-name"),
        ("country", "country"),
        ("postal_code", "postal-code"),
    ):
        assert f'<label for="{name}">' in page
        assert re.search(rf'id="{name}"[^>]*autocomplete="{autofill}"', page, re.DOTALL)


async def test_paying_leads_to_the_sellers_page(seller: Seller) -> None:
    session = await seller.session()
    answer = await seller.submit(session.id)
    assert answer.status_code == 303
    assert answer.headers["location"] == f"https://seller.example/orders/1/success?session_id={session.id}"
    paid = await seller.read("checkout.session", f"/v1/checkout/sessions/{session.id}")
    assert (paid["status"], paid["payment_status"]) == ("complete", "paid")
    assert paid["customer_details"]["address"]["country"] == "IE"
    assert paid["customer_details"]["name"] == "Ada Example"


async def test_the_seller_hears_first(seller: Seller) -> None:
    await seller.listen("checkout.session.completed")
    seller.hook.pause = 0.3
    session = await seller.session()
    began = time.monotonic()
    await seller.submit(session.id)
    assert time.monotonic() - began >= 0.3
    assert seller.hook.types == ["checkout.session.completed"]


async def test_a_refusing_seller_does_not_hold_the_buyer(seller: Seller) -> None:
    await seller.listen("checkout.session.completed")
    seller.hook.answers.append(500)
    answer = await seller.submit((await seller.session()).id)
    assert answer.status_code == 303


async def test_a_decline_is_told_in_place_and_can_be_followed_by_another_try(seller: Seller) -> None:
    session = await seller.session()
    declined = await seller.submit(session.id, number="4000 0000 0000 9995", name="Grace Example")
    assert declined.status_code == 402
    assert "Your card has insufficient funds." in text_of(declined.text)
    assert 'role="alert"' in declined.text
    assert 'value="Grace Example"' in declined.text
    assert 'value="ada@example.com"' in declined.text
    for secret in ("9995", "4000 0000", 'value="123"', "12 / 34"):
        assert secret not in re.sub(r"<dl>.*?</dl>", "", declined.text, flags=re.DOTALL)
    assert (await seller.submit(session.id)).status_code == 303
    assert (await seller.events()).count("charge.succeeded") == 1


@pytest.mark.parametrize("number", ["4000000000009987", "4000000000009979"])
async def test_a_lost_card_is_declined_without_a_word_about_it(seller: Seller, number: str) -> None:
    declined = await seller.submit((await seller.session()).id, number=number)
    assert "Your card was declined." in declined.text
    assert "lost" not in text_of(declined.text).lower()
    assert "stolen" not in text_of(declined.text).lower()


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"email": "nobody"}, "email"),
        ({"number": ""}, "number"),
        ({"number": "4242 4242 4242 4241"}, "number"),
        ({"number": "hello"}, "number"),
        ({"expiry": "13 / 34"}, "expiry"),
        ({"expiry": "12 / 95"}, "expiry"),
        ({"expiry": "01 / 20"}, "expiry"),
        ({"expiry": "soon"}, "expiry"),
        ({"cvc": "12"}, "cvc"),
        ({"cvc": "1234"}, "cvc"),
        ({"number": "378282246310005", "cvc": "123"}, "cvc"),
        ({"name": ""}, "name"),
        ({"country": ""}, "country"),
        ({"country": "US"}, "postal_code"),
    ],
)
async def test_a_wrong_entry_is_told_beside_its_field(seller: Seller, changes: dict[str, str], field: str) -> None:
    session = await seller.session()
    page = await seller.submit(session.id, **changes)
    assert page.status_code == 422
    assert f'id="{field}-error"' in page.text
    assert f'aria-describedby="{field}-error"' in page.text
    assert await seller.events() == []


@pytest.mark.parametrize("expiry", ["12/34", "1234", "12 / 2034", "12/ 34"])
async def test_an_expiry_date_may_be_written_in_many_ways(seller: Seller, expiry: str) -> None:
    assert (await seller.submit((await seller.session()).id, expiry=expiry)).status_code == 303


async def test_two_presses_make_one_charge(seller: Seller) -> None:
    session = await seller.session()
    answers = await asyncio.gather(*(seller.submit(session.id) for _ in range(6)))
    assert {answer.status_code for answer in answers} == {303}
    assert len({answer.headers["location"] for answer in answers}) == 1
    events = await seller.events()
    assert events.count("charge.succeeded") == events.count("checkout.session.completed") == 1


async def test_a_payment_and_an_expiry_at_once_agree(seller: Seller) -> None:
    for _ in range(5):
        session = await seller.session()
        await asyncio.gather(
            seller.submit(session.id), seller.post(f"/v1/checkout/sessions/{session.id}/expire"), return_exceptions=True
        )
        ended = await seller.sdk.v1.checkout.sessions.retrieve_async(session.id)
        assert (ended.status, ended.payment_status) in (("complete", "paid"), ("expired", "unpaid"))


async def test_an_expired_page_says_so(seller: Seller) -> None:
    session = await seller.session()
    await seller.sdk.v1.checkout.sessions.expire_async(session.id)
    for answer in (await seller.web.get(f"/c/pay/{session.id}"), await seller.submit(session.id)):
        assert "This checkout has expired" in text_of(answer.text)
        assert f'href="{CANCEL}"' in answer.text


async def test_a_completed_page_leads_on(seller: Seller) -> None:
    paid = await seller.paid()
    page = await seller.web.get(f"/c/pay/{paid['session']}")
    assert "already completed" in text_of(page.text)
    assert f"session_id={paid['session']}" in page.text


async def test_a_page_that_never_was(seller: Seller) -> None:
    answer = await seller.web.get("/c/pay/cs_test_nothing")
    assert answer.status_code == 404
    assert "There is no such page" in answer.text


@pytest.mark.parametrize(("outcome", "status"), [("complete", 303), ("fail", 402)])
async def test_three_d_secure_is_a_page_of_its_own(seller: Seller, outcome: str, status: int) -> None:
    session = await seller.session()
    asked = await seller.submit(session.id, number="4000000000003220")
    assert asked.headers["location"] == f"/c/pay/{session.id}/authenticate"
    page = await seller.web.get(asked.headers["location"])
    assert "€30.00" in page.text
    assert {"Complete", "Fail"} <= set(re.findall(r'value="(?:complete|fail)">(\w+)<', page.text))
    answer = await seller.web.post(asked.headers["location"], data={"outcome": outcome})
    assert answer.status_code == status
    if outcome == "fail":
        assert "did not go through" in answer.text
        assert (await seller.submit(session.id)).status_code == 303


async def test_there_is_no_challenge_without_a_question(seller: Seller) -> None:
    session = await seller.session()
    answer = await seller.web.get(f"/c/pay/{session.id}/authenticate")
    assert (answer.status_code, answer.headers["location"]) == (303, f"/c/pay/{session.id}")


async def test_a_real_card_is_declined(seller: Seller) -> None:
    answer = await seller.submit((await seller.session()).id, number="4929000000006")
    assert answer.status_code == 402


async def test_a_known_address_is_not_asked_for(seller: Seller) -> None:
    session = await seller.session(customer_email="grace@example.com")
    page = await seller.web.get(session.url or "")
    assert "grace@example.com" in page.text
    assert 'name="email"' not in page.text
    assert (await seller.submit(session.id, email="other@example.com")).status_code == 303
    paid = await seller.sdk.v1.checkout.sessions.retrieve_async(session.id)
    assert paid.customer_details is not None
    assert paid.customer_details.email == "grace@example.com"


async def test_a_free_order_asks_for_no_card(seller: Seller) -> None:
    session = await seller.session(line_items=[line(0, 1)])
    page = await seller.web.get(session.url or "")
    assert 'name="number"' not in page.text
    assert "Complete order" in page.text
    answer = await seller.web.post(f"/c/pay/{session.id}", data={"email": "ada@example.com"})
    assert answer.status_code == 303


async def test_a_promotion_code_can_be_redeemed(seller: Seller) -> None:
    await seller.sdk.v1.coupons.create_async({"amount_off": 500, "currency": "eur", "duration": "once", "id": "FIVE"})
    await seller.sdk.v1.promotion_codes.create_async(
        {"promotion": {"type": "coupon", "coupon": "FIVE"}, "code": "FRIENDS"}
    )
    session = await seller.session(allow_promotion_codes=True)
    wrong = await seller.web.post(f"/c/pay/{session.id}/promotion", data={"code": "NOBODY"})
    assert (wrong.status_code, "This code is not valid." in wrong.text) == (422, True)
    right = await seller.web.post(f"/c/pay/{session.id}/promotion", data={"code": "friends"})
    assert right.status_code == 303
    assert "−€5.00" in (await seller.web.get(session.url or "")).text
    await seller.submit(session.id)
    paid = await seller.sdk.v1.checkout.sessions.retrieve_async(session.id, {"expand": ["payment_intent"]})
    assert (paid.amount_total, paid.amount_subtotal) == (2500, 3000)
    intent: Any = paid.payment_intent
    assert intent.amount_received == 2500


async def test_questions_of_the_sellers_own(seller: Seller) -> None:
    fields: list[dict[str, Any]] = [
        {"key": "shirt", "label": {"type": "custom", "custom": "Shirt size"}, "type": "dropdown",
         "dropdown": {"options": [{"label": "Small", "value": "s"}, {"label": "Large", "value": "l"}]}},
        {"key": "age", "label": {"type": "custom", "custom": "Age"}, "type": "numeric", "optional": True},
        {"key": "note", "label": {"type": "custom", "custom": "Note"}, "type": "text"},
    ]  # fmt: skip
    session = await seller.session(custom_fields=fields, consent_collection={"terms_of_service": "required"})
    page = await seller.submit(session.id, custom_age="old")
    for name in ("custom_shirt", "custom_age", "custom_note", "terms"):
        assert f'id="{name}-error"' in page.text
    answer = await seller.submit(session.id, custom_shirt="l", custom_note="By the stage", terms="yes")
    assert answer.status_code == 303
    paid = await seller.read("checkout.session", f"/v1/checkout/sessions/{session.id}")
    shirt, age, note = paid["custom_fields"]
    assert (shirt["dropdown"]["value"], age["numeric"]["value"], note["text"]["value"]) == ("l", None, "By the stage")
    assert paid["consent"]["terms_of_service"] == "accepted"


async def test_what_is_typed_cannot_break_the_page(seller: Seller) -> None:
    attack = '"><script>alert(1)</script>'
    session = await seller.session(line_items=[line(name=attack)])
    page = await seller.submit(session.id, name=attack, number="")
    assert "<script" not in page.text


async def test_the_style_sheet_is_served(seller: Seller) -> None:
    answer = await seller.web.get("/c/assets/page.css")
    assert answer.headers["content-type"].startswith("text/css")
    assert "light-dark" in answer.text
