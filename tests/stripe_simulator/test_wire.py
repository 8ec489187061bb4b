"""The wire: keys, versions, headers, the error envelope, forms."""

from typing import Any

import pytest
import stripe

from stripe_simulator.api.form import parse
from tests.stripe_simulator.seller import KEY, VERSION, Seller


@pytest.mark.parametrize(
    ("form", "tree"),
    [
        ("a=1&b=", {"a": "1", "b": ""}),
        ("a[b][c]=1&a[b][d]=2", {"a": {"b": {"c": "1", "d": "2"}}}),
        ("a[0]=x&a[1]=y", {"a": ["x", "y"]}),
        ("a[]=x&a[]=y", {"a": ["x", "y"]}),
        ("a[1][b]=2&a[0][b]=1", {"a": [{"b": "1"}, {"b": "2"}]}),
        ("a[][b]=1&a[][c]=2&a[][b]=3", {"a": [{"b": "1", "c": "2"}, {"b": "3"}]}),
        ("a[][p][x]=1&a[][p][y]=2&a[][q]=5", {"a": [{"p": {"x": "1", "y": "2"}, "q": "5"}]}),
        ("metadata[17]=x", {"metadata": {"17": "x"}}),
        ("u=%7BCHECKOUT_SESSION_ID%7D+x", {"u": "{CHECKOUT_SESSION_ID} x"}),
    ],
)
def test_forms(form: str, tree: dict[str, object]) -> None:
    assert parse(form) == tree


async def test_answers_carry_the_documented_headers(seller: Seller) -> None:
    plain = await seller.get("/v1/account")
    assert plain.headers["request-id"].startswith("req_")
    assert plain.headers["stripe-version"] == VERSION
    assert plain.headers["content-type"] == "application/json"
    assert "idempotency-key" not in plain.headers
    old = await seller.web.get("/v1/account", auth=(KEY, ""), headers={"Stripe-Version": "2025-03-31.basil"})
    assert old.headers["stripe-version"] == "2025-03-31.basil"


async def test_a_version_that_never_was_is_refused(seller: Seller) -> None:
    for version in ("2031-01-01.future", "yesterday"):
        answer = await seller.web.get("/v1/account", auth=(KEY, ""), headers={"Stripe-Version": version})
        assert answer.status_code == 400
        assert "Invalid Stripe API version" in answer.json()["error"]["message"]


@pytest.mark.parametrize(
    ("headers", "status", "words"),
    [
        ({}, 401, "You did not provide an API key"),
        ({"Authorization": "Bearer sk_live_1234567890abcdef"}, 401, "live key"),
        ({"Authorization": "Bearer rk_live_1234567890abcdef"}, 401, "live key"),
        ({"Authorization": "Bearer nonsense"}, 401, "Invalid API Key"),
        ({"Authorization": "Basic !!!"}, 401, "You did not provide"),
        ({"Authorization": "Bearer pk_test_1234567890abcdef"}, 403, "publishable key"),
        ({"Authorization": "Bearer rk_test_1234567890abcdef"}, 200, ""),
    ],
)
async def test_keys(seller: Seller, headers: dict[str, str], status: int, words: str) -> None:
    answer = await seller.web.get("/v1/charges", headers=headers)
    assert answer.status_code == status
    if status != 200:
        assert words in answer.json()["error"]["message"]
        assert answer.json()["error"]["type"] == "invalid_request_error"


async def test_a_key_is_not_repeated(seller: Seller) -> None:
    answer = await seller.web.get("/v1/charges", headers={"Authorization": "Bearer sk_wrong_abcdefghijkl"})
    assert "abcdefgh" not in answer.text


async def test_an_unknown_parameter_is_refused_by_name(seller: Seller) -> None:
    answer = await seller.post("/v1/refunds", {"nonsense": "1", "also[this]": "2"})
    error = answer.json()["error"]
    assert answer.status_code == 400
    assert error["code"] == "parameter_unknown"
    assert error["message"] == "Received unknown parameters: nonsense, also"
    assert error["param"] == "nonsense"
    single = await seller.get("/v1/events", nonsense="1")
    assert single.json()["error"]["message"] == "Received unknown parameter: nonsense"


