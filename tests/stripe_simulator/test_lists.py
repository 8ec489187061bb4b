"""Lists and expansion."""

import pytest
import stripe

from tests.stripe_simulator.seller import Seller


async def customers(seller: Seller, count: int) -> list[str]:
    made = [await seller.sdk.v1.customers.create_async({"name": f"Buyer {n}"}) for n in range(count)]
    return [customer.id for customer in made][::-1]


async def test_pages_run_from_newest_to_oldest(seller: Seller) -> None:
    ids = await customers(seller, 13)
    first = (await seller.get("/v1/customers")).json()
    assert [one["id"] for one in first["data"]] == ids[:10]
    assert (first["object"], first["url"], first["has_more"]) == ("list", "/v1/customers", True)
    second = (await seller.get("/v1/customers", starting_after=ids[9])).json()
    assert [one["id"] for one in second["data"]] == ids[10:]
    assert second["has_more"] is False
    back = (await seller.get("/v1/customers", ending_before=ids[10], limit=4)).json()
    assert [one["id"] for one in back["data"]] == ids[6:10]
    assert back["has_more"] is True
    assert (await seller.get("/v1/customers", ending_before=ids[2], limit=4)).json()["has_more"] is False


async def test_the_sdk_walks_all_pages(seller: Seller) -> None:
    ids = await customers(seller, 7)
    listed = await seller.sdk.v1.customers.list_async({"limit": 3})
    assert [one.id async for one in listed.auto_paging_iter()] == ids


@pytest.mark.parametrize(
    ("params", "param"),
    [({"limit": 0}, "limit"), ({"limit": 101}, "limit"), ({"limit": "ten"}, "limit"),
     ({"starting_after": "cus_x"}, "starting_after"), ({"created[gte]": "now"}, "created[gte]")],
)  # fmt: skip
async def test_wrong_pages_are_refused(seller: Seller, params: dict[str, object], param: str) -> None:
    answer = await seller.get("/v1/customers", **params)
    assert answer.status_code == 400
    assert answer.json()["error"]["param"] == param


async def test_both_cursors_at_once_are_refused(seller: Seller) -> None:
    one, other = await customers(seller, 2)
    answer = await seller.get("/v1/customers", starting_after=one, ending_before=other)
    assert answer.status_code == 400


async def test_created_bounds(seller: Seller) -> None:
    (old,) = await customers(seller, 1)
    await seller.advance(100)
    (new,) = await customers(seller, 1)
    now = seller.core.world.now
    for bounds, expected in (
        ({"created[gte]": now}, [new]),
        ({"created[gt]": now - 100}, [new]),
        ({"created[lt]": now}, [old]),
        ({"created[lte]": now, "created[gte]": now - 100}, [new, old]),
        ({"created": now}, [new]),
    ):
        assert [one["id"] for one in (await seller.get("/v1/customers", **bounds)).json()["data"]] == expected


async def test_expansion_reaches_four_levels(seller: Seller) -> None:
    paid = await seller.paid()
    await seller.advance(3)
    session = await seller.sdk.v1.checkout.sessions.retrieve_async(
        paid["session"],
        {"expand": ["payment_intent.latest_charge.balance_transaction", "line_items.data.price.product"]},
    )
    assert isinstance(session.payment_intent, stripe.PaymentIntent)
    charge = session.payment_intent.latest_charge
    assert isinstance(charge, stripe.Charge)
    assert isinstance(charge.balance_transaction, stripe.BalanceTransaction)
    assert charge.balance_transaction.net == 3000 - 45 - 25
    assert session.line_items is not None
    price = session.line_items.data[0].price
    assert price is not None
    assert isinstance(price.product, stripe.Product)
    assert price.product.name == "Early bird"


async def test_lists_expand_below_data(seller: Seller) -> None:
    paid = await seller.paid()
    listed = await seller.sdk.v1.checkout.sessions.list_async({"expand": ["data.payment_intent"]})
    assert isinstance(listed.data[0].payment_intent, stripe.PaymentIntent)
    assert listed.data[0].payment_intent.id == paid["payment_intent"]


@pytest.mark.parametrize(
    "path", ["amount_total", "nonsense", "payment_intent.amount", "data.payment_intent", "total_details"]
)
async def test_what_cannot_be_expanded_is_refused(seller: Seller, path: str) -> None:
    paid = await seller.paid()
    answer = await seller.get(f"/v1/checkout/sessions/{paid['session']}", **{"expand[]": path})
    assert answer.status_code == 400
    assert answer.json()["error"]["message"] == f"This property cannot be expanded ({path})."


async def test_five_levels_are_too_deep(seller: Seller) -> None:
    paid = await seller.paid()
    deep = "data.payment_intent.latest_charge.balance_transaction.source.customer"
    answer = await seller.get("/v1/checkout/sessions", **{"expand[]": deep, "payment_intent": paid["payment_intent"]})
    assert answer.status_code == 400


async def test_a_new_object_can_be_expanded_at_once(seller: Seller) -> None:
    intent = await seller.sdk.v1.payment_intents.create_async(
        {
            "amount": 500,
            "currency": "eur",
            "confirm": True,
            "payment_method": "pm_card_visa",
            "expand": ["latest_charge", "payment_method"],
        }
    )
    assert isinstance(intent.latest_charge, stripe.Charge)
    assert isinstance(intent.payment_method, stripe.PaymentMethod)


async def test_refunds_of_a_charge_appear_when_asked_for(seller: Seller) -> None:
    paid = await seller.paid()
    refund = await seller.sdk.v1.refunds.create_async({"charge": paid["charge"], "amount": 100})
    plain = await seller.sdk.v1.charges.retrieve_async(paid["charge"])
    assert "refunds" not in plain
    charge = await seller.sdk.v1.charges.retrieve_async(paid["charge"], {"expand": ["refunds"]})
    assert charge.refunds is not None
    assert [one.id for one in charge.refunds.data] == [refund.id]
