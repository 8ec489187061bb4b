"""What a payment attempt may become."""

ATTEMPT_MOVES: dict[str, frozenset[str]] = {
    "queued": frozenset(["sending", "expired"]),
    "sending": frozenset(["open", "complete", "expired", "refused"]),
    "open": frozenset(["complete", "expired"]),
    "refused": frozenset(["complete"]),  # listing found no session, and money came all the same
    "complete": frozenset(),
    "expired": frozenset(),
}
"""From each status of an attempt to those it may move to; the database refuses every other move."""
