"""The web server, or another program, on a machine whose clock jumps: Python's clock is moved by as many seconds as the
file that `JUMPED_BY` names says at that moment. What counts time (`time.monotonic`) goes on as it went.

`datetime.now` cannot be moved so; `tests/test_statements.py` says who may ask it.
"""

import os
import time
from pathlib import Path
from typing import Any

_file = Path(os.environ["JUMPED_BY"])
_time, _time_ns = time.time, time.time_ns


def _jumped() -> int:
    return int(_file.read_text() or 0)


time.time = lambda: _time() + _jumped()
time.time_ns = lambda: _time_ns() + _jumped() * 1_000_000_000


def __getattr__(name: str) -> Any:
    if name == "app":
        from boxoffice.asgi import app  # noqa: PLC0415 - only a server loads it

        return app
    raise AttributeError(name)
