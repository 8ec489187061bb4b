"""Signing in by mail: ask for a code, type it, or press the button behind the mailed link; and signing out."""

import secrets
from typing import Any

from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromQuery

from boxoffice.accounts.login import (
    MAIL_JOB,
    LoginMail,
    LoginRefused,
    LoginTooOften,
    SignedIn,
    confirm_code,
    confirm_link,
    link_refusal,
    request_login,
)
from boxoffice.accounts.sessions import close_session
from boxoffice.box import BoxOffice
from boxoffice.edge.client_address import client_address
from boxoffice.edge.cookies import cookie, cookie_value, forgotten
from boxoffice.edge.forms import Typed, read_form
from boxoffice.edge.render import page, retry_after, see_other
from boxoffice.edge.visitor import SESSION, SESSION_SECONDS
from boxoffice.foundation.email_address import read_email
from boxoffice.foundation.problems import Problem, Unprocessable
from boxoffice.web.account.back import BACK, goes_back
from boxoffice.worker.tick import run_at_once

BROWSER = "browser"
BROWSER_SECONDS = 24 * 3600
LINK_SECRET_LENGTH_MAX = 100
# What this browser kept of the tickets goes too, so that the next person at it sees none.
NOTHING_KEPT = {"Clear-Site-Data": '"cache", "storage"'}


@get(["/tickets/login", "/tickets/code", "/tickets/sign-out"], include_in_schema=False)
async def back_to_tickets() -> Response[str]:
    """Where these forms lead, loading the page again leads back."""
    return see_other("/tickets")


@post("/tickets/login", include_in_schema=False, status_code=200)
async def ask_for_code(request: Request[Any, Any, Any], box: NamedDependency[BoxOffice]) -> Response[str]:
    """Mails a code and a link, to known and unknown addresses alike, and shows where to type the code."""
    fields = await read_form(request, ("email",))
    browser = cookie_value(box.settings, request, BROWSER) or secrets.token_urlsafe(32)
    try:
        login = await _mail_code(box, fields["email"], browser, client_address(box.settings, request))
    except (LoginTooOften, LoginRefused, Unprocessable) as problem:
        return _asked_again(box, request, fields, problem)
    cookies = [cookie(box.settings, BROWSER, browser, BROWSER_SECONDS)]
    return page(box.settings, "code.html", cookies=cookies, email=login.email, crowded=login.crowded, problem=None)


@post("/tickets/code", include_in_schema=False, status_code=303)
async def sign_in_by_code(request: Request[Any, Any, Any], box: NamedDependency[BoxOffice]) -> Response[Any]:
    """Signs in who typed the code of the newest mail."""
    fields = await read_form(request, ("email", "code"))
    browser = cookie_value(box.settings, request, BROWSER)
    async with box.db.transaction() as connection:
        outcome = await confirm_code(connection, _as_asked(fields["email"]), fields["code"], browser)
    if isinstance(outcome, SignedIn):
        return _signed_in(box, request, outcome)
    email = fields["email"]
    return page(box.settings, "code.html", status=outcome.status, email=email, crowded=False, problem=outcome)


@get("/tickets/link", include_in_schema=False)
async def show_link(
    request: Request[Any, Any, Any], box: NamedDependency[BoxOffice], s: FromQuery[str] = ""
) -> Response[str]:
    """A button and nothing else: mail scanners open links too. Says so when another browser asked for it."""
    secret = s[:LINK_SECRET_LENGTH_MAX]
    asked_here = bool(cookie_value(box.settings, request, BROWSER))
    async with box.db.transaction() as connection:
        refusal = await link_refusal(connection, secret)
    status = refusal.status if refusal else 200
    return page(box.settings, "link.html", status=status, secret=secret, asked_here=asked_here, problem=refusal)


@post("/tickets/link", include_in_schema=False, status_code=303)
async def sign_in_by_link(request: Request[Any, Any, Any], box: NamedDependency[BoxOffice]) -> Response[Any]:
    """Signs in the browser that asked for the link."""
    fields = await read_form(request, ("s",))
    browser = cookie_value(box.settings, request, BROWSER)
    async with box.db.transaction() as connection:
        outcome = await confirm_link(connection, fields["s"], browser)
    if isinstance(outcome, SignedIn):
        return _signed_in(box, request, outcome)
    return page(box.settings, "link.html", status=outcome.status, secret="", asked_here=False, problem=outcome)


@post("/tickets/sign-out", include_in_schema=False, status_code=303)
async def sign_out(request: Request[Any, Any, Any], box: NamedDependency[BoxOffice]) -> Response[str]:
    """Ends the session here, and what the browser kept."""
    await read_form(request, ())
    async with box.db.transaction() as connection:
        await close_session(connection, cookie_value(box.settings, request, SESSION))
    return see_other("/tickets", cookies=[forgotten(box.settings, SESSION)], headers=NOTHING_KEPT)


async def _mail_code(box: BoxOffice, text: str, browser: str, address: str) -> LoginMail:
    """Mails it; the address comes back in the form in which it is kept."""
    try:
        email = read_email(text)
    except ValueError as error:
        raise Unprocessable(str(error)) from error
    async with box.db.transaction() as connection:
        login = await request_login(connection, box.settings.secret_key, email, browser, address)
    await run_at_once(box, MAIL_JOB, str(login.id))
    return login


def _asked_again(box: BoxOffice, request: Request[Any, Any, Any], fields: Typed, problem: Problem) -> Response[str]:
    runs_nights = goes_back(box.settings, request) is not None
    return page(
        box.settings, "sign_in.html", status=problem.status, headers=retry_after(problem), fields=fields,
        problem=problem, runs_nights=runs_nights,
    )  # fmt: skip


def _signed_in(box: BoxOffice, request: Request[Any, Any, Any], outcome: SignedIn) -> Response[str]:
    used_up = [forgotten(box.settings, name) for name in (BROWSER, BACK)]
    cookies = [cookie(box.settings, SESSION, outcome.token, SESSION_SECONDS), *used_up]
    return see_other(goes_back(box.settings, request) or "/tickets", cookies=cookies)


def _as_asked(text: str) -> str:
    try:
        return read_email(text)
    except ValueError:
        return ""
