"""The environment of the demo: its own database and secrets, and Stripe as far as somebody brought one."""

import os
import secrets
import socket
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path

import msgspec

from boxoffice.environment.wallets import APPLE_GROUP, GOOGLE_GROUP

LOCAL = Path(__file__).resolve().parent.parent.parent / ".local"
SIMULATOR_PORT = 12111
SIMULATOR_KEY = "sk_test_boxoffice_demo"
OWN_STRIPE = ("STRIPE_SECRET_KEY", "STRIPE_PUBLISHABLE_KEY", "STRIPE_WEBHOOK_SECRET", "STRIPE_API_BASE")
RUNNING = "running-demo.json"
OF_THE_BOX_OFFICE = (
    *("DATABASE_URL", "BASE_URL", "SECRET_KEY", "CRON_SECRET", *OWN_STRIPE, "STRIPE_SESSIONS_PER_SECOND"),
    *("SMTP_URL", "MAIL_FROM", "TRUSTED_PROXIES", *APPLE_GROUP, "APPLE_PASS_KEY_PASSPHRASE", *GOOGLE_GROUP),
)
OF_A_REAL_SET_UP = ("DATABASE_URL_DIRECT", "DATABASE_POOLER", "WORKER", "VERCEL")


class DemoProblem(RuntimeError):
    """The demo cannot start here; the message says what to do."""


class Simulator(msgspec.Struct, frozen=True):
    """Where the stand-in for Stripe listens, and the environment it is started with."""

    port: int
    environment: dict[str, str]

    @property
    def url(self) -> str:
        """By address: another site than localhost, so that cross-site rules are really met."""
        return f"http://127.0.0.1:{self.port}"


def environment_of_demo(
    base_url: str, database_url: str, simulator_database_url: str, kept: Path
) -> tuple[dict[str, str], Simulator | None]:
    """The box office's environment, and the simulator unless a test key of Stripe's is set. Raises DemoProblem."""
    secrets_of_demo = _kept_secrets(kept)
    environment = {name: text for name, text in os.environ.items() if name not in OF_A_REAL_SET_UP} | {
        "DATABASE_URL": database_url,
        "BASE_URL": base_url,
        "SECRET_KEY": secrets_of_demo["SECRET_KEY"],
        "CRON_SECRET": secrets_of_demo["CRON_SECRET"],
    }
    if brings_own_stripe(os.environ):
        return environment, None
    webhook = {
        "STRIPE_SIMULATOR_WEBHOOK_URL": f"{base_url}/api/webhook",
        "STRIPE_SIMULATOR_WEBHOOK_SECRET": secrets_of_demo["STRIPE_WEBHOOK_SECRET"],
        "STRIPE_SIMULATOR_DATABASE_URL": simulator_database_url,
    }
    simulator = Simulator(_first_free_port(SIMULATOR_PORT), os.environ | webhook)
    environment |= {
        "STRIPE_SECRET_KEY": SIMULATOR_KEY,
        "STRIPE_WEBHOOK_SECRET": secrets_of_demo["STRIPE_WEBHOOK_SECRET"],
        "STRIPE_API_BASE": simulator.url,
    }
    return environment, simulator


def running_demo(local: Path) -> dict[str, str]:
    """The environment of the demo that runs with this folder, for commands beside it. Raises DemoProblem."""
    try:
        return msgspec.json.decode((local / RUNNING).read_bytes(), type=dict[str, str])
    except FileNotFoundError:
        raise DemoProblem("No demo runs here. Start it with: make run") from None


@contextmanager
def readable_by_commands(environment: Mapping[str, str], local: Path) -> Generator[None]:
    """While the block runs, `--demo` finds the demo's own variables. For this user's eyes: they hold its secrets."""
    file = local / RUNNING
    file.unlink(missing_ok=True)
    file.touch(mode=0o600)
    file.write_bytes(
        msgspec.json.encode({name: environment[name] for name in OF_THE_BOX_OFFICE if name in environment})
    )
    try:
        yield
    finally:
        file.unlink(missing_ok=True)


def brings_own_stripe(environment: Mapping[str, str]) -> bool:
    """Whether any key or address of Stripe's is set; Settings then says what else is needed. Refuses a live key."""
    if environment.get("STRIPE_SECRET_KEY", "").strip().startswith(("sk_live_", "rk_live_")):
        raise DemoProblem(
            "STRIPE_SECRET_KEY is a live key: the demo never moves real money. Unset it or set a test key."
        )
    return any(environment.get(name, "").strip() for name in OWN_STRIPE)


def _kept_secrets(file: Path) -> dict[str, str]:
    """Made at the first start and kept, so that links and cookies of yesterday still work."""
    lines = file.read_text().splitlines() if file.exists() else []
    known = dict(line.split("=", 1) for line in lines if "=" in line)
    made = {
        "SECRET_KEY": secrets.token_urlsafe(48),
        "CRON_SECRET": secrets.token_urlsafe(24),
        "STRIPE_WEBHOOK_SECRET": f"whsec_{secrets.token_hex(24)}",
    }
    complete = made | known
    if complete != known:
        file.touch(mode=0o600)
        file.write_text("".join(f"{name}={text}\n" for name, text in complete.items()))
    return complete


def _first_free_port(port: int) -> int:
    while True:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                port += 1
            else:
                return port
