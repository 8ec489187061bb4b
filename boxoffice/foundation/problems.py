"""Problems people can run into: a noun of the trade, one status, one sentence.

Problem
├── NotFound      404
├── Unprocessable 422  with the errors of each field
├── TooOften      429  with the seconds after which it is allowed again
└── Unavailable   503
"""

import math
from typing import ClassVar

import msgspec


class FieldError(msgspec.Struct, frozen=True):
    """What is wrong with one field: its path in the request or file, and the sentence."""

    field: str
    detail: str


class Problem(Exception):
    """An answer that is not the wished one. `type` is stable for programs, `detail` is for people."""

    status: ClassVar[int] = 500
    type: ClassVar[str] = "problem"
    title: ClassVar[str] = "Problem"

    def __init__(self, detail: str, errors: tuple[FieldError, ...] = ()) -> None:
        super().__init__(detail)
        self.detail = detail
        self.errors = errors


class NotFound(Problem):
    """There is no such thing, or it is not yours to see: the same answer for both."""

    status = 404
    type = "not_found"
    title = "Not found"


class Unprocessable(Problem):
    """Well formed, but it cannot be meant."""

    status = 422
    type = "unprocessable"
    title = "Unprocessable"


class TooOften(Problem):
    """Asked for more often than a limit allows; `retry_after_seconds` is rounded up."""

    status = 429
    type = "too_often"
    title = "Too often"

    def __init__(self, detail: str, retry_after_seconds: float, errors: tuple[FieldError, ...] = ()) -> None:
        super().__init__(detail, errors)
        self.retry_after_seconds = math.ceil(retry_after_seconds)


class Unavailable(Problem):
    """Not now; trying again later may work."""

    status = 503
    type = "unavailable"
    title = "Unavailable"
