"""Checkout Sessions: what a seller can ask for, and what comes back."""

import pytest
import stripe

from stripe_simulator.shapes import misshapen
from tests.stripe_simulator.seller import CANCEL, SUCCESS, Seller, line, order


async def test_an_open_session_has_every_key_of_its_shape(seller: Seller) -> None:
    session = await seller.session()
    document = await seller.read("checkout.session", f"/v1/checkout/sessions/{session.id}")
    assert document["status"] == "open"
    assert document["payment_status"] == "unpaid"
    assert document["payment_intent"] is None
    assert document["customer_details"] is None
    assert document["discounts"] == []
    assert document["custom_fields"] == []
    assert document["amount_subtotal"] == document["amount_total"] == 3000
    assert document["currency"] == "eur"
    assert document["livemode"] is False
    assert document["client_reference_id"] == "order-1"
    assert document["url"] == f"{seller.base_url}/c/pay/{session.id}"
    assert (document["success_url"], document["cancel_url"]) == (SUCCESS, CANCEL)
    assert "line_items" not in document


async def test_an_id_has_the_documented_shape(seller: Seller) -> None:
    session = await seller.session()
    assert session.id.startswith("cs_test_a1")
    assert len(session.id) == len("cs_test_a1") + 56


async def test_it_lives_a_day_unless_told_otherwise(seller: Seller) -> None:
    now = seller.core.world.now
    assert (await seller.session()).expires_at == now + 24 * 3600
    assert (await seller.session(expires_at=now + 31 * 60)).expires_at == now + 31 * 60


@pytest.mark.parametrize(
    ("seconds", "message"),
    [
        (29 * 60, "The `expires_at` timestamp must be at least 30 minutes from Checkout Session creation."),
        (24 * 3600 + 1, "The `expires_at` timestamp must be less than 24 hours from Checkout Session creation."),
    ],
)
async def test_its_life_has_limits(seller: Seller, seconds: int, message: str) -> None:
    with pytest.raises(stripe.InvalidRequestError) as refused:
        await seller.session(expires_at=seller.core.world.now + seconds)
    assert refused.value.user_message == message
    assert refused.value.param == "expires_at"


async def test_lines_add_up(seller: Seller) -> None:
    session = await seller.session(line_items=[line(1999, 3), line(1, 1, name="Rest"), line(0, 2, name="Gift")])
    assert session.amount_total == 1999 * 3 + 1
    items = await seller.sdk.v1.checkout.sessions.line_items.list_async(session.id)
    assert [(item.description, item.quantity, item.amount_total) for item in items.data] == [
        ("Early bird", 3, 5997),
        ("Rest", 1, 1),
        ("Gift", 2, 0),
    ]
    answer = await seller.get(f"/v1/checkout/sessions/{session.id}/line_items")
    for item in answer.json()["data"]:
        assert list(misshapen("item", item)) == []


async def test_a_stored_price_can_be_sold(seller: Seller) -> None:
    price = await seller.sdk.v1.prices.create_async(
        {"currency": "usd", "unit_amount": 900, "product_data": {"name": "Late entry"}}
    )
    session = await seller.session(line_items=[{"price": price.id, "quantity": 4}])
    assert (session.amount_total, session.currency) == (3600, "usd")


@pytest.mark.parametrize(
    ("currency", "amount", "least"),
    [("usd", 49, "$0.50 usd"), ("eur", 49, "€0.50 eur"), ("gbp", 29, "£0.30 gbp"), ("jpy", 49, "¥50 jpy"),
     ("chf", 49, "CHF 0.50 chf")],
)  # fmt: skip
async def test_a_total_below_the_smallest_charge_is_refused(
    seller: Seller, currency: str, amount: int, least: str
) -> None:
    with pytest.raises(stripe.InvalidRequestError) as refused:
        await seller.session(line_items=[line(amount, 1, currency)])
    expected = f"The Checkout Session's total amount due must add up to at least {least}"
    assert refused.value.user_message == expected
    assert (await seller.session(line_items=[line(amount + 1, 1, currency)])).amount_total == amount + 1


