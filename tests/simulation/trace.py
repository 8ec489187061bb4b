"""Every step as a line, and the hash of them all: the same seed must give the same hash."""

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from zlib import crc32

BY_CHANCE = re.compile(r'"version" ?: ?"[^"]*"')
"""What tells versions of a door's scanners and tickets apart: PostgreSQL's numbers of transactions."""


@dataclass
class Trace:
    """`show` is called with every line as it is written."""

    time: Callable[[], float]
    show: Callable[[str], None] | None = None
    lines: list[str] = field(default_factory=list[str])

    def step(self, who: str, what: str) -> None:
        """Somebody takes a step."""
        self._write(f"{len(self.lines):5} {_clock(self.time())} {who:24} {what}")

    def result(self, who: str, result: object) -> None:
        """What came of a step: digested, for rows are long."""
        text = f"{type(result).__name__} {crc32(BY_CHANCE.sub('', repr(result)).encode()):08x}"
        short = repr(result) if isinstance(result, str | int | None) else text
        self._write(f"{'':5} {'':12} {who:24}   -> {short[:100]}")

    def digest(self) -> str:
        """One hash for the whole run."""
        return hashlib.sha256("\n".join(self.lines).encode()).hexdigest()[:16]

    def _write(self, line: str) -> None:
        self.lines.append(line)
        if self.show is not None:
            self.show(line)


def _clock(seconds: float) -> str:
    minutes, rest = divmod(seconds, 60)
    hours, minutes = divmod(int(minutes), 60)
    return f"{hours:02}:{minutes:02}:{rest:06.3f}"
