"""Crash at every system call: a program is killed before each of its writes in turn, and its work must still be done.

`make crash` walks through all of them. To add a flow: a class in `flows.py`, and its place in `FLOWS`.
"""