async def test_at_most_a_hundred_lines(seller: Seller) -> None:
    assert (await seller.session(line_items=[line(100, 1)] * 100)).amount_total == 10_000
    with pytest.raises(stripe.InvalidRequestError, match="up to 100 line items"):
        await seller.session(line_items=[line(100, 1)] * 101)


async def test_lines_are_in_one_currency(seller: Seller) -> None:
    with pytest.raises(stripe.InvalidRequestError, match="one currency"):
        await seller.session(line_items=[line(), line(currency="usd")])


@pytest.mark.parametrize("missing", ["mode", "success_url", "line_items"])
async def test_what_is_needed_must_be_there(seller: Seller, missing: str) -> None:
    parameters = order()
    del parameters[missing]
    with pytest.raises(stripe.InvalidRequestError) as refused:
        await seller.sdk.v1.checkout.sessions.create_async(parameters)  # pyright: ignore[reportArgumentType]
    assert refused.value.user_message == f"Missing required param: {missing}."
    assert refused.value.code == "parameter_missing"
    assert refused.value.param == missing


@pytest.mark.parametrize(
    ("changes", "param"),
    [
        ({"client_reference_id": "x" * 201}, "client_reference_id"),
        ({"mode": "gift"}, "mode"),
        ({"success_url": "not a link"}, "success_url"),
        ({"customer_email": "nobody"}, "customer_email"),
        ({"customer": "cus_nobody"}, "customer"),
        ({"line_items": [{"quantity": 1}]}, "line_items[0]"),
        ({"line_items": [line(quantity=0)]}, "line_items[0][quantity]"),
        ({"line_items": [line(amount=-1)]}, "line_items[0][price_data][unit_amount]"),
        ({"line_items": [{"price": "price_none", "quantity": 1}]}, "line_items[0][price]"),
        ({"line_items": [line(currency="abc")]}, "line_items[0][price_data][currency]"),
        ({"expires_at": "soon"}, "expires_at"),
        ({"metadata": {"k" * 41: "v"}}, "metadata"),
        ({"metadata": {"k": "v" * 501}}, "metadata[k]"),
        ({"custom_fields": [{"key": str(n), "label": {"custom": "x", "type": "custom"}, "type": "text"}
                            for n in range(4)]}, "custom_fields"),
        ({"discounts": [{"coupon": "NONE"}]}, "discounts[0][coupon]"),
        ({"locale": "xx"}, "locale"),
    ],
)  # fmt: skip
async def test_a_wrong_value_names_its_parameter(seller: Seller, changes: dict[str, object], param: str) -> None:
    with pytest.raises(stripe.InvalidRequestError) as refused:
        await seller.session(**changes)
    assert refused.value.http_status == 400
    assert refused.value.param == param


def metadata_of(session: stripe.checkout.Session) -> dict[str, str]:
    return {} if session.metadata is None else dict(session.metadata.to_dict())


async def test_updates_change_metadata_key_by_key(seller: Seller) -> None:
    session = await seller.session(metadata={"a": "1", "b": "2"})
    update = seller.sdk.v1.checkout.sessions.update_async
    changed = await update(session.id, {"metadata": {"b": "", "c": "3"}})
    assert metadata_of(changed) == {"a": "1", "c": "3"}
    cleared = await update(session.id, {"metadata": ""})
    assert metadata_of(cleared) == {}


async def test_expiring_ends_an_open_session_once(seller: Seller) -> None:
    session = await seller.session()
    expired = await seller.sdk.v1.checkout.sessions.expire_async(session.id)
    assert (expired.status, expired.url) == ("expired", None)
    with pytest.raises(stripe.InvalidRequestError) as refused:
        await seller.sdk.v1.checkout.sessions.expire_async(session.id)
    assert refused.value.code is None
    assert refused.value.user_message == (
        'Only Checkout Sessions with a status in ["open"] can be expired. '
        "This Checkout Session has a status of `expired`."
    )
    assert "checkout.session.expired" in await seller.events()


async def test_a_paid_session_cannot_expire(seller: Seller) -> None:
    paid = await seller.paid()
    with pytest.raises(stripe.InvalidRequestError, match="status of `complete`"):
        await seller.sdk.v1.checkout.sessions.expire_async(paid["session"])


