"""The box office in a world that a seed decides: the real code and a real PostgreSQL; time, chance, mail and Stripe are
the simulation's. One actor takes one step at a time, so the same seed is the same run.

| file | what it is |
|---|---|
| `loop.py` | an event loop whose time stands still until it is moved |
| `scheduler.py` | who takes the next step, who waits for a lock |
| `stepped.py` | a database connection whose every statement is a step |
| `at_stripe.py` | Stripe: the simulator's own core behind the real SDK, with faults; what its events and books say |
| `world.py` | processes that crash, buyers' night, clocks, mail: everything that is reset for a seed |
| `actors.py` | who does what; a new actor is a coroutine in `CAST` |
| `paying.py` | what people do on Stripe's page |
| `at_the_door.py`, `card_sales.py` | who scans, names guests and sells at a door, for cash and by card |
| `sending_on.py` | who sends tickets on, in time and when it is over |
| `asking.py` | how an actor asks a process, rests, tries again, and lets time pass |
| `invariants.py` | what must hold after every commit, and once everything has healed |
| `planted.py` | bugs put in on purpose, which must be found |
| `trace.py` | every step as a line, and their hash |
| `run.py`, `seeds.py` | one seed; many of them |
| `__main__.py` | `make simulate SEEDS=200 FIRST_SEED=1 TRACE=1` |
"""
