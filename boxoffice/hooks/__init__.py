"""What other machines call: Stripe's webhook, and cron."""
