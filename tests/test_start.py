"""How the web application starts: little is loaded by importing it, the rest while a server comes up."""

import os
import subprocess
import sys
from importlib.util import find_spec

SLOW = (
    *("aiosmtplib", "babel", "cryptography", "email.headerregistry", "httpx", "icalendar", "jinja2", "markdown_it"),
    *("nh3", "segno", "stripe", "structlog"),
    *("boxoffice.notifications.emails", "boxoffice.foundation.mail"),
)
IMPORT = "import sys, boxoffice.asgi"
SERVE = """
import asyncio, sys, boxoffice.asgi
async def serve():
    async with boxoffice.asgi.app.lifespan():
        print(*sys.modules)
    print(*sys.modules)
asyncio.run(serve())
"""
ENVIRONMENT = {
    "DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none",
    "SECRET_KEY": "a secret of the tests, long enough for them",
    "STRIPE_SECRET_KEY": "sk_test_shop_1234567890",
    "STRIPE_WEBHOOK_SECRET": "whsec_a_secret_of_the_shop",
    "SMTP_URL": "smtp://127.0.0.1:1",
    "MAIL_FROM": "tickets@example.org",
}


def run(program: str) -> list[set[str]]:
    """The modules that each printed line names."""
    done = subprocess.run(
        [sys.executable, "-c", program], env=os.environ | ENVIRONMENT, capture_output=True, text=True, check=True
    )
    return [set(line.split()) for line in done.stdout.splitlines() if not line.startswith("{")]


def test_importing_loads_nothing_that_is_slow_and_not_needed_at_once() -> None:
    (loaded,) = run(f"{IMPORT}; print(*sys.modules)")
    assert "litestar" in loaded
    assert loaded & set(SLOW) == set()


def test_a_server_has_loaded_what_its_first_pages_tickets_and_payments_need() -> None:
    at_the_start, at_the_end = run(SERVE)
    assert {"jinja2", "babel.dates", "babel.numbers"} <= at_the_start
    assert {
        "aiosmtplib",
        "boxoffice.notifications.emails",
        "cryptography",
        "markdown_it",
        "nh3",
        "segno",
        "stripe",
    } <= (at_the_end)


def test_what_is_watched_exists() -> None:
    """A name that is misspelled would never be found loaded."""
    assert [name for name in SLOW if find_spec(name) is None] == []
