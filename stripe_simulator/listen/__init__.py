"""What Stripe's command line needs for `stripe listen`: a session, and a socket that events go out on."""
