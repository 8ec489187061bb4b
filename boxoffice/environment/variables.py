"""A variable's text as what it stands for, and what is wrong with it in one sentence."""

import re
from collections.abc import Callable, Mapping
from ipaddress import ip_address
from typing import TypeVar
from urllib.parse import SplitResult, urlsplit

Value = TypeVar("Value")


class SettingsProblem(ValueError):
    """Environment variables are missing or malformed; each line names one and says what to do."""


class Noted:
    """What is wrong, at most one sentence a variable."""

    def __init__(self) -> None:
        self.problems: list[str] = []

    def read(self, reader: Callable[[], Value], instead: Value) -> Value:
        """What `reader` gives, or `instead` when it raises SettingsProblem."""
        try:
            return reader()
        except SettingsProblem as problem:
            self.note(str(problem))
            return instead

    def note(self, sentence: str) -> None:
        """Keeps it, unless something was wrong with the same variable already."""
        name = sentence.split(" ", 1)[0]
        if not any(known.startswith(f"{name} ") for known in self.problems):
            self.problems.append(sentence)


def origin(name: str, text: str, example: str) -> str:
    """Scheme and host of a URL that has nothing else."""
    parts = url_parts(text)
    if (
        parts is None
        or parts.scheme not in ("http", "https")
        or not parts.hostname
        or "@" in parts.netloc
        or parts.path.strip("/")
        or parts.query
        or parts.fragment
    ):
        raise SettingsProblem(f"{name} must be scheme and host alone, like {example}.")
    return f"{parts.scheme}://{parts.netloc}"


def url_parts(text: str) -> SplitResult | None:
    """The parts of a URL; None when it cannot be one."""
    try:
        parts = urlsplit(text)
        parts.port  # noqa: B018 - reading it checks it
    except ValueError:
        return None
    return parts


def is_this_machine(host: str) -> bool:
    """Whether the host of a URL is the machine that this runs on."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def listed(text: str) -> tuple[str, ...]:
    """What stands between commas."""
    return tuple(entry.strip() for entry in text.split(",") if entry.strip())


def positive(values: Mapping[str, str], name: str, default: int) -> int:
    """A whole number above 0; `default` when it is unset."""
    text = values.get(name, str(default))
    if not re.fullmatch(r"[1-9][0-9]{0,5}", text):
        raise SettingsProblem(f"{name} must be a whole number above 0.")
    return int(text)


def one_of(values: Mapping[str, str], name: str, *allowed: str) -> str | None:
    """One of the words that are allowed, or None when it is unset."""
    value = values.get(name)
    if value is not None and value not in allowed:
        raise SettingsProblem(f"{name} must be unset or one of: {', '.join(allowed)}.")
    return value
