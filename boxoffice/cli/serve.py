"""`boxoffice serve`: granian with the application."""

import argparse
import os
import socket
import sys
from pathlib import Path

from boxoffice.environment.variables import SettingsProblem
from boxoffice.settings import Settings

PORT_MAX = 65535
EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - where to knock to see whether somebody listens


def add_arguments(command: argparse.ArgumentParser) -> None:
    """`boxoffice serve`."""
    command.add_argument("--host", default="127.0.0.1")
    command.add_argument("--port", type=port_number, default=3000)
    command.add_argument("--workers", type=int, default=1)
    command.set_defaults(run=lambda arguments: run(arguments.host, arguments.port, arguments.workers))


def port_number(text: str) -> int:
    """A port as it is typed; raises ArgumentTypeError."""
    number = int(text)
    if not 1 <= number <= PORT_MAX:
        raise argparse.ArgumentTypeError(f"a port is a number from 1 to {PORT_MAX}")
    return number


def command(host: str, port: int, workers: int, https: tuple[Path, Path] | None = None) -> list[str]:
    """The server's command line. `https`: files of its certificate and key."""
    secure = ("--ssl-certificate", str(https[0]), "--ssl-keyfile", str(https[1])) if https else ()
    return [
        *(sys.executable, "-m", "granian", "--interface", "asgi", "--host", host, "--port", str(port)),
        *("--workers", str(workers), "--loop", "uvloop", "--no-access-log", "--log-level", "warning"),
        # a worker that is killed, for want of memory say, must not take the others with it
        *("--respawn-failed-workers", "--respawn-interval", "1"),
        *secure,
        "boxoffice.asgi:app",
    ]


def is_taken(host: str, port: int) -> bool:
    """Whether somebody answers there. The server would not notice: it shares its port, and half the requests went to
    the one and half to the other."""
    try:
        with socket.create_connection((EVERYWHERE.get(host, host), port), timeout=1):
            return True
    except OSError:
        return False


def run(host: str, port: int, workers: int) -> None:
    """Becomes the server, so that signals reach it; refuses to start with settings that cannot work."""
    settings = Settings.from_environment()
    if is_taken(host, port):
        raise SettingsProblem(f"Another program listens on port {port}. Stop it, or choose: --port {port + 1}")
    print(f"Box office on {settings.base_url} (listening on {host}:{port})", flush=True)
    line = command(host, port, workers)
    os.execv(line[0], line)  # noqa: S606 - our own command line, no shell wanted