async def test_lists_filter(seller: Seller) -> None:
    still_open = await seller.session()
    paid = await seller.paid()
    sessions = seller.sdk.v1.checkout.sessions
    assert [one.id for one in (await sessions.list_async()).data] == [paid["session"], still_open.id]
    assert [one.id for one in (await sessions.list_async({"status": "open"})).data] == [still_open.id]
    by_payment = await sessions.list_async({"payment_intent": paid["payment_intent"]})
    assert [one.id for one in by_payment.data] == [paid["session"]]
    by_email = await sessions.list_async({"customer_details": {"email": "ada@example.com"}})
    assert [one.id for one in by_email.data] == [paid["session"]]
    assert (await sessions.list_async({"created": {"gt": seller.core.world.now}})).data == []


async def test_a_free_order_needs_no_payment(seller: Seller) -> None:
    paid = await seller.paid(line_items=[line(0, 1)])
    assert (paid["outcome"], paid["payment_status"], paid["payment_intent"]) == ("free", "no_payment_required", None)
    session = await seller.read("checkout.session", f"/v1/checkout/sessions/{paid['session']}")
    customer = await seller.read("customer", f"/v1/customers/{session['customer']}")
    assert customer["email"] == "ada@example.com"
    assert (await seller.events())[-2:] == ["customer.created", "checkout.session.completed"]


async def test_a_guest_stays_a_guest_unless_a_customer_is_wanted(seller: Seller) -> None:
    guest = await seller.paid()
    kept = await seller.paid(customer_creation="always")
    sessions = seller.sdk.v1.checkout.sessions
    assert (await sessions.retrieve_async(guest["session"])).customer is None
    session = await sessions.retrieve_async(kept["session"], {"expand": ["customer", "payment_intent"]})
    assert isinstance(session.customer, stripe.Customer)
    assert isinstance(session.payment_intent, stripe.PaymentIntent)
    assert session.payment_intent.customer == session.customer.id


async def test_metadata_lands_where_it_was_put(seller: Seller) -> None:
    paid = await seller.paid(metadata={"on": "session"}, payment_intent_data={"metadata": {"on": "payment"}})
    intent = await seller.read("payment_intent", f"/v1/payment_intents/{paid['payment_intent']}")
    charge = await seller.read("charge", f"/v1/charges/{paid['charge']}")
    session = await seller.read("checkout.session", f"/v1/checkout/sessions/{paid['session']}")
    assert intent["metadata"] == charge["metadata"] == {"on": "payment"}
    assert session["metadata"] == {"on": "session"}


async def test_coupons_take_their_share(seller: Seller) -> None:
    coupon = await seller.sdk.v1.coupons.create_async({"percent_off": 25, "duration": "once", "id": "QUARTER"})
    session = await seller.session(line_items=[line(999, 1), line(2000, 1)], discounts=[{"coupon": coupon.id}])
    assert session.amount_subtotal == 2999
    assert session.total_details is not None
    assert session.total_details.amount_discount == 750
    assert session.amount_total == 2249
    items = await seller.sdk.v1.checkout.sessions.line_items.list_async(session.id)
    assert sum(item.amount_discount for item in items.data) == 750


async def test_every_discount_may_be_whole(seller: Seller) -> None:
    await seller.sdk.v1.coupons.create_async({"percent_off": 100, "duration": "once", "id": "ALL"})
    paid = await seller.paid(discounts=[{"coupon": "ALL"}])
    assert paid["payment_status"] == "no_payment_required"


async def test_the_seller_cannot_confirm_or_cancel_the_payment_of_a_session(seller: Seller) -> None:
    paid = await seller.paid("4000000000000002")
    intents = seller.sdk.v1.payment_intents
    with pytest.raises(stripe.InvalidRequestError, match="Checkout"):
        await intents.confirm_async(paid["payment_intent"], {"payment_method": "pm_card_visa"})
    with pytest.raises(stripe.InvalidRequestError, match="expire the session"):
        await intents.cancel_async(paid["payment_intent"])
