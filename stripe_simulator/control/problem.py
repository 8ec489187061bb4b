"""What the control API answers when something is not there or makes no sense."""

from typing import Any

from litestar import Request
from litestar.response import Response

from stripe_simulator.errors import StripeError


class ControlProblem(Exception):
    """A request to the control API that cannot be carried out."""

    def __init__(self, detail: str, status: int = 422) -> None:
        super().__init__(detail)
        self.detail = detail
        self.status = status


def answer_problem(_request: "Request[Any, Any, Any]", problem: ControlProblem) -> Response[dict[str, Any]]:
    """One sentence and a status."""
    return Response({"error": {"message": problem.detail}}, status_code=problem.status)


def answer_stripe_error(_request: "Request[Any, Any, Any]", error: StripeError) -> Response[dict[str, Any]]:
    """The same envelope as the API's."""
    return Response(error.body("req_control"), status_code=error.status)
