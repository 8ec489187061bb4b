"""Stripe, and the money that came through it."""
