"""The command `boxoffice`."""
