"""`boxoffice serve`: granian with the application."""

import os
import sys

from boxoffice.settings import Settings


def command(host: str, port: int, workers: int) -> list[str]:
    """The server's command line."""
    return [
        *(sys.executable, "-m", "granian", "--interface", "asgi", "--host", host, "--port", str(port)),
        *("--workers", str(workers), "--loop", "uvloop", "--no-access-log", "--log-level", "warning"),
        "boxoffice.asgi:app",
    ]


def run(host: str, port: int, workers: int) -> None:
    """Becomes the server, so that signals reach it; refuses to start with settings that cannot work."""
    settings = Settings.from_environment()
    print(f"Box office on {settings.base_url} (listening on {host}:{port})", flush=True)
    line = command(host, port, workers)
    os.execv(line[0], line)  # noqa: S606 - our own command line, no shell wanted
