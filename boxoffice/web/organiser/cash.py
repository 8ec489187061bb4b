"""`/organiser/events/{slug}/door/cash/{code}`: the cash of a cancelled night's order is handed back."""

from typing import Any
from urllib.parse import quote

from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath

from boxoffice.accounts.organisation import ORGANISER
from boxoffice.box import BoxOffice
from boxoffice.door.cash_owed import cash_sale, hand_back
from boxoffice.door.device import device_label
from boxoffice.edge.forms import Typed, read_form
from boxoffice.edge.render import page, see_other
from boxoffice.edge.visitor import night_of_member
from boxoffice.foundation.problems import Unprocessable
from boxoffice.orders.give_cash_back import REASON_LENGTH_MAX, NotCash, WentBackBefore, read_reason

REASON = "The night is cancelled"


@get("/organiser/events/{slug:str}/door/cash/{code:str}", include_in_schema=False)
async def show_cash(
    request: Request[Any, Any, Any], box: NamedDependency[BoxOffice], slug: FromPath[str], code: FromPath[str]
) -> Response[str]:
    """How much goes back to whom, before it is booked; or that it was. Raises SignInFirst, NotFound."""
    return await _page(request, box, slug, code, fields=Typed(reason=REASON))


@post("/organiser/events/{slug:str}/door/cash/{code:str}", include_in_schema=False, status_code=303)
async def book_cash(
    request: Request[Any, Any, Any], box: NamedDependency[BoxOffice], slug: FromPath[str], code: FromPath[str]
) -> Response[str]:
    """Books it as handed back, once for however many presses and people. Raises SignInFirst, NotFound."""
    fields = await read_form(request, ("reason",))
    try:
        async with box.db.transaction() as connection:
            night = await night_of_member(connection, box.settings, request, slug, (ORGANISER,))
            sale = await hand_back(connection, night.id, code, read_reason(fields["reason"]), night.person_id)
    except (NotCash, Unprocessable) as problem:
        return await _page(request, box, slug, code, fields=fields, problem=problem)
    return see_other(f"/organiser/events/{night.slug}/door?cash={quote(sale.code)}#handed-back")


async def _page(
    request: Request[Any, Any, Any],
    box: BoxOffice,
    slug: str,
    code: str,
    *,
    fields: Typed,
    problem: NotCash | Unprocessable | None = None,
) -> Response[str]:
    """A sale that went back before says so itself: by whom and when."""
    sale, view = None, None
    async with box.db.transaction() as connection:
        night = await night_of_member(connection, box.settings, request, slug, (ORGANISER,))
        try:
            sale, view = await cash_sale(connection, night.id, code)
        except NotCash as refusal:
            problem = refusal
    return page(
        box.settings,
        "organiser_cash.html",
        status=problem.status if problem else 200,
        night=night,
        sale=sale,
        view=view,
        label=device_label,
        fields=fields,
        wrong=problem.errors[0].detail if isinstance(problem, Unprocessable) else "",
        refusal=problem.detail if isinstance(problem, NotCash) and not isinstance(problem, WentBackBefore) else "",
        reason_length_max=REASON_LENGTH_MAX,
    )
