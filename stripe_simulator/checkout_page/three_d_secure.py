"""The 3-D Secure page of a PaymentIntent that was confirmed through the API: `/3ds/{payment_intent}`."""

from typing import Any
from urllib.parse import urlencode, urlsplit

from litestar import Request, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.response import Redirect, Response

from stripe_simulator import money
from stripe_simulator.api.form import parse
from stripe_simulator.checkout_page import view
from stripe_simulator.checkout_page.render import page
from stripe_simulator.core import Core
from stripe_simulator.errors import NoSuchObject
from stripe_simulator.payments.attempt import Attempting, attempt, fail_authentication
from stripe_simulator.store.record import Record
from stripe_simulator.store.unit import Unit

KIND = "payment_intent"


@get("/3ds/{intent_id:str}")
async def show(core: NamedDependency[Core], intent_id: FromPath[str]) -> Response[Any]:
    """The bank's question."""
    intent = await _intent(core.world.unit(), intent_id, locked=False)
    if intent.doc["status"] != "requires_action":
        return _back(intent)
    total = money.display(intent.doc["amount"], intent.doc["currency"])
    return page(
        "challenge.html",
        seller="Simulated account",
        total=total,
        leads_to=view.site_of(intent.hidden.get("return_url")),
    )


@post("/3ds/{intent_id:str}", status_code=200)
async def answer(
    request: "Request[None, None, Any]", core: NamedDependency[Core], intent_id: FromPath[str]
) -> Response[Any]:
    """Complete or Fail was pressed."""
    proved = parse((await request.body()).decode()).get("outcome") == "complete"

    async def verb(unit: Unit) -> Record:
        intent = await _intent(unit, intent_id, locked=True)
        if intent.doc["status"] != "requires_action":
            return intent
        method = await unit.find("payment_method", intent.doc["payment_method"])
        assert method is not None
        trying = Attempting(unit, core.world.settings, intent, method, authenticated=True)
        if proved:
            attempt(trying)
        else:
            fail_authentication(trying)
        return intent

    return _back(await core.act(verb))


async def _intent(unit: Unit, intent_id: str, *, locked: bool) -> Record:
    found = await (unit.lock(KIND, intent_id) if locked else unit.find(KIND, intent_id))
    if found is None or found.hidden.get("return_url") is None:
        raise NoSuchObject(KIND, intent_id)
    return found


def _back(intent: Record) -> Redirect:
    """To the seller's page, which is told how it went."""
    url: str = intent.hidden["return_url"]
    failed = intent.doc["status"] == "requires_payment_method"
    told = urlencode(
        {
            "payment_intent": intent.id,
            "payment_intent_client_secret": intent.doc["client_secret"],
            "redirect_status": "failed" if failed else "succeeded",
        }
    )
    return Redirect(f"{url}{'&' if urlsplit(url).query else '?'}{told}", status_code=303)


HANDLERS = [show, answer]
