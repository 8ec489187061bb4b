"""Checkout Sessions from creation to payment or expiry."""
