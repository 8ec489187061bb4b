"""For support people: an order from whatever somebody can tell of it, and its whole story. Changes nothing."""
