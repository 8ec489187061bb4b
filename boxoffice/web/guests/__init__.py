"""For whoever may name guests."""
