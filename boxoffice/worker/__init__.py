"""Work outside requests: jobs, and repair."""
