"""The simulator's time: the machine's, plus what tests have added, or one that stands still until it is moved."""

import time
from typing import Protocol


class Clock(Protocol):
    """Where every moment in the simulator comes from."""

    def now(self) -> float:
        """Unix seconds."""
        ...

    def advance(self, seconds: float) -> None:
        """Move forward."""
        ...


class SystemClock:
    """The machine's time plus an offset."""

    def __init__(self, offset: float = 0.0) -> None:
        self.offset = offset

    def now(self) -> float:
        return time.time() + self.offset

    def advance(self, seconds: float) -> None:
        self.offset += seconds


class ManualClock:
    """A time that only `advance` changes: for runs that must repeat exactly."""

    def __init__(self, start: float = 1_800_000_000.0) -> None:
        self.moment = start

    def now(self) -> float:
        return self.moment

    def advance(self, seconds: float) -> None:
        self.moment += seconds
