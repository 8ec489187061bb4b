"""The seller's own keys on an object: set, changed, and unset by an empty value."""

from typing import Any

Json = dict[str, Any]


def fresh(given: dict[str, str] | None) -> dict[str, str]:
    """The metadata of a new object."""
    return {key: value for key, value in (given or {}).items() if value != ""}


def changed(old: dict[str, str] | None, params: Json) -> dict[str, str]:
    """The metadata after an update: `metadata=` unsets all, `metadata[k]=` one key, no metadata changes nothing."""
    if "metadata" not in params:
        return old or {}
    given: dict[str, str] | None = params["metadata"]
    if given is None:
        return {}
    return {key: value for key, value in {**(old or {}), **given}.items() if value != ""}
