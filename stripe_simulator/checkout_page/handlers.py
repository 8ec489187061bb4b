"""The pages' addresses: show, pay, authenticate, redeem a code."""

from pathlib import Path
from typing import Any

from litestar import Request, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.response import File, Redirect, Response

from stripe_simulator.api.form import parse
from stripe_simulator.checkout.discount import redeem
from stripe_simulator.checkout.pay import Paid, payable_session
from stripe_simulator.checkout_page import entries as entered
from stripe_simulator.checkout_page import view
from stripe_simulator.checkout_page.countries import COUNTRIES
from stripe_simulator.checkout_page.entries import Entries
from stripe_simulator.checkout_page.render import page
from stripe_simulator.core import Core
from stripe_simulator.errors import NoSuchObject, StripeError
from stripe_simulator.payments.bank_debits import BANK_DEBITS
from stripe_simulator.store.record import Record
from stripe_simulator.store.unit import Unit

STYLES = Path(__file__).parent / "assets" / "page.css"
FORM_LIMIT = 20_000
NO_FORM = Entries(
    {
        "email": "",
        "method": "card",
        "debit": "bank_debit",
        "name": "",
        "country": "",
        "postal_code": "",
        "phone": "",
        "terms": "",
    }
)

Page = Response[Any]


@get("/c/assets/page.css", media_type="text/css")
async def styles() -> File:
    """The page's look."""
    return File(
        STYLES,
        content_disposition_type="inline",
        media_type="text/css",
        headers={"Cache-Control": "public, max-age=300"},
    )


@get("/c/pay/{session_id:str}")
async def show(core: NamedDependency[Core], session_id: FromPath[str]) -> Page:
    """The form, or where the session stands."""
    return _shown(await _session(core, session_id), NO_FORM)


@post("/c/pay/{session_id:str}", status_code=200)
async def submit(request: "Request[None, None, Any]", core: NamedDependency[Core], session_id: FromPath[str]) -> Page:
    """The buyer presses Pay."""
    form = await _form(request)
    session = await _session(core, session_id)
    if session.doc["status"] != "open":
        return _ended(session)
    entries = entered.read(form, session.doc, core.world.clock.now())
    if entries.payment is None:
        return _shown(session, entries, status=422)
    if entries.custom:
        await core.act(lambda unit: _keep_custom(core, unit, session_id, entries.custom))
    return _went_on(await core.pay(session_id, entries.payment, wait=True), entries)


@post("/c/pay/{session_id:str}/promotion", status_code=200)
async def promotion(
    request: "Request[None, None, Any]", core: NamedDependency[Core], session_id: FromPath[str]
) -> Page:
    """The buyer enters a promotion code."""
    code = (await _form(request)).get("code", "").strip()
    session = await _session(core, session_id)
    if session.doc["status"] != "open" or not session.doc["allow_promotion_codes"]:
        return _to_page(session_id)
    try:
        await core.act(lambda unit: _redeem(core, unit, session_id, code))
    except StripeError:
        errors = {"code": "This code is not valid."}
        return _shown(session, Entries(NO_FORM.kept, errors=errors), status=422)
    return _to_page(session_id)


@get("/c/pay/{session_id:str}/authenticate")
async def challenge(core: NamedDependency[Core], session_id: FromPath[str]) -> Page:
    """The bank's page: is it really you?"""
    session = await _session(core, session_id)
    intent = await core.world.unit().find("payment_intent", session.doc["payment_intent"] or "")
    if session.doc["status"] != "open" or intent is None or intent.doc["status"] != "requires_action":
        return _to_page(session_id)
    return page(
        "challenge.html",
        seller=view.seller_name(session.doc),
        total=view.total_of(session.doc),
        leads_to=view.site_of(session.doc["success_url"]),
    )


@post("/c/pay/{session_id:str}/authenticate", status_code=200)
async def answer_challenge(
    request: "Request[None, None, Any]", core: NamedDependency[Core], session_id: FromPath[str]
) -> Page:
    """Complete or Fail was pressed."""
    proved = (await _form(request)).get("outcome") == "complete"
    return _went_on(await core.authenticate(session_id, proved=proved, wait=True), NO_FORM)


def _went_on(paid: Paid, entries: Entries) -> Page:
    if paid.outcome == "requires_action":
        return Redirect(f"/c/pay/{paid.session.id}/authenticate", status_code=303)
    if paid.outcome == "declined":
        return _shown(paid.session, entries, declined=paid.message, status=402)
    return _ended(paid.session, just_paid=True)


def _ended(session: Record, *, just_paid: bool = False) -> Page:
    """A second press of Pay lands where the first one did."""
    if session.doc["status"] == "complete" and session.doc["success_url"]:
        return Redirect(view.success_url(session.doc), status_code=303)
    return _shown(session, NO_FORM, status=200 if just_paid else 409)


def _shown(session: Record, entries: Entries, *, declined: str | None = None, status: int = 200) -> Page:
    doc = session.doc
    seller = view.seller_name(doc)
    if doc["status"] == "expired":
        return page("expired.html", seller=seller, back=doc["cancel_url"])
    if doc["status"] == "complete":
        on = view.success_url(doc) if doc["success_url"] else None
        return page("completed.html", seller=seller, total=view.total_of(doc), on=on)
    if doc["url"] is None:
        raise NoSuchObject("checkout.session", session.id)
    return page(
        "pay.html",
        status=status,
        leads_to=view.site_of(doc["success_url"]),
        session=doc,
        seller=seller,
        lines=view.lines_of(session),
        total=view.total_of(doc),
        discount=view.discount_of(doc),
        button=view.submit_words(doc),
        countries=COUNTRIES,
        debits=list(BANK_DEBITS.values()),
        handy_cards=view.HANDY_CARDS,
        kept=entries.kept,
        custom=entries.custom,
        errors=entries.errors,
        declined=declined,
    )


async def _session(core: Core, session_id: str) -> Record:
    return await core.act(lambda unit: payable_session(core.world, unit, session_id))


async def _keep_custom(core: Core, unit: Unit, session_id: str, given: dict[str, str]) -> None:
    session = await payable_session(core.world, unit, session_id)
    for custom in session.doc["custom_fields"]:
        custom[custom["type"]]["value"] = given.get(custom["key"]) or None
    unit.put(session)


async def _redeem(core: Core, unit: Unit, session_id: str, code: str) -> None:
    session = await payable_session(core.world, unit, session_id)
    await redeem(unit, session, code)


def _to_page(session_id: str) -> Redirect:
    return Redirect(f"/c/pay/{session_id}", status_code=303)


async def _form(request: "Request[None, None, Any]") -> dict[str, str]:
    body = (await request.body())[:FORM_LIMIT].decode("utf-8", "replace")
    return {name: value for name, value in parse(body).items() if isinstance(value, str)}


def not_found(_request: "Request[Any, Any, Any]", _error: NoSuchObject) -> Page:
    """No such session."""
    return page("missing.html", status=404)


HANDLERS = [styles, show, submit, promotion, challenge, answer_challenge]
