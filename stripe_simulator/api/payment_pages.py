"""`/v1/payment_pages`: the hosted page's own API, which Stripe's command line uses to pay a session."""

from typing import Any

from stripe_simulator.api.call import Call
from stripe_simulator.api.payment_methods import method_from_params
from stripe_simulator.checkout.pay import Payment, pay
from stripe_simulator.checkout.pay import payable_session as session_for_buyer
from stripe_simulator.errors import CardDeclined, MissingParameter, NotAllowed
from stripe_simulator.payments.instrument import Billing

Json = dict[str, Any]


async def retrieve(call: Call) -> Json:
    session = await session_for_buyer(call.world, call.unit, call.path["session"])
    return _page(session.doc)


async def confirm(call: Call) -> Json:
    session = await session_for_buyer(call.world, call.unit, call.path["session"])
    if session.doc["status"] != "open":
        raise NotAllowed(f"This Checkout Session has a status of `{session.doc['status']}`.")
    expected = call.params.get("expected_amount")
    if expected is not None and expected != session.doc["amount_total"]:
        raise NotAllowed("The amount has changed.", code="checkout_amount_mismatch", param="expected_amount")
    method = await method_from_params(call)
    if method is None and session.doc["amount_total"]:
        raise MissingParameter("payment_method")
    billing = Billing(email=call.params.get("email") or session.doc["customer_email"])
    call.unit.put(session)
    paid = await pay(call.world, call.unit, session.id, Payment(means=method, billing=billing))
    if paid.outcome != "declined":
        return _page(paid.session.doc)
    error: Json = paid.intent.doc["last_payment_error"] if paid.intent else {}
    raise CardDeclined(
        paid.message or "The payment was declined.",
        code=error.get("code"),
        charge=error.get("charge"),
        decline_code=error.get("decline_code"),
        payment_intent=paid.intent.doc if paid.intent else None,
    )


def _page(session: Json) -> Json:
    return {
        "id": session["id"].replace("cs_test", "ppage"),
        "object": "checkout.session",
        "session_id": session["id"],
        "currency": session["currency"],
        "livemode": False,
        "mode": session["mode"],
        "payment_intent": session["payment_intent"],
        "payment_status": session["payment_status"],
        "state": "active" if session["status"] == "open" else session["status"],
        "status": session["status"],
        "total_summary": {
            "due": session["amount_total"],
            "subtotal": session["amount_subtotal"],
            "total": session["amount_total"],
        },
    }
