"""Whoever wanted to see a night they run, and had to sign in first, comes back to it."""

import re
from typing import Any

from litestar import Request, Response

from boxoffice.box import BoxOffice
from boxoffice.edge.cookies import cookie, cookie_value
from boxoffice.edge.forms import Typed
from boxoffice.edge.render import page
from boxoffice.settings import Settings

BACK = "organiser_back"
BACK_SECONDS = 3600
ALL_NIGHTS = "-"
SLUG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
"""The cookie holds a slug and no address, so that nobody can be sent anywhere else."""


def sign_in_page(box: BoxOffice, slug: str) -> Response[str]:
    """The form that signs in. This browser remembers where to go afterwards, by code and by link alike."""
    where = slug if SLUG.fullmatch(slug) else ALL_NIGHTS
    cookies = [cookie(box.settings, BACK, where, BACK_SECONDS)]
    return page(box.settings, "sign_in.html", cookies=cookies, fields=Typed(), problem=None, runs_nights=True)


def goes_back(settings: Settings, request: Request[Any, Any, Any]) -> str | None:
    """Where this browser wanted to go before it signed in; None: nowhere in particular."""
    where = cookie_value(settings, request, BACK)
    if where == ALL_NIGHTS:
        return "/organiser"
    return f"/organiser/events/{where}/door" if SLUG.fullmatch(where) else None