async def test_empty_fields_are_left_out_of_errors(seller: Seller) -> None:
    error = (await seller.get("/v1/nowhere")).json()["error"]
    assert None not in error.values()
    assert "Unrecognized request URL (GET: /v1/nowhere)" in error["message"]


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("/v1/customers/cus_x", "No such customer: 'cus_x'"),
        ("/v1/payment_intents/pi_x", "No such payment_intent: 'pi_x'"),
        ("/v1/checkout/sessions/cs_x", "No such checkout.session: 'cs_x'"),
        ("/v1/refunds/re_x", "No such refund: 're_x'"),
        ("/v1/events/evt_x", "No such event: 'evt_x'"),
        ("/v1/disputes/du_x", "No such dispute: 'du_x'"),
    ],
)
async def test_an_id_that_names_nothing_is_404(seller: Seller, path: str, message: str) -> None:
    answer = await seller.get(path)
    assert answer.status_code == 404
    assert answer.json()["error"]["code"] == "resource_missing"
    assert answer.json()["error"]["message"] == message


async def test_method_types_belong_to_older_versions(seller: Seller) -> None:
    with pytest.raises(stripe.InvalidRequestError) as refused:
        await seller.session(payment_method_types=["card"])
    assert refused.value.code == "parameter_unknown"
    older: Any = {"amount": 500, "currency": "eur", "payment_method_types": ["card"]}
    with pytest.raises(stripe.InvalidRequestError) as refused:
        await seller.sdk.v1.payment_intents.create_async(older)
    assert refused.value.code == "payment_method_types_no_longer_supported"
    form = {"amount": "500", "currency": "eur", "payment_method_types[]": "card"}
    assert (await seller.post("/v1/payment_intents", form)).status_code == 200
    dahlia = await seller.post("/v1/payment_intents", form, **{"Stripe-Version": "2026-08-26.dahlia"})
    assert dahlia.json()["payment_method_types"] == ["card"]


async def test_the_filter_of_the_newest_version_is_honoured(seller: Seller) -> None:
    session = await seller.session(allowed_payment_method_types=["card"])
    assert session.payment_method_types == ["card"]
    other = await seller.session(excluded_payment_method_types=["sepa_debit"])
    assert other.payment_method_types == ["card"]


async def test_the_account_is_a_test_account(seller: Seller) -> None:
    account = await seller.read("account", "/v1/account")
    assert account["id"].startswith("acct_1")
    assert len(account["id"]) == len("acct_") + 16


async def test_the_rate_limit_can_be_switched_on(seller: Seller) -> None:
    await seller.control("faults", fault="rate_limit", match="POST /v1/refunds")
    with pytest.raises(stripe.RateLimitError) as refused:
        await seller.sdk.v1.refunds.create_async({"charge": "ch_x"})
    assert (refused.value.headers or {})["stripe-rate-limited-reason"] == "endpoint-rate"


async def test_other_accounts_are_out_of_reach(seller: Seller) -> None:
    answer = await seller.web.get("/v1/account", auth=(KEY, ""), headers={"Stripe-Account": "acct_of_another"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "account_invalid")
    form = {"amount": "500", "currency": "eur", "transfer_data[destination]": "acct_of_another"}
    assert (await seller.post("/v1/payment_intents", form)).json()["error"]["param"] == "transfer_data"


async def test_monstrous_requests_are_refused(seller: Seller) -> None:
    deep = await seller.post("/v1/customers", {"metadata" + "[x]" * 500: "1"})
    assert "levels deep" in deep.json()["error"]["message"]
    wide = await seller.web.post("/v1/customers", content="a=1&" * 20_001 + "a=1", auth=(KEY, ""))
    assert wide.status_code == 400
    assert wide.json()["error"]["type"] == "invalid_request_error"


async def test_the_limit_can_be_changed_while_it_runs(seller: Seller) -> None:
    await seller.control("rate_limit", per_second=2)
    assert [(await seller.get("/v1/account")).status_code for _ in range(3)] == [200, 200, 429]
    await seller.control("rate_limit", per_second=None)
    assert (await seller.get("/v1/account")).status_code == 200


async def test_a_shipping_address_gets_its_whole_shape(seller: Seller) -> None:
    form = {"amount": "500", "currency": "eur", "shipping[name]": "Ada", "shipping[address][line1]": "1 Quay"}
    made = (await seller.post("/v1/payment_intents", form)).json()
    document = await seller.read("payment_intent", f"/v1/payment_intents/{made['id']}")
    assert document["shipping"]["address"]["city"] is None
