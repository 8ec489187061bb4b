"""The scanner's pages."""
