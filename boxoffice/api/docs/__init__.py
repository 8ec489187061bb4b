"""The API as a page."""
