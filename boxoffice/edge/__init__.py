"""What pages, API and hooks share."""
