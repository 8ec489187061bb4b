"""PgBouncer in transaction mode before the tests' cluster: `make test-pgbouncer` asks for it with `PGBOUNCER=1`."""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import unquote, urlsplit

from local_postgres.binaries import give_to_unprivileged, user_to_run_as

POOLED = os.environ.get("PGBOUNCER") == "1"
POOLER = {"DATABASE_POOLER": "transaction"} if POOLED else {}
"""What a box office must be told of it, as a variable of its environment."""
START_SECONDS = 10
# Backends are handed out in turn, so that two transactions of one client seldom meet the same one. No parameter of a
# connection's start is let pass that PgBouncer does not know by itself.
CONFIGURATION = """[databases]
* = host=127.0.0.1 port={postgres_port}

[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = scram-sha-256
auth_file = {users}
pool_mode = transaction
server_round_robin = 1
default_pool_size = 20
max_client_conn = 1000
server_idle_timeout = 10
server_login_retry = 0.1
logfile = {log}
"""


@contextmanager
def pgbouncer(url: str) -> Generator[int]:
    """Yields the port of a PgBouncer before the server of `url`, which takes that server's users and databases.

    The passwords lie in a folder that its user alone can open, and are gone afterwards.
    """
    program = shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    assert program, "PgBouncer is not installed: apt-get install pgbouncer"
    with TemporaryDirectory() as name:
        folder = Path(name)
        port = _free_port()
        process = subprocess.Popen(
            [program, "-q", str(_configured(folder, url, port))],
            user=user_to_run_as(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            _wait_for(process, port, folder / "log")
            yield port
        finally:
            process.kill()
            process.wait()


def through(url: str, port: int) -> str:
    """The same database by another port of this machine."""
    parts = urlsplit(url)
    return parts._replace(netloc=f"{parts.netloc.rpartition(':')[0]}:{port}").geturl()


def _configured(folder: Path, url: str, port: int) -> Path:
    parts = urlsplit(url)
    users, configuration = folder / "users.txt", folder / "pgbouncer.ini"
    users.write_text(f'"{parts.username}" "{unquote(parts.password or "")}"\n')
    configuration.write_text(CONFIGURATION.format(postgres_port=parts.port, port=port, users=users, log=folder / "log"))
    for path in (folder, users, configuration):
        give_to_unprivileged(path)
    return configuration


def _wait_for(process: "subprocess.Popen[bytes]", port: int, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        if process.poll() is not None:
            break
        time.sleep(0.02)
    told = log.read_text(errors="replace")[-2000:] if log.exists() else "no log was written"
    raise AssertionError(f"PgBouncer did not start. The end of its log:\n{told}")


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
