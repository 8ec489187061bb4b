"""The web server with a bug put in on purpose: an event is called handled before its work is done, as
`tests/simulation/planted.py` has it. A kill between the two loses the payment for as long as nobody compares."""

from contextlib import ExitStack

from tests.simulation.planted import PLANTED

planted = ExitStack()
planted.enter_context(PLANTED["mark"].in_place())

from boxoffice.asgi import app  # noqa: E402 - the bug comes first

__all__ = ["app"]
