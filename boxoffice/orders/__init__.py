"""An order from the moment its units are held."""
