"""Pages by which people hold their tickets."""
