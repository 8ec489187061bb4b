"""What a check found: how bad it is, what it saw, and what to do about it."""

from typing import Literal

import msgspec

Level = Literal["ok", "warning", "problem"]


class Finding(msgspec.Struct, frozen=True):
    """`saw` and `do` are sentences without secrets; `do` is empty when there is nothing to do."""

    level: Level
    what: str
    saw: str
    do: str = ""


def ok(what: str, saw: str) -> Finding:
    """As it should be."""
    return Finding("ok", what, saw)


def warning(what: str, saw: str, do: str) -> Finding:
    """It works, and could be better."""
    return Finding("warning", what, saw, do)


def problem(what: str, saw: str, do: str) -> Finding:
    """Something cannot work like this."""
    return Finding("problem", what, saw, do)


def clock_finding(what: str, seconds_ahead: float) -> Finding:
    """Another clock against this machine's; `seconds_ahead` below zero: the other one is behind."""
    apart = abs(seconds_ahead)
    saw = f"{apart:.0f} s {'ahead of' if seconds_ahead > 0 else 'behind'} this machine's clock"
    if apart <= CLOCK_WARNING_SECONDS:
        return ok(what, f"within {CLOCK_WARNING_SECONDS} s of this machine's")
    do = "Set this machine's clock by NTP (`timedatectl set-ntp true`); a signature five minutes old is refused."
    return problem(what, saw, do) if apart > CLOCK_PROBLEM_SECONDS else warning(what, saw, do)


CLOCK_WARNING_SECONDS = 5
CLOCK_PROBLEM_SECONDS = 60
