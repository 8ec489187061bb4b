"""`/organiser`: the nights of the organisations that a person is a member of."""

from typing import Any

from litestar import Request, Response, get
from litestar.di import NamedDependency

from boxoffice.accounts.organisation import nights_of_member
from boxoffice.box import BoxOffice
from boxoffice.edge.render import page
from boxoffice.edge.visitor import SignInFirst, signed_in


@get("/organiser", include_in_schema=False)
async def show_nights(request: Request[Any, Any, Any], box: NamedDependency[BoxOffice]) -> Response[str]:
    """What is to come, then what was. Raises SignInFirst."""
    async with box.db.transaction() as connection:
        person = await signed_in(connection, box.settings, request)
        if person is None:
            raise SignInFirst
        nights = await nights_of_member(connection, person)
    coming = [night for night in nights if not night.is_over]
    past = [night for night in reversed(nights) if night.is_over]
    return page(box.settings, "organiser.html", person=person, coming=coming, past=past)
