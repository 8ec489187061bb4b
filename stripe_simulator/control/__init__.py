"""The control API under `/_control`: what Stripe's Dashboard, the bank, time and bad luck do, for tests and demos."""
