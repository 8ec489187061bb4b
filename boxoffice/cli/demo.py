"""`boxoffice demo` (what `make run` calls): a whole box office on this machine, with its database and Stripe."""

import argparse
import asyncio
import fcntl
import os
import signal
import socket
import sys
import urllib.error
import urllib.request
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from boxoffice.cli import migrate, nights, serve
from boxoffice.cli.demo_door import ORGANISER_EMAIL, DemoScanner, scanner_of_demo
from boxoffice.cli.demo_environment import (
    LOCAL,
    DemoProblem,
    Simulator,
    brings_own_stripe,
    environment_of_demo,
    readable_by_commands,
)
from boxoffice.cli.demo_orders import BOUGHT_AGO, buy_for_the_demo
from boxoffice.cli.local_https import certificate_for, local_address
from boxoffice.cli.programs import Programs
from boxoffice.foundation.problems import NotFound
from boxoffice.settings import Settings
from local_postgres import LocalPostgres

ROOT = Path(__file__).resolve().parent.parent.parent
DATABASE = "boxoffice"
SIMULATOR_DATABASE = "stripe_simulator"
TEST_CARD = "4242 4242 4242 4242"


def add_arguments(command: argparse.ArgumentParser) -> None:
    """`boxoffice demo`."""
    command.add_argument("--port", type=serve.port_number, default=3000)
    command.add_argument("--local", type=Path, default=LOCAL, help="where the database and secrets are kept")
    command.add_argument("--https", action="store_true", help="for phones in the local network too, at the port after")
    command.set_defaults(run=lambda arguments: run(arguments.port, arguments.local, https=arguments.https))


def run(port: int, local: Path, *, https: bool = False) -> None:
    """Runs until Ctrl-C or a termination signal; what was sold is kept in `local` for the next start.

    `https`: phones in the local network may come too, at the port after.
    """
    base_url = f"http://localhost:{port}"
    brings_own_stripe(os.environ)
    _refuse_taken(port)
    if https:
        _refuse_taken(port + 1)
    _end_on_signals()
    local.mkdir(parents=True, exist_ok=True)
    with _only_one(local / "demo.lock", base_url):
        postgres = LocalPostgres(local / "postgres")
        programs = Programs()
        try:
            environment, simulator = _open(port, base_url, local, postgres, programs)
            scanner = _scanner(environment, local)
            network_url = _serve_network(port + 1, environment, local, programs) if https else ""
            with readable_by_commands(environment, local):
                _say_where_to_click(base_url, simulator)
                _say_where_to_scan(base_url, network_url, local / "https" / "certificate.pem", scanner)
                programs.wait()
        except KeyboardInterrupt:
            print(f"\nStopping. Everything is kept in {local}; `make run` carries on.", flush=True)
        finally:
            _end_without_haste()
            programs.stop()
            postgres.stop()


def _open(
    port: int, base_url: str, local: Path, postgres: LocalPostgres, programs: Programs
) -> tuple[dict[str, str], Simulator | None]:
    print(f"[1/5] PostgreSQL, kept in {local / 'postgres'}", flush=True)
    postgres.start()
    postgres.create_database(DATABASE)
    postgres.create_database(SIMULATOR_DATABASE)
    environment, simulator = environment_of_demo(
        base_url, postgres.url(DATABASE), postgres.url(SIMULATOR_DATABASE), local / "demo.env"
    )
    settings = Settings.from_environment(environment)
    print("[2/5] schema", flush=True)
    migrate.run(settings.database_url)
    if postgres.psql("SELECT count(*) FROM event", DATABASE).strip() == "0":
        print("[3/5] demo nights", flush=True)
        asyncio.run(nights.load(settings, ROOT / "nights" / "demo.toml", ago=BOUGHT_AGO))
        asyncio.run(buy_for_the_demo(settings))
    else:
        print("[3/5] nights are there from before", flush=True)
    if simulator is not None:
        print("[4/5] Stripe simulator", flush=True)
        _start_simulator(simulator, programs)
    else:
        print("[4/5] Stripe itself, in test mode, with the keys of the environment", flush=True)
    print("[5/5] web server and worker", flush=True)
    programs.start("web server", serve.command("127.0.0.1", port, 1), environment)
    programs.start("worker", [sys.executable, "-m", "boxoffice", "worker"], environment)
    programs.wait_until("web server", lambda: _answers(f"{base_url}/readyz"))
    return environment, simulator


