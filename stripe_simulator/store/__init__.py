"""Objects, events and deliveries in PostgreSQL; one transaction for each call."""
