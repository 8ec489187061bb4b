"""Programs that run together: each has a name, and when one ends by itself all end."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress

START_SECONDS = 30
STOP_SECONDS = 10
LOOK_SECONDS = 0.1


class ProgramEnded(RuntimeError):
    """One of the programs did not start, or stopped by itself; the message says which."""


class Programs:
    """Start them in the order in which they need each other; `stop` ends them in the opposite one."""

    def __init__(self) -> None:
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, name: str, command: Sequence[str], environment: Mapping[str, str]) -> None:
        """Starts a program in a session of its own, so that Ctrl-C reaches us alone and the end has an order."""
        self._running[name] = subprocess.Popen(command, env=environment, start_new_session=True)

    def wait_until(self, name: str, answers: Callable[[], bool]) -> None:
        """Waits until a program answers. Raises ProgramEnded when it ends or takes longer than START_SECONDS."""
        deadline = time.monotonic() + START_SECONDS
        while not answers():
            if self._running[name].poll() is not None or time.monotonic() > deadline:
                raise ProgramEnded(f"The {name} did not start; its last lines are above.")
            time.sleep(LOOK_SECONDS)

    def wait(self) -> None:
        """Waits for ever; raises ProgramEnded as soon as one of the programs stops by itself."""
        while True:
            for name, process in self._running.items():
                if process.poll() is not None:
                    raise ProgramEnded(f"The {name} stopped by itself; its last lines are above.")
            time.sleep(LOOK_SECONDS)

    def stop(self) -> None:
        """Ends the last one started first; whoever does not end by itself is killed with its children."""
        for process in reversed(self._running.values()):
            process.terminate()
            with suppress(subprocess.TimeoutExpired):
                process.wait(STOP_SECONDS)
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
