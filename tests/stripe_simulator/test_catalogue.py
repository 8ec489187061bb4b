"""Products, prices, coupons, promotion codes and customers."""

import pytest
import stripe

from tests.stripe_simulator.seller import Seller


async def test_products(seller: Seller) -> None:
    products = seller.sdk.v1.products
    made = await products.create_async(
        {"name": "Festival pass", "default_price_data": {"currency": "eur", "unit_amount": 9900}}
    )
    document = await seller.read("product", f"/v1/products/{made.id}")
    assert document["default_price"].startswith("price_1")
    changed = await products.update_async(made.id, {"name": "Weekend pass", "active": False})
    assert (changed.name, changed.active) == ("Weekend pass", False)
    assert (await products.list_async({"active": True})).data == []
    assert (await products.delete_async(made.id)).deleted
    with pytest.raises(stripe.InvalidRequestError):
        await products.retrieve_async(made.id)
    assert await seller.events() == ["price.created", "product.created", "product.updated", "product.deleted"]


async def test_a_chosen_product_id_is_taken_once(seller: Seller) -> None:
    products = seller.sdk.v1.products
    assert (await products.create_async({"id": "night-1", "name": "Night"})).id == "night-1"
    with pytest.raises(stripe.InvalidRequestError) as refused:
        await products.create_async({"id": "night-1", "name": "Night"})
    assert refused.value.code == "resource_already_exists"


async def test_prices(seller: Seller) -> None:
    prices = seller.sdk.v1.prices
    product = await seller.sdk.v1.products.create_async({"name": "Ticket"})
    made = await prices.create_async({"currency": "eur", "unit_amount": 1500, "product": product.id})
    document = await seller.read("price", f"/v1/prices/{made.id}")
    assert (document["unit_amount"], document["unit_amount_decimal"], document["type"]) == (1500, "1500", "one_time")
    fine = await seller.post("/v1/prices", {"currency": "eur", "unit_amount_decimal": "10.5", "product": product.id})
    assert (fine.json()["unit_amount"], fine.json()["unit_amount_decimal"]) == (None, "10.5")
    assert (await prices.update_async(made.id, {"nickname": "Door"})).nickname == "Door"
    listed = await prices.list_async({"product": product.id, "currency": "eur"})
    assert len(listed.data) == 2
    await prices.update_async(made.id, {"active": False})
    with pytest.raises(stripe.InvalidRequestError, match="inactive"):
        await seller.session(line_items=[{"price": made.id, "quantity": 1}])


async def test_coupons(seller: Seller) -> None:
    coupons = seller.sdk.v1.coupons
    made = await coupons.create_async({"percent_off": 10, "duration": "once", "name": "Friends"})
    assert len(made.id) == 8
    await seller.read("coupon", f"/v1/coupons/{made.id}")
    assert (await coupons.update_async(made.id, {"name": "Family"})).name == "Family"
    assert [one.id for one in (await coupons.list_async()).data] == [made.id]
    assert (await coupons.delete_async(made.id)).deleted
    for wrong in ({"duration": "once"}, {"percent_off": "120", "duration": "once"}, {"amount_off": "5"}):
        assert (await seller.post("/v1/coupons", wrong)).status_code == 400


async def test_promotion_codes(seller: Seller) -> None:
    codes = seller.sdk.v1.promotion_codes
    await seller.sdk.v1.coupons.create_async({"percent_off": 10, "duration": "once", "id": "TEN"})
    made = await codes.create_async({"promotion": {"type": "coupon", "coupon": "TEN"}, "code": "EARLY"})
    document = await seller.read("promotion_code", f"/v1/promotion_codes/{made.id}")
    assert document["promotion"] == {"coupon": "TEN", "type": "coupon"}
    with pytest.raises(stripe.InvalidRequestError, match="already exists"):
        await codes.create_async({"promotion": {"type": "coupon", "coupon": "TEN"}, "code": "early"})
    assert [one.id for one in (await codes.list_async({"code": "EARLY", "active": True})).data] == [made.id]
    session = await seller.session(discounts=[{"promotion_code": made.id}])
    assert session.amount_total == 2700
    assert (await codes.update_async(made.id, {"active": False})).active is False
    with pytest.raises(stripe.InvalidRequestError):
        await seller.session(discounts=[{"promotion_code": made.id}])


async def test_customers(seller: Seller) -> None:
    customers = seller.sdk.v1.customers
    made = await customers.create_async({"email": "ada@example.com", "address": {"city": "Dublin", "country": "IE"}})
    document = await seller.read("customer", f"/v1/customers/{made.id}")
    assert (document["address"]["city"], document["address"]["line1"]) == ("Dublin", None)
    assert len(made.id) == len("cus_") + 14
    assert (await customers.update_async(made.id, {"name": "Ada"})).name == "Ada"
    assert [one.id for one in (await customers.list_async({"email": "ada@example.com"})).data] == [made.id]
    paid = await seller.paid(customer=made.id)
    assert (await seller.read("payment_intent", f"/v1/payment_intents/{paid['payment_intent']}"))["customer"] == made.id
    listed = await seller.sdk.v1.payment_intents.list_async({"customer": made.id})
    assert [one.id for one in listed.data] == [paid["payment_intent"]]
    assert (await customers.delete_async(made.id)).deleted
    assert (await seller.get(f"/v1/customers/{made.id}")).json() == {
        "id": made.id,
        "object": "customer",
        "deleted": True,
    }
    with pytest.raises(stripe.InvalidRequestError):
        await customers.update_async(made.id, {"name": "Bob"})
    with pytest.raises(stripe.InvalidRequestError):
        await seller.session(customer=made.id)


async def test_charges_keep_the_sellers_notes(seller: Seller) -> None:
    paid = await seller.paid()
    charges = seller.sdk.v1.charges
    changed = await charges.update_async(paid["charge"], {"description": "Two tickets", "metadata": {"order_id": "1"}})
    assert changed.description == "Two tickets"
    listed = await charges.list_async({"payment_intent": paid["payment_intent"]})
    assert [one.id for one in listed.data] == [paid["charge"]]
    assert (await seller.post("/v1/charges", {"amount": "100", "currency": "eur"})).status_code == 400


async def test_the_money_of_every_movement_is_listed(seller: Seller) -> None:
    paid = await seller.paid()
    await seller.advance(3)
    await seller.sdk.v1.refunds.create_async({"charge": paid["charge"], "amount": 1000})
    listed = await seller.sdk.v1.balance_transactions.list_async()
    assert [(one.type, one.amount, one.net) for one in listed.data] == [
        ("refund", -1000, -1000),
        ("charge", 3000, 2930),
    ]
    only = await seller.sdk.v1.balance_transactions.list_async({"type": "charge", "source": paid["charge"]})
    assert len(only.data) == 1