def _start_simulator(simulator: Simulator, programs: Programs) -> None:
    command = [sys.executable, "-m", "stripe_simulator", "--port", str(simulator.port)]
    programs.start("Stripe simulator", command, simulator.environment)
    programs.wait_until("Stripe simulator", lambda: _answers(f"{simulator.url}/_control/clock"))


def _say_where_to_click(base_url: str, simulator: Simulator | None) -> None:
    print("\nThe box office is open.")
    print(f"  Nights      {base_url}/")
    print(f"  My Tickets  {base_url}/tickets")
    print(f"  Mailbox     {base_url}/dev/mailbox")
    print(f"  API docs    {base_url}/api/docs")
    print(f"  Stripe      {simulator.url if simulator else 'https://dashboard.stripe.com/test/payments'}")
    if simulator is None:
        print(f"              hears of payments by: stripe listen --forward-to {base_url[7:]}/api/webhook")
        print("              (a newer stripe also asks for --all-snapshot)")
    print(f"  Pay with    {TEST_CARD}, any date to come, any CVC")
    print("  Checked by  .venv/bin/python -m boxoffice doctor --demo")
    print("  Commands    in another terminal they are about this demo: .venv/bin/python -m boxoffice --help")


def _scanner(environment: dict[str, str], local: Path) -> DemoScanner | None:
    try:
        return scanner_of_demo(Settings.from_environment(environment), local / "demo-scanner")
    except NotFound:
        return None  # somebody's own nights are in the database


def _serve_network(port: int, environment: dict[str, str], local: Path, programs: Programs) -> str:
    """The same box office once more, for phones near by. Returns its address."""
    address = local_address()
    files = certificate_for(address, local / "https")
    programs.start("web server for phones", serve.command("0.0.0.0", port, 1, files), environment)  # noqa: S104 - that is what it is for
    programs.wait_until("web server for phones", lambda: _listens(port))
    return f"https://{address}:{port}"


def _say_where_to_scan(base_url: str, network_url: str, certificate: Path, scanner: DemoScanner | None) -> None:
    if scanner:
        print(f"  Scanner     {network_url or base_url}{scanner.path}")
        print(f"  its PIN     {scanner.pin}, for tickets like {' and '.join(scanner.codes)}")
    if network_url:
        print("              a phone in this network opens it, and trusts the certificate when it asks")
        print(f"              to keep it for use without a network, install as trusted there: {certificate}")
        print(f"              links made here open there with {network_url} for {base_url}")
    elif scanner:
        print("              for a phone's camera: make run HTTPS=1")
    if scanner and scanner.guest_list_path:
        print(f"  Guest list  {base_url}{scanner.guest_list_path}")
        print(f"              of the same night; the scanner finds {scanner.guest or 'whom you add'} by name")
    if scanner:
        print(f"  Organiser   {base_url}{scanner.organiser_path}")
        print(f"              {ORGANISER_EMAIL} signs in there; the code is in the mailbox")
    print("Stop it with Ctrl-C.", flush=True)


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


@contextmanager
def _only_one(lock: Path, base_url: str) -> Generator[None]:
    """Two demos on one database would stop it under each other."""
    with lock.open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            raise DemoProblem(f"The box office already runs: {file.read()}. Stop it there with Ctrl-C first.") from None
        file.truncate(0)
        file.write(base_url)
        file.flush()
        yield


def _refuse_taken(port: int) -> None:
    if not _listens(port):
        return
    if _answers(f"http://localhost:{port}/healthz"):
        raise DemoProblem(f"The box office already runs: http://localhost:{port}. Stop it there with Ctrl-C first.")
    raise DemoProblem(f"Another program listens on port {port}. Stop it, or choose another: make run PORT=3001")


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:  # noqa: S310 - always http on this machine
            return answer.status == 200 and answer.read(1000).startswith(b"{")  # noqa: PLR2004
    except (urllib.error.URLError, OSError):
        return False


def _end_on_signals() -> None:
    def interrupt(_signal: int, _frame: object) -> None:
        raise KeyboardInterrupt

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, interrupt)


def _end_without_haste() -> None:
    """A second Ctrl-C would leave the database running."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
