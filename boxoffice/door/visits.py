"""Who came in, as a pure function of the scans: in whatever order doors tell of them, the answer is the same."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

import msgspec


class Passage(msgspec.Struct, frozen=True):
    """A scan that let somebody in or out. `at` is by our clock; `online`: we answered, not the device alone."""

    device_id: UUID
    nonce: str
    is_exit: bool
    at: datetime
    online: bool
    override: bool = False

    @property
    def order(self) -> tuple[datetime, UUID, str]:
        """By time; equal times by what no clock can change."""
        return self.at, self.device_id, self.nonce

    @property
    def rank(self) -> tuple[bool, datetime, UUID, str]:
        """The smallest wins: what we answered comes before what a device answered alone."""
        return not self.online, *self.order


@dataclass(slots=True)
class Visit:
    """One stay inside. `winner` let the ticket in, `losers` did so too without knowing."""

    winner: Passage
    losers: list[Passage] = field(default_factory=list[Passage])
    left_at: datetime | None = None


def visits(passages: Iterable[Passage], *, re_entry: bool) -> list[Visit]:
    """The visits of one ticket on one list, first to last.

    Without re-entry a ticket has one visit and every entry competes for it. With it, an entry after an exit begins the
    next. An entry that a supervisor insisted on always begins one.
    """
    found: list[Visit] = []
    for passage in sorted(passages, key=lambda one: one.order):
        if passage.is_exit:
            if found and found[-1].left_at is None:
                found[-1].left_at = passage.at
        elif not found or passage.override or (re_entry and found[-1].left_at is not None):
            found.append(Visit(passage))
        else:
            _compete(found[-1], passage)
    return found


def _compete(visit: Visit, passage: Passage) -> None:
    if passage.rank < visit.winner.rank:
        visit.winner, passage = passage, visit.winner
    visit.losers.append(passage)
