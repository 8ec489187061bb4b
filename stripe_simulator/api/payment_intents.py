"""`/v1/payment_intents`."""

from typing import Any

from stripe_simulator import money
from stripe_simulator.api import listing, metadata
from stripe_simulator.api.call import Call
from stripe_simulator.api.payment_methods import method_from_params
from stripe_simulator.errors import (
    CardDeclined,
    InvalidParameter,
    NoSuchObject,
    NotAllowed,
    StripeError,
)
from stripe_simulator.payments.attempt import Attempting, attempt, message_of
from stripe_simulator.payments.cancel import cancel_intent
from stripe_simulator.payments.intent import COPIED, copied, new_intent, refuse_connected
from stripe_simulator.payments.refund import release_charge
from stripe_simulator.payments.settle import capture as capture_payment
from stripe_simulator.payments.settle import lock_payment
from stripe_simulator.store.objects import Where
from stripe_simulator.store.record import Record

Json = dict[str, Any]

URL = "/v1/payment_intents"
KIND = "payment_intent"
OPEN = frozenset({"requires_payment_method", "requires_confirmation", "requires_action"})
CANCELABLE = OPEN | {"requires_capture", "processing"}


async def create(call: Call) -> Json:
    given = call.params
    _refuse_method_types(call)
    refuse_connected(given)
    customer = await call.named("customer", "customer")
    _check_amount(given["amount"], given["currency"])
    intent = new_intent(
        call.unit,
        given,
        amount=given["amount"],
        currency=given["currency"],
        customer=customer.id if customer else None,
    )
    intent.doc["payment_method_types"] = given.get("payment_method_types") or ["card", "sepa_debit"]
    method = await method_from_params(call)
    if method is not None:
        intent.doc.update(payment_method=method.id, status="requires_confirmation")
    call.unit.emit("payment_intent.created", intent.doc)
    if given.get("confirm"):
        return await _confirm(call, intent, method)
    return intent.doc


async def retrieve(call: Call) -> Json:
    return (await call.find(KIND, call.path["intent"])).doc


async def list_all(call: Call) -> Json:
    columns = {"customer": call.params["customer"]} if "customer" in call.params else {}
    return await listing.page_of(call, KIND, URL, Where(columns=columns))


async def update(call: Call) -> Json:
    intent = await call.lock(KIND, call.path["intent"])
    given = call.params
    _refuse_method_types(call)
    doc = intent.doc
    if ("amount" in given or "currency" in given) and doc["status"] not in OPEN:
        raise unexpected_state(intent, "its amount cannot be changed any more")
    if "amount" in given or "currency" in given:
        _refuse_from_checkout(intent)
        doc.update(amount=given.get("amount", doc["amount"]), currency=given.get("currency", doc["currency"]))
        _check_amount(doc["amount"], doc["currency"])
    customer = await call.named("customer", "customer")
    if customer is not None:
        doc["customer"] = customer.id
    refuse_connected(given)
    doc.update({name: None for name in COPIED if name in given} | copied(given))
    doc["metadata"] = metadata.changed(doc["metadata"], given)
    method = await method_from_params(call)
    if method is not None:
        doc.update(payment_method=method.id, status="requires_confirmation")
    return call.unit.put(intent).doc


async def confirm(call: Call) -> Json:
    intent = await call.lock(KIND, call.path["intent"])
    _refuse_method_types(call)
    _refuse_from_checkout(intent)
    if intent.doc["status"] not in OPEN:
        raise unexpected_state(intent, "it cannot be confirmed")
    method = await method_from_params(call)
    if method is None and intent.doc["payment_method"] is not None:
        method = await call.unit.find("payment_method", intent.doc["payment_method"])
    return await _confirm(call, intent, method)


async def cancel(call: Call) -> Json:
    session, found = await lock_payment(call.unit, call.path["intent"])
    intent = _found(found, call.path["intent"])
    if intent.doc["status"] not in CANCELABLE:
        raise unexpected_state(intent, "it cannot be canceled")
    if session is not None and intent.doc["status"] != "requires_capture":
        raise NotAllowed("A PaymentIntent of a Checkout Session ends with its session: expire the session instead.")
    if intent.doc["status"] == "processing":
        raise unexpected_state(intent, "the bank is already working on it")
    charge_id = intent.doc["latest_charge"]
    if intent.doc["status"] == "requires_capture" and charge_id:
        charge = await call.unit.lock("charge", charge_id)
        assert charge is not None
        release_charge(call.unit, charge)
        call.unit.emit("charge.refunded", charge.doc, {"amount_refunded": 0, "refunded": False})
    cancel_intent(call.unit, intent, reason=call.params.get("cancellation_reason"))
    return intent.doc


