"""A faithful stand-in for Stripe on one's own machine: its API, its hosted page, its webhooks, its test cards."""
