"""Guest lists."""