async def capture(call: Call) -> Json:
    session, found = await lock_payment(call.unit, call.path["intent"])
    intent = _found(found, call.path["intent"])
    if intent.doc["status"] != "requires_capture":
        raise unexpected_state(intent, "it cannot be captured")
    capturable: int = intent.doc["amount_capturable"]
    amount: int = call.params.get("amount_to_capture", capturable)
    if not 1 <= amount <= capturable:
        raise NotAllowed(
            f"The amount to capture must be between 1 and {capturable}.",
            code="amount_too_large" if amount > capturable else "parameter_invalid_integer",
            param="amount_to_capture",
        )
    await capture_payment(call.unit, session, intent, amount)
    return intent.doc


def unexpected_state(intent: Record, why: str) -> StripeError:
    """The refusal that carries the whole PaymentIntent."""
    return NotAllowed(
        f"This PaymentIntent has a status of {intent.doc['status']}: {why}.",
        code="payment_intent_unexpected_state",
        payment_intent=intent.doc,
    )


async def _confirm(call: Call, intent: Record, method: Record | None) -> Json:
    given = call.params
    if method is None:
        raise unexpected_state(intent, "it needs a payment method to be confirmed")
    for name in ("receipt_email", "shipping", "setup_future_usage"):
        if name in given:
            intent.doc[name] = given[name]
    intent.hidden["return_url"] = given.get("return_url")
    off_session = bool(given.get("off_session"))
    trying = Attempting(call.unit, call.world.settings, intent, method, off_session=off_session)
    result = attempt(trying)
    if result.outcome == "requires_action":
        intent.doc["next_action"] = _redirect(call, intent)
    if result.outcome == "processing":
        trying.emit("payment_intent.processing")
    if result.decline is None:
        return intent.doc
    raise CardDeclined(
        message_of(result.decline),
        code=result.decline.code,
        charge=result.charge.id if result.charge else None,
        decline_code=result.decline.decline_code,
        payment_intent=intent.doc,
        payment_method=method.doc,
    )


def _redirect(call: Call, intent: Record) -> Json:
    """Where the buyer proves who they are: a page of the simulator's, or the seller's own script."""
    return_url = intent.hidden["return_url"]
    if return_url is None:
        return {"type": "use_stripe_sdk", "use_stripe_sdk": {"type": "three_d_secure_redirect"}}
    url = f"{call.world.settings.base_url}/3ds/{intent.id}"
    return {"redirect_to_url": {"return_url": return_url, "url": url}, "type": "redirect_to_url"}


def _found(intent: Record | None, intent_id: str) -> Record:
    if intent is None:
        raise NoSuchObject(KIND, intent_id)
    return intent


def _refuse_from_checkout(intent: Record) -> None:
    if intent.hidden.get("checkout_session"):
        raise NotAllowed("This PaymentIntent was made by Checkout: only its Checkout Session can change or confirm it.")


def _refuse_method_types(call: Call) -> None:
    if call.is_endive and "payment_method_types" in call.params:
        raise InvalidParameter(
            "`payment_method_types` is no longer supported. Use `allowed_payment_method_types` or leave it out.",
            code="payment_method_types_no_longer_supported",
            param="payment_method_types",
        )


def _check_amount(amount: int, currency: str) -> None:
    if amount < 1:
        raise InvalidParameter(
            "This value must be greater than or equal to 1.", code="parameter_invalid_integer", param="amount"
        )
    smallest = money.smallest_charge(currency)
    if amount < smallest:
        raise InvalidParameter(
            f"Amount must be at least {money.display(smallest, currency)} {currency}",
            code="amount_too_small",
            param="amount",
        )
    if amount > money.LARGEST_AMOUNT:
        raise InvalidParameter(
            f"Amount must be no more than {money.display(money.LARGEST_AMOUNT, currency)}",
            code="amount_too_large",
            param="amount",
        )
