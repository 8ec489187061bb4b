"""Tickets: issued, shown, signed."""
