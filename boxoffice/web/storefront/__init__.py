"""Pages by which people find a night and buy its tickets."""
