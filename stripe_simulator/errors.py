"""Every refusal the API can give, as it stands in the answer.

StripeError                 400 invalid_request_error
|-- UnknownParameter            parameter_unknown
|-- MissingParameter            parameter_missing
|-- InvalidParameter            a value of the wrong type, size or choice
|-- NotAllowed                  well formed, but against a rule or the object's state
|-- NoSuchObject            404 (path) or 400 (parameter) resource_missing
|-- UnknownUrl              404
|-- BadKey                  401
|-- Forbidden               403
|-- CardDeclined            402 card_error; what it wrote is kept
|-- KeyInUse                409 idempotency_error
|-- KeyReused               400 idempotency_error
|-- TooManyRequests         429
|-- ServerError             500 api_error
"""

from typing import Any

import msgspec

Json = dict[str, Any]


class StripeError(Exception):
    """An error envelope with its status; `executed` errors are remembered under the idempotency key."""

    status = 400
    type = "invalid_request_error"
    executed = False
    keeps_writes = False

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        param: str | None = None,
        headers: dict[str, str] | None = None,
        **details: Any,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.param = param
        self.headers = headers or {}
        self.details = details

    def body(self, request_id: str) -> Json:
        """The envelope; empty fields are left out."""
        fields: Json = {
            "code": self.code,
            **self.details,
            "message": self.message,
            "param": self.param,
            "request_log_url": f"https://dashboard.stripe.com/test/logs/{request_id}",
            "type": self.type,
        }
        return {"error": {name: value for name, value in fields.items() if value is not None}}


class UnknownParameter(StripeError):
    def __init__(self, names: list[str]) -> None:
        plural = "s" if len(names) > 1 else ""
        text = f"Received unknown parameter{plural}: {', '.join(names)}"
        super().__init__(text, code="parameter_unknown", param=names[0])


class MissingParameter(StripeError):
    def __init__(self, name: str) -> None:
        super().__init__(f"Missing required param: {name}.", code="parameter_missing", param=name)


class InvalidParameter(StripeError):
    """A value of the wrong type, size or choice."""


class NotAllowed(StripeError):
    """Understood, and against the state of the object: remembered under the idempotency key."""

    executed = True


class NoSuchObject(StripeError):
    """An id that names nothing: 404 in a path, 400 in a parameter."""

    def __init__(self, what: str, object_id: str, *, param: str = "id", in_path: bool = True) -> None:
        super().__init__(f"No such {what}: '{object_id}'", code="resource_missing", param=param)
        self.status = 404 if in_path else 400


class UnknownUrl(StripeError):
    status = 404

    def __init__(self, method: str, path: str) -> None:
        super().__init__(f"Unrecognized request URL ({method}: {path}).")


class BadKey(StripeError):
    status = 401


class Forbidden(StripeError):
    status = 403


class CardDeclined(StripeError):
    """The bank said no: the failed charge and its events are kept."""

    status = 402
    type = "card_error"
    executed = True
    keeps_writes = True


class KeyInUse(StripeError):
    status = 409
    type = "idempotency_error"

    def __init__(self, key: str) -> None:
        text = f"Another request with the idempotency key '{key}' is still running."
        super().__init__(text, code="idempotency_key_in_use")


class KeyReused(StripeError):
    type = "idempotency_error"

    def __init__(self, key: str) -> None:
        super().__init__(
            f"The idempotency key '{key}' was first used with other parameters. Use another key for another request."
        )


class LockTimeout(StripeError):
    """Two requests wanted one object at once."""

    status = 429

    def __init__(self) -> None:
        super().__init__("Another request is working on this object. Try again.", code="lock_timeout")


class TooManyRequests(StripeError):
    status = 429

    def __init__(self, reason: str = "endpoint-rate") -> None:
        headers = {"Stripe-Rate-Limited-Reason": reason}
        super().__init__("Too many requests. Wait a little and try again.", code="rate_limit", headers=headers)


class ServerError(StripeError):
    status = 500
    type = "api_error"

    def __init__(self, *, executed: bool = False) -> None:
        super().__init__("Something went wrong on the side of the simulated Stripe.")
        self.executed = executed


def encoded(body: Json) -> bytes:
    """A JSON body as the API writes it."""
    return msgspec.json.format(msgspec.json.encode(body), indent=2)
