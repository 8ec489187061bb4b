"""Version 1 of the public API, a resource a file."""
