"""What is on: nights, venues, artists, ticket types and their releases."""
