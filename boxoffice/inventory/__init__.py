"""What can be sold, and how many ask for it at once."""
