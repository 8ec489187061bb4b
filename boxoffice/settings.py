"""The environment, read once: the only reader of os.environ."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.utils import parseaddr
from ipaddress import IPv4Network, IPv6Network, ip_network
from urllib.parse import urlsplit

from boxoffice.environment.stripe import StripeSettings, read_stripe
from boxoffice.environment.variables import (
    Noted,
    SettingsProblem,
    is_this_machine,
    listed,
    one_of,
    origin,
    url_parts,
)
from boxoffice.environment.wallets import (
    AppleWalletSettings,
    GoogleWalletSettings,
    read_apple_wallet,
    read_google_wallet,
)

SECRET_KEY_LENGTH_MIN = 32
DISTINCT_CHARACTERS_MIN = 8
CRON_SECRET_LENGTH_MIN = 16
LOCAL_ADDRESS = "http://localhost:3000"
LOCAL_SENDER = "Box office <tickets@localhost>"
HOW_TO_MAKE_ONE = 'python -c "import secrets; print(secrets.token_urlsafe(48))"'
OF_OTHER_DRIVERS = ("channel_binding", "connect_timeout")
"""Parameters that providers write into the URLs they show; ours would take them for settings of the server."""
SENDER_SHAPE = re.compile(r"[^<>\r\n]*<[^<>@\s]+@[^<>@\s]+>|[^<>@\s]+@[^<>@\s]+")


@dataclass(frozen=True, slots=True)
class Settings:
    """What the box office is told by its surroundings. Secrets stay out of its repr, and so out of logs."""

    database_url: str = field(repr=False)
    database_url_direct: str = field(repr=False)
    database_pooled: bool
    base_url: str
    """Scheme and host, without a slash at its end."""
    secret_key: str = field(repr=False)
    stripe: StripeSettings | None
    """None: nights can be browsed and free orders placed; nothing can be paid."""
    smtp_url: str | None = field(repr=False)
    """smtp:// (STARTTLS) or smtps://; None keeps mail in the development mailbox."""
    mail_from: str
    cron_secret: str | None = field(repr=False)
    worker_inline: bool
    """A request runs the jobs it enqueued; else `boxoffice worker` runs apart."""
    trusted_proxies: tuple[IPv4Network | IPv6Network, ...]
    """Whose X-Forwarded-For is believed."""
    apple_wallet: AppleWalletSettings | None = None
    """None: tickets offer no pass for Apple Wallet."""
    google_wallet: GoogleWalletSettings | None = None

    @property
    def secure(self) -> bool:
        """Whether people come over https: cookies are then `Secure` and `__Host-`."""
        return self.base_url.startswith("https://")

    @property
    def operator_email(self) -> str:
        """Where alarms go: the address that mail is sent from."""
        return parseaddr(self.mail_from)[1]

    @property
    def production(self) -> bool:
        """Whether this is the real thing: https, and not on this machine."""
        return self.secure and not is_this_machine(urlsplit(self.base_url).hostname or "")

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> "Settings":
        """Reads every variable; an empty one counts as unset. Raises SettingsProblem with all that is wrong."""
        return read_environment(environment).whole()


@dataclass(frozen=True, slots=True)
class Reading:
    """The environment as far as it can be read: what is wrong with a variable is said, and it then counts as unset."""

    settings: Settings
    problems: tuple[str, ...]
    """Each begins with the name of its variable; none shows a secret."""
    given: Mapping[str, str] = field(repr=False)
    """Every variable that is set and not empty, trimmed, whoever it is for."""

    def whole(self) -> Settings:
        """The settings, if nothing is wrong with any. Raises SettingsProblem with all that is."""
        if self.problems:
            raise SettingsProblem("\n".join(self.problems))
        return self.settings


def read_environment(environment: Mapping[str, str] | None = None) -> Reading:
    """Reads every variable and keeps every problem. `database_url` and `secret_key` are empty when theirs are wrong."""
    given = os.environ if environment is None else environment
    values = {name: text.strip() for name, text in given.items() if text.strip()}
    noted = Noted()
    read = noted.read
    database_url = read(lambda: _database_url(values), "")
    settings = Settings(
        database_url=database_url,
        database_url_direct=read(lambda: _direct_url(values, database_url), ""),
        database_pooled=read(lambda: one_of(values, "DATABASE_POOLER", "transaction") == "transaction", False),
        base_url=read(lambda: _base_url(values), LOCAL_ADDRESS),
        secret_key=read(lambda: _secret_key(values.get("SECRET_KEY")), ""),
        stripe=read_stripe(values, noted),
        smtp_url=read(lambda: _smtp_url(values.get("SMTP_URL")), None),
        mail_from=read(lambda: _mail_from(values), LOCAL_SENDER),
        cron_secret=read(lambda: _cron_secret(values.get("CRON_SECRET")), None),
        worker_inline=read(lambda: _worker_inline(values), False),
        trusted_proxies=read(lambda: _networks("TRUSTED_PROXIES", values.get("TRUSTED_PROXIES", "")), ()),
        apple_wallet=read_apple_wallet(values, noted),
        google_wallet=read_google_wallet(values, noted),
    )
    test_mode_allowed = read(lambda: one_of(values, "ALLOW_TEST_MODE", "1") == "1", False)
    for problem in _half_a_production(settings, test_mode_allowed=test_mode_allowed):
        noted.note(problem)
    return Reading(settings, tuple(noted.problems), values)


