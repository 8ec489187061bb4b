"""Pay, authenticate, settle, expire or distort a Checkout Session without a browser."""

from typing import Any, Literal

import msgspec
from litestar import post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody

from stripe_simulator.checkout.expire import expire
from stripe_simulator.checkout.pay import Paid, Payment, payable_session
from stripe_simulator.control.problem import ControlProblem
from stripe_simulator.core import Core
from stripe_simulator.payments import cards
from stripe_simulator.payments.bank_debits import BANK_DEBITS, BankDebit
from stripe_simulator.payments.cards import TestCard
from stripe_simulator.payments.instrument import Billing
from stripe_simulator.payments.settle import settle
from stripe_simulator.store.unit import Unit

Json = dict[str, Any]


class PayRequest(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """`card` is a test number, a `pm_card_` name, `bank_debit` or `bank_debit_fails`."""

    card: str = "4242424242424242"
    email: str = "ada@example.com"
    name: str = "Ada Example"
    country: str = "IE"
    postal_code: str | None = "D02 X285"
    three_d_secure: Literal["complete", "fail", "leave"] = "complete"
    wait: bool = True


class SettleRequest(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """How a delayed payment ends; None as its test account says."""

    outcome: Literal["succeeded", "failed"] | None = None


class AmendRequest(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """What a seller never sees happen: a session that says something else than what was ordered."""

    amount_total: int | None = None
    currency: str | None = None
    client_reference_id: str | None = None
    metadata: dict[str, str] | None = None


@post("/checkout/sessions/{session_id:str}/pay", status_code=200)
async def pay_session(core: NamedDependency[Core], session_id: FromPath[str], data: JSONBody[PayRequest]) -> Json:
    """The buyer fills in the page and presses Pay; a 3-D Secure challenge is answered as asked."""
    billing = Billing(email=data.email, name=data.name, country=data.country, postal_code=data.postal_code)
    payment = Payment(means=means_named(data.card), billing=billing)
    paid = await core.pay(session_id, payment, wait=data.wait)
    if paid.outcome == "requires_action" and data.three_d_secure != "leave":
        paid = await core.authenticate(session_id, proved=data.three_d_secure == "complete", wait=data.wait)
    return described(paid)


@post("/checkout/sessions/{session_id:str}/authenticate", status_code=200)
async def authenticate_session(
    core: NamedDependency[Core], session_id: FromPath[str], outcome: FromQuery[Literal["complete", "fail"]] = "complete"
) -> Json:
    """The buyer answers a challenge that was left open."""
    return described(await core.authenticate(session_id, proved=outcome == "complete", wait=True))


@post("/checkout/sessions/{session_id:str}/settle", status_code=200)
async def settle_session(core: NamedDependency[Core], session_id: FromPath[str], data: JSONBody[SettleRequest]) -> Json:
    """The money of a delayed payment method arrives or comes back, now."""

    async def verb(unit: Unit) -> Json:
        session = await payable_session(core.world, unit, session_id)
        intent_id = session.doc["payment_intent"]
        if intent_id is None or not await settle(unit, intent_id, outcome=data.outcome):
            raise ControlProblem("Nothing of this session waits to be settled.", 409)
        settled = await unit.lock("checkout.session", session_id)
        return settled.doc if settled else session.doc

    return await core.act(verb)


@post("/checkout/sessions/{session_id:str}/expire", status_code=200)
async def expire_session(core: NamedDependency[Core], session_id: FromPath[str]) -> Json:
    """The session's time is over, now."""

    async def verb(unit: Unit) -> Json:
        session = await payable_session(core.world, unit, session_id)
        if session.doc["status"] == "open":
            await expire(core.world, unit, session)
        return session.doc

    return await core.act(verb)


@post("/checkout/sessions/{session_id:str}/amend", status_code=200)
async def amend_session(core: NamedDependency[Core], session_id: FromPath[str], data: JSONBody[AmendRequest]) -> Json:
    """Make a session differ from what its seller asked for, to see whether the seller notices."""

    async def verb(unit: Unit) -> Json:
        session = await payable_session(core.world, unit, session_id)
        session.doc.update({name: value for name, value in msgspec.to_builtins(data).items() if value is not None})
        return unit.put(session).doc

    return await core.act(verb)


def means_named(name: str) -> TestCard | BankDebit:
    """The test card or bank account behind a name or number; any other number is declined."""
    plain = name.replace(" ", "")
    if plain in BANK_DEBITS:
        return BANK_DEBITS[plain]
    known = cards.BY_NUMBER.get(plain) or cards.by_name(plain.removeprefix("pm_card_").removeprefix("tok_"))
    if known is not None:
        return known
    if plain.isdigit():
        return cards.unlisted(plain)
    raise ControlProblem(f"No test card is called {name!r}.")


def described(paid: Paid) -> Json:
    """What came of pressing Pay."""
    intent = paid.intent.doc if paid.intent else None
    return {
        "outcome": paid.outcome,
        "message": paid.message,
        "status": paid.session.doc["status"],
        "payment_status": paid.session.doc["payment_status"],
        "session": paid.session.id,
        "payment_intent": intent["id"] if intent else None,
        "payment_intent_status": intent["status"] if intent else None,
        "charge": intent["latest_charge"] if intent else None,
    }


HANDLERS = [pay_session, authenticate_session, settle_session, expire_session, amend_session]
