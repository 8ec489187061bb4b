"""`boxoffice demo` (what `make run` calls): database, schema, demo nights and web server on this machine."""

import asyncio
import os
import secrets
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path

from boxoffice.cli import migrate, nights, serve
from boxoffice.settings import Settings
from local_postgres import LocalPostgres

ROOT = Path(__file__).resolve().parent.parent.parent
DATABASE = "boxoffice"
START_SECONDS = 30
STOP_SECONDS = 10


class DemoProblem(RuntimeError):
    """The demo cannot start here; the message says what to do."""


def run(port: int) -> None:
    """Runs until Ctrl-C or a termination signal; what was sold is there again at the next start."""
    base_url = f"http://localhost:{port}"
    _refuse_taken(port, base_url)
    _end_on_termination()
    print("[1/4] PostgreSQL, kept in .local/postgres", flush=True)
    postgres = LocalPostgres(ROOT / ".local" / "postgres")
    postgres.start()
    try:
        postgres.create_database(DATABASE)
        environment = os.environ | {"DATABASE_URL": postgres.url(DATABASE), "BASE_URL": base_url}
        environment.setdefault("SECRET_KEY", secrets.token_urlsafe(48))
        environment.pop("DATABASE_URL_DIRECT", None)
        environment.pop("DATABASE_POOLER", None)
        settings = Settings.from_environment(environment)
        print("[2/4] schema", flush=True)
        migrate.run(settings.database_url)
        if postgres.psql("SELECT count(*) FROM event", DATABASE).strip() == "0":
            print("[3/4] demo nights", flush=True)
            asyncio.run(nights.load(settings, ROOT / "nights" / "demo.toml"))
        else:
            print("[3/4] nights are there from before", flush=True)
        print("[4/4] web server", flush=True)
        _serve(port, base_url, environment)
    except KeyboardInterrupt:
        print("\nStopped. Everything is kept in .local/; `make run` carries on.")
    finally:
        postgres.stop()


def _serve(port: int, base_url: str, environment: dict[str, str]) -> None:
    server = subprocess.Popen(serve.command("127.0.0.1", port, 1), env=environment)
    try:
        _wait_until_ready(server, base_url)
        print(f"\nThe box office is open.\n  Nights   {base_url}/api/v1/events\n  API      {base_url}/api/openapi.json")
        print("Stop it with Ctrl-C.", flush=True)
        if server.wait() != 0:
            raise DemoProblem("The web server stopped by itself; its last lines are above.")
    finally:
        server.terminate()
        try:
            server.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            server.kill()


def _wait_until_ready(server: subprocess.Popen[bytes], base_url: str) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not _answers(f"{base_url}/readyz"):
        if server.poll() is not None or time.monotonic() > deadline:
            raise DemoProblem("The web server did not start; its last lines are above.")
        time.sleep(0.1)


def _refuse_taken(port: int, base_url: str) -> None:
    with socket.socket() as probe:
        probe.settimeout(1)
        if probe.connect_ex(("127.0.0.1", port)) != 0:
            return
    if _answers(f"{base_url}/healthz"):
        raise DemoProblem(f"The box office already runs: {base_url}. Stop it there with Ctrl-C first.")
    raise DemoProblem(f"Another program listens on port {port}. Stop it, or choose: boxoffice demo --port 3001")


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:  # noqa: S310 - always http://localhost
            return b'"ok"' in answer.read(1000)
    except (urllib.error.URLError, OSError):
        return False


def _end_on_termination() -> None:
    def interrupt(_signal: int, _frame: object) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, interrupt)
