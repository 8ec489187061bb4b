"""`make soak`: minutes of real programs, real networks and a real PostgreSQL, all of which fail, while people buy.

`place.py` is the box office of two servers and a worker, `buyers.py` who buys, `record.py` what was acknowledged to
them, `trouble.py` what goes wrong, `ending.py` what must be true once everything has healed. A seed decides who
does what and what fails next; when that meets what is real time, so a seed is not the same run again.
"""
