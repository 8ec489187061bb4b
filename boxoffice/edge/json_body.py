"""A JSON body as a struct, strictly: no number in quotes, no `true` for 1, no field that is not listed."""

from collections.abc import Iterator
from typing import Any, TypeVar, cast, get_args, get_origin

import msgspec
from litestar import Request

from boxoffice.foundation.problems import FieldError, Problem, Unprocessable

Body = TypeVar("Body", bound=msgspec.Struct)
Fit = TypeVar("Fit")
UNFIT = "The body does not fit. Nothing was changed."


class BrokenJson(Problem):
    """The body is no JSON."""

    status, type, title = 400, "broken_json", "Broken JSON"


async def read_json(request: Request[Any, Any, Any], kind: type[Body]) -> Body:
    """The request's body as `kind`. Raises BrokenJson, or Unprocessable with the error of every field."""
    return _fitting(await _read(request), kind)


async def read_json_items(request: Request[Any, Any, Any], kind: type[Body], items_max: int) -> tuple[list[Body], bool]:
    """One `kind` or a list of them, and whether it was a list. Raises as `read_json` does."""
    body = await _read(request)
    if not isinstance(body, list):
        return [_fitting(body, kind)], False
    items = cast("list[object]", body)
    if len(items) > items_max:
        raise Unprocessable(UNFIT, (FieldError("body", f"More than {items_max} at once."),))
    return _fitting(items, list[kind]), True


def _fitting(body: object, kind: type[Fit]) -> Fit:
    """The body as `kind`; errors are only looked for once it does not fit."""
    try:
        return msgspec.convert(body, kind)
    except msgspec.ValidationError as error:
        raise Unprocessable(UNFIT, tuple(_errors(body, kind, ""))) from error


async def _read(request: Request[Any, Any, Any]) -> object:
    try:
        return msgspec.json.decode(await request.body())
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BrokenJson(f"The body cannot be read as JSON: {error}.") from error


def _errors(value: object, kind: Any, path: str) -> Iterator[FieldError]:
    """Every error, where msgspec itself stops at the first."""
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct) and isinstance(value, dict):
        yield from _struct_errors(cast("dict[str, object]", value), kind, path)
    elif get_origin(kind) is list and isinstance(value, list):
        for place, item in enumerate(cast("list[object]", value)):
            yield from _errors(item, get_args(kind)[0], f"{path}[{place}]")
    else:
        try:
            msgspec.convert(value, kind)
        except msgspec.ValidationError as error:
            yield FieldError(path or "body", f"{error}.")


def _struct_errors(value: dict[str, object], kind: type[msgspec.Struct], path: str) -> Iterator[FieldError]:
    fields = {field.name: field for field in msgspec.structs.fields(kind)}
    within = f"{path}." if path else ""
    for name in value.keys() - fields.keys():
        yield FieldError(f"{within}{name}", "There is no such field here.")
    for name, field in fields.items():
        if name in value:
            yield from _errors(value[name], field.type, f"{within}{name}")
        elif field.required:
            yield FieldError(f"{within}{name}", "This is missing.")