def _half_a_production(settings: Settings, *, test_mode_allowed: bool) -> list[str]:
    """Real money only at a real address, and a real address only with all that it needs."""
    stripe = settings.stripe
    problems: list[str] = []
    if stripe and stripe.livemode and not settings.secure:
        problems.append(
            "BASE_URL must be your public https address when STRIPE_SECRET_KEY is a live key: "
            "buyers come back to it after paying."
        )
    if not settings.production:
        return problems
    if settings.smtp_url is None:
        problems.append("SMTP_URL is not set. Buyers get their tickets by mail: smtp://user:password@host:587.")
    if stripe and stripe.api_base:
        problems.append("STRIPE_API_BASE names a simulator. Unset it: at a public address only Stripe is paid.")
    if stripe and not stripe.api_base and not stripe.livemode and not test_mode_allowed:
        problems.append(
            "STRIPE_SECRET_KEY is a test key at a public address. Set the live key, "
            "or ALLOW_TEST_MODE=1 for a rehearsal in which nobody really pays."
        )
    return problems


def _database_url(values: Mapping[str, str]) -> str:
    text = values.get("DATABASE_URL")
    if text is None:
        raise SettingsProblem(
            "DATABASE_URL is not set. Set it to a PostgreSQL URL (Neon: Dashboard, Connect), "
            "or use `make run`, which brings its own database."
        )
    return _postgres_url("DATABASE_URL", text)


def _direct_url(values: Mapping[str, str], database_url: str) -> str:
    text = values.get("DATABASE_URL_DIRECT")
    return database_url if text is None else _postgres_url("DATABASE_URL_DIRECT", text)


def _worker_inline(values: Mapping[str, str]) -> bool:
    """Vercel has no place for a worker, and says that it is Vercel."""
    said = one_of(values, "WORKER", "apart", "inline")
    return said == "inline" or (said is None and "VERCEL" in values)


def _base_url(values: Mapping[str, str]) -> str:
    if "VERCEL" in values and "BASE_URL" not in values:
        raise SettingsProblem("BASE_URL is not set. Set it to the address people see: https://your-project.vercel.app.")
    return origin("BASE_URL", values.get("BASE_URL", LOCAL_ADDRESS), "https://tickets.example.org")


def _secret_key(text: str | None) -> str:
    if text is None:
        raise SettingsProblem(f"SECRET_KEY is not set. Make one: {HOW_TO_MAKE_ONE}")
    if len(text) < SECRET_KEY_LENGTH_MIN or len(set(text)) < DISTINCT_CHARACTERS_MIN:
        raise SettingsProblem(
            f"SECRET_KEY can be guessed: it is too short or repeats itself. Make one: {HOW_TO_MAKE_ONE}"
        )
    return text


def _cron_secret(text: str | None) -> str | None:
    if text is not None and len(text) < CRON_SECRET_LENGTH_MIN:
        raise SettingsProblem(
            f"CRON_SECRET must have {CRON_SECRET_LENGTH_MIN} characters or more. Make one: {HOW_TO_MAKE_ONE}"
        )
    return text


def _smtp_url(text: str | None) -> str | None:
    if text is None:
        return None
    parts = url_parts(text)
    if parts is None or parts.scheme not in ("smtp", "smtps") or not parts.hostname or parts.path.strip("/"):
        raise SettingsProblem("SMTP_URL is not a mail server's URL. It looks like smtp://user:password@host:587.")
    return text


def _mail_from(values: Mapping[str, str]) -> str:
    text = values.get("MAIL_FROM")
    if text is None:
        if "SMTP_URL" in values:
            raise SettingsProblem("MAIL_FROM is not set. Set the sender: Box office <tickets@example.org>.")
        return LOCAL_SENDER
    if not SENDER_SHAPE.fullmatch(text):
        raise SettingsProblem("MAIL_FROM is not a sender. It looks like Box office <tickets@example.org>.")
    return text


def _postgres_url(name: str, text: str) -> str:
    parts = url_parts(text)
    if (
        parts is None or parts.scheme not in ("postgres", "postgresql") or not parts.hostname or len(parts.path) < 2  # noqa: PLR2004
    ):
        raise SettingsProblem(
            f"{name} is not a PostgreSQL URL. It looks like postgresql://user:password@host/database."
        )
    kept = [entry for entry in parts.query.split("&") if entry.partition("=")[0] not in OF_OTHER_DRIVERS]
    return parts._replace(query="&".join(kept)).geturl()


def _networks(name: str, text: str) -> tuple[IPv4Network | IPv6Network, ...]:
    try:
        return tuple(ip_network(entry) for entry in listed(text))
    except ValueError:
        raise SettingsProblem(
            f"{name} must be addresses or networks with commas between, like 127.0.0.1, 10.0.0.0/8."
        ) from None
