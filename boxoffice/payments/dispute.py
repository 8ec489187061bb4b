"""What a dispute may become, and what its statuses mean."""

DISPUTE_MOVES: dict[str, frozenset[str]] = {
    "warning_needs_response": frozenset(
        [
            *("warning_under_review", "warning_closed", "needs_response", "under_review"),
            *("won", "lost", "prevented", "charge_refunded"),
        ]
    ),
    "warning_under_review": frozenset(
        ["warning_closed", "needs_response", "under_review", "won", "lost", "prevented", "charge_refunded"]
    ),
    "warning_closed": frozenset(["needs_response", "under_review", "won", "lost"]),
    "needs_response": frozenset(["under_review", "won", "lost", "prevented", "charge_refunded"]),
    "under_review": frozenset(["won", "lost", "prevented", "charge_refunded"]),
    "lost": frozenset(["won", "appeal_needs_response", "appeal_under_review"]),  # won: even months later
    "appeal_needs_response": frozenset(["appeal_under_review", "won", "lost"]),
    "appeal_under_review": frozenset(["won", "lost"]),
    "won": frozenset(),
    "prevented": frozenset(),
    "charge_refunded": frozenset(),
}
"""From each status of a dispute to those it may move to; an older answer that comes late changes nothing, and the
database refuses every other move. Its first status may be any."""

BLOCKS = ("needs_response", "under_review")
"""The bank has the money and nobody has won yet. An inquiry (`warning_...`) moves no money and blocks nothing."""

MONEY_IS_GONE = (*BLOCKS, "lost", "appeal_needs_response", "appeal_under_review")
"""Stripe makes no refund of a payment that is disputed like this."""
