"""`boxoffice serve`: granian with the application."""

import subprocess
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
    """Serves until it is stopped; refuses to start with settings that cannot work."""
    settings = Settings.from_environment()
    print(f"Box office on {settings.base_url} (listening on {host}:{port})", flush=True)
    try:
        code = subprocess.run(command(host, port, workers), check=False).returncode
    except KeyboardInterrupt:
        return
    sys.exit(code)
