"""Puts the control API together, for callers on this machine only."""

from typing import Any

from litestar import Router
from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler

from stripe_simulator.control import money, sessions, webhooks, world
from stripe_simulator.control.problem import ControlProblem, answer_problem, answer_stripe_error
from stripe_simulator.errors import StripeError

LOOPBACK = ("127.0.0.1", "::1", "localhost", "testclient")


def only_from_here(connection: "ASGIConnection[Any, Any, Any, Any]", _handler: BaseRouteHandler) -> None:
    """Refuse callers from elsewhere, and pages of other sites."""
    client = connection.client
    if client is not None and client.host not in LOOPBACK:
        raise ControlProblem("The control API answers this machine only.", 403)
    if connection.headers.get("sec-fetch-site") in ("cross-site", "same-site"):
        raise ControlProblem("The control API does not answer web pages of other sites.", 403)


def control_router() -> Router:
    """Everything under `/_control`."""
    return Router(
        "/_control",
        route_handlers=[*sessions.HANDLERS, *money.HANDLERS, *webhooks.HANDLERS, *world.HANDLERS],
        guards=[only_from_here],
        exception_handlers={ControlProblem: answer_problem, StripeError: answer_stripe_error},
        include_in_schema=False,
    )
