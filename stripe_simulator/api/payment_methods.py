"""`/v1/payment_methods`, and the payment method that a PaymentIntent call names or describes."""

from typing import Any

from stripe_simulator.api import listing, metadata
from stripe_simulator.api.call import Call
from stripe_simulator.errors import CardDeclined, InvalidParameter, MissingParameter, NoSuchObject, NotAllowed
from stripe_simulator.payments import cards
from stripe_simulator.payments.bank_debits import BANK_DEBITS
from stripe_simulator.payments.instrument import Billing, card_method, debit_method
from stripe_simulator.store.objects import Where
from stripe_simulator.store.record import Record

Json = dict[str, Any]

URL = "/v1/payment_methods"
KIND = "payment_method"
CARD_PREFIX = "pm_card_"
TOKEN_PREFIX = "tok_"  # noqa: S105
TEST_IBANS = {"AT611904300234573201": "bank_debit", "AT861904300235473202": "bank_debit_fails"}


async def create(call: Call) -> Json:
    method = _described(call, call.params, "")
    method.doc["metadata"] = metadata.fresh(call.params.get("metadata"))
    return method.doc


async def retrieve(call: Call) -> Json:
    return (await call.find(KIND, call.path["payment_method"], what="PaymentMethod")).doc


async def list_all(call: Call) -> Json:
    where = Where()
    if "customer" in call.params:
        where.columns["customer"] = call.params["customer"]
    if "type" in call.params:
        where.fields["type"] = call.params["type"]
    return await listing.page_of(call, KIND, URL, where)


async def update(call: Call) -> Json:
    method = await call.lock(KIND, call.path["payment_method"], what="PaymentMethod")
    method.doc["metadata"] = metadata.changed(method.doc["metadata"], call.params)
    if call.params.get("billing_details"):
        method.doc["billing_details"] = Billing.from_params(call.params["billing_details"]).shaped()
    return call.unit.put(method).doc


async def attach(call: Call) -> Json:
    """A test card's name is as good as an id: it makes a payment method of its own."""
    method_id = call.path["payment_method"]
    if method_id.startswith(CARD_PREFIX):
        method = _test_card(call, method_id, method_id.removeprefix(CARD_PREFIX), Billing())
    else:
        method = await call.lock(KIND, method_id, what="PaymentMethod")
    customer = await call.named("customer", "customer")
    if customer is None:
        raise MissingParameter("customer")
    if method.doc["customer"] is not None:
        raise NotAllowed("The payment method is attached to a customer already.")
    method.doc["customer"] = customer.id
    call.unit.put(method)
    call.unit.emit("payment_method.attached", method.doc)
    return method.doc


async def detach(call: Call) -> Json:
    method = await call.lock(KIND, call.path["payment_method"], what="PaymentMethod")
    if method.doc["customer"] is None:
        raise NotAllowed("The payment method is attached to no customer.")
    before = {"customer": method.doc["customer"]}
    method.doc["customer"] = None
    call.unit.put(method)
    call.unit.emit("payment_method.detached", method.doc, before)
    return method.doc


async def method_from_params(call: Call) -> Record | None:
    """The payment method of a PaymentIntent call: an id, a `pm_card_...` name, or `payment_method_data`."""
    given = call.params
    if given.get("payment_method_data"):
        return _described(call, given["payment_method_data"], "payment_method_data")
    method_id: str | None = given.get("payment_method")
    if method_id is None:
        return None
    if method_id.startswith(CARD_PREFIX):
        return _test_card(call, method_id, method_id.removeprefix(CARD_PREFIX), Billing())
    method = await call.unit.find(KIND, method_id)
    if method is None:
        raise NoSuchObject("PaymentMethod", method_id, param="payment_method", in_path=False)
    return method


def _described(call: Call, given: Json, where: str) -> Record:
    """A new payment method from its description: a card by token, or a bank account by test IBAN."""
    billing = Billing.from_params(given.get("billing_details"))
    kind: str | None = given.get("type")
    if kind is None:
        raise MissingParameter(f"{where}[type]" if where else "type")
    param = f"{where}[{kind}]" if where else kind
    details: Json = given.get(kind) or {}
    if kind == "card":
        return _card(call, details, param, billing)
    if kind == "sepa_debit":
        name = TEST_IBANS.get(str(details.get("iban", "")).replace(" ", ""))
        if name is None:
            raise InvalidParameter("This is no test IBAN.", code="invalid_bank_account_iban", param=f"{param}[iban]")
        return debit_method(call.unit, BANK_DEBITS[name], billing)
    raise InvalidParameter(f"The simulator knows card and sepa_debit, not {kind}.", param=param)


def _card(call: Call, details: Json, param: str, billing: Billing) -> Record:
    token: str | None = details.get("token")
    if token is not None:
        return _test_card(call, token, token.removeprefix(TOKEN_PREFIX), billing)
    if "number" not in details:
        raise MissingParameter(f"{param}[token]")
    raise CardDeclined(
        "Card numbers may not be sent to the API. Use a test payment method such as pm_card_visa.",
        code="card_declined",
        param=f"{param}[number]",
    )


def _test_card(call: Call, object_id: str, name: str, billing: Billing) -> Record:
    card = cards.by_name(name)
    if card is None:
        kind = "token" if object_id.startswith(TOKEN_PREFIX) else "PaymentMethod"
        raise NoSuchObject(kind, object_id, param="payment_method", in_path=False)
    return card_method(call.unit, card, billing)
