"""What people typed: read whole, every field known, every error said."""

from collections.abc import Collection
from typing import Any
from urllib.parse import parse_qsl

from litestar import Request

from boxoffice.edge.body_limit import TooLarge
from boxoffice.foundation.problems import FieldError, Problem, Unprocessable

FIELDS_MAX = 200
FORM_BYTES_MAX = 100_000


class Typed(dict[str, str]):
    """What a form holds, or what is wrong with it, by field: the empty string where there is nothing."""

    def __missing__(self, _field: str) -> str:
        return ""


class NotAForm(Problem):
    """The body is not what a form sends."""

    status, type, title = 400, "not_a_form", "Not a form"


async def read_form(request: Request[Any, Any, Any], known: Collection[str]) -> Typed:
    """The fields by name, stripped. Raises NotAForm, TooLarge, or Unprocessable with the
    errors of every field that is not in `known`, comes twice, or holds a NUL."""
    if request.content_type[0] != "application/x-www-form-urlencoded":
        raise NotAForm("This address takes a form. Open the page and send it from there.")
    body = await request.body()
    if len(body) > FORM_BYTES_MAX:
        raise TooLarge("That is more than this form holds. Shorten it.")
    try:
        pairs = parse_qsl(
            body.decode("ascii"), keep_blank_values=True, max_num_fields=FIELDS_MAX, errors="strict", separator="&"
        )
    except ValueError:
        raise NotAForm("The form came in broken. Open the page and send it from there.") from None
    fields = Typed()
    errors: list[FieldError] = []
    for name, value in pairs:
        if name not in known:
            errors.append(FieldError(name, "This form has no such field."))
        elif name in fields:
            errors.append(FieldError(name, "This field came twice."))
        elif "\0" in value:
            errors.append(FieldError(name, "This holds a character that cannot be kept. Type it again."))
        fields[name] = value.strip()
    if errors:
        raise Unprocessable("The form could not be read. Look at the fields named here.", tuple(errors))
    return fields
