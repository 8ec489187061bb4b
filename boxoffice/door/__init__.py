"""The door: devices, scans, who is in."""
