"""The environment, read once: the only reader of os.environ."""

import json
import os
import re
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.utils import parseaddr
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Any, TypeVar, cast
from urllib.parse import SplitResult, urlsplit

Value = TypeVar("Value")

SECRET_KEY_LENGTH_MIN = 32
DISTINCT_CHARACTERS_MIN = 8
CRON_SECRET_LENGTH_MIN = 16
SESSIONS_PER_SECOND = 25
LOCAL_ADDRESS = "http://localhost:3000"
LOCAL_SENDER = "Box office <tickets@localhost>"
HOW_TO_MAKE_ONE = 'python -c "import secrets; print(secrets.token_urlsafe(48))"'
SECRET_KEY_SHAPE = re.compile(r"(?:sk|rk)_(test|live)_\w{4,}", re.ASCII)
PUBLISHABLE_KEY_SHAPE = re.compile(r"pk_(test|live)_\w{4,}", re.ASCII)
WEBHOOK_SECRET_SHAPE = re.compile(r"whsec_[\w+/=-]{4,}", re.ASCII)
OF_OTHER_DRIVERS = ("channel_binding", "connect_timeout")
"""Parameters that providers write into the URLs they show; ours would take them for settings of the server."""
APPLE_PASS_TYPE_SHAPE = re.compile(r"pass\.[A-Za-z0-9][A-Za-z0-9.-]*")
APPLE_TEAM_SHAPE = re.compile(r"[A-Z0-9]{10}")
GOOGLE_ISSUER_SHAPE = re.compile(r"[0-9]{5,25}")
PEM_SHAPE = re.compile(
    r"-----BEGIN (CERTIFICATE|(?:RSA |EC |ENCRYPTED )?PRIVATE KEY)-----.+?-----END \1-----", re.DOTALL
)
WALLETS_GUIDE = "docs/deploy/wallets.md"
SENDER_SHAPE = re.compile(r"[^<>\r\n]*<[^<>@\s]+@[^<>@\s]+>|[^<>@\s]+@[^<>@\s]+")


class SettingsProblem(ValueError):
    """Environment variables are missing or malformed; each line names one and says what to do."""


@dataclass(frozen=True, slots=True)
class StripeSettings:
    """How to reach Stripe, or the simulator in its place."""

    secret_key: str = field(repr=False)
    publishable_key: str | None
    webhook_secrets: tuple[str, ...] = field(repr=False)
    """Several while a secret is being exchanged; a delivery signed with any of them is genuine."""
    api_base: str | None
    """The simulator's address, without a slash at its end; None is Stripe."""
    sessions_per_second: int = SESSIONS_PER_SECOND
    """Checkout Sessions that may be created in a second, all processes together."""

    @property
    def livemode(self) -> bool:
        """Whether real money moves."""
        return self.secret_key.startswith(("sk_live_", "rk_live_"))

    @property
    def checkout_origin(self) -> str:
        """Where the hosted payment page lives: a form of ours may lead there."""
        return self.api_base or "https://checkout.stripe.com"


@dataclass(frozen=True, slots=True)
class AppleWalletSettings:
    """What signs passes for Apple Wallet and tells phones of changes. Certificates and key are PEM."""

    pass_type_id: str
    team_id: str
    certificate: str = field(repr=False)
    key: str = field(repr=False)
    key_passphrase: str | None = field(repr=False)
    wwdr_certificate: str = field(repr=False)
    """Apple's own, which issued `certificate`."""
    push_base: str = "https://api.push.apple.com"
    push_authority: str | None = None
    """PEM of whom the push service's certificate is believed from; None: the public ones. No variable sets either: they
    are for stand-ins in tests."""


@dataclass(frozen=True, slots=True)
class GoogleWalletSettings:
    """The issuer account of Google Wallet, and the service account that acts for it."""

    issuer_id: str
    client_email: str
    private_key_id: str
    private_key: str = field(repr=False)
    token_uri: str
    api_base: str = "https://walletobjects.googleapis.com"
    """No variable sets it: it is for stand-ins in tests."""


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
    noted = _Noted()
    read = noted.read
    database_url = read(lambda: _database_url(values), "")
    settings = Settings(
        database_url=database_url,
        database_url_direct=read(lambda: _direct_url(values, database_url), ""),
        database_pooled=read(lambda: _one_of(values, "DATABASE_POOLER", "transaction") == "transaction", False),
        base_url=read(lambda: _base_url(values), LOCAL_ADDRESS),
        secret_key=read(lambda: _secret_key(values.get("SECRET_KEY")), ""),
        stripe=_stripe(values, noted),
        smtp_url=read(lambda: _smtp_url(values.get("SMTP_URL")), None),
        mail_from=read(lambda: _mail_from(values), LOCAL_SENDER),
        cron_secret=read(lambda: _cron_secret(values.get("CRON_SECRET")), None),
        worker_inline=read(lambda: _worker_inline(values), False),
        trusted_proxies=read(lambda: _networks("TRUSTED_PROXIES", values.get("TRUSTED_PROXIES", "")), ()),
        apple_wallet=_apple_wallet(values, noted),
        google_wallet=_google_wallet(values, noted),
    )
    test_mode_allowed = read(lambda: _one_of(values, "ALLOW_TEST_MODE", "1") == "1", False)
    for problem in _half_a_production(settings, test_mode_allowed=test_mode_allowed):
        noted.note(problem)
    return Reading(settings, tuple(noted.problems), values)


class _Noted:
    """What is wrong, at most one sentence a variable."""

    def __init__(self) -> None:
        self.problems: list[str] = []

    def read(self, reader: Callable[[], Value], instead: Value) -> Value:
        """What `reader` gives, or `instead` when it raises SettingsProblem."""
        try:
            return reader()
        except SettingsProblem as problem:
            self.note(str(problem))
            return instead

    def note(self, sentence: str) -> None:
        """Keeps it, unless something was wrong with the same variable already."""
        name = sentence.split(" ", 1)[0]
        if not any(known.startswith(f"{name} ") for known in self.problems):
            self.problems.append(sentence)


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


def _stripe(values: Mapping[str, str], noted: _Noted) -> StripeSettings | None:
    secret_key = values.get("STRIPE_SECRET_KEY")
    if secret_key is None:
        for name in ("STRIPE_WEBHOOK_SECRET", "STRIPE_PUBLISHABLE_KEY", "STRIPE_API_BASE"):
            if name in values:
                noted.note(f"{name} is set, STRIPE_SECRET_KEY is not. Set both, or neither.")
        return None
    beginnings = "sk_test_, sk_live_, rk_test_ or rk_live_"
    mode = noted.read(lambda: _stripe_mode("STRIPE_SECRET_KEY", secret_key, SECRET_KEY_SHAPE, beginnings), "")
    settings = StripeSettings(
        secret_key=secret_key,
        publishable_key=noted.read(lambda: _publishable_key(values.get("STRIPE_PUBLISHABLE_KEY"), mode), None),
        webhook_secrets=noted.read(lambda: _webhook_secrets(values.get("STRIPE_WEBHOOK_SECRET")), ()),
        api_base=noted.read(lambda: _api_base(values.get("STRIPE_API_BASE"), mode), None),
        sessions_per_second=noted.read(
            lambda: _positive(values, "STRIPE_SESSIONS_PER_SECOND", SESSIONS_PER_SECOND), SESSIONS_PER_SECOND
        ),
    )
    # Without its own stand-in's address a key must not be shown to Stripe: nothing is asked of anybody then.
    misdirected = "STRIPE_API_BASE" in values and settings.api_base is None
    return settings if mode and not misdirected else None


def _publishable_key(text: str | None, mode: str) -> str | None:
    if text is None:
        return None
    shown = _stripe_mode("STRIPE_PUBLISHABLE_KEY", text, PUBLISHABLE_KEY_SHAPE, "pk_test_ or pk_live_")
    if mode and shown != mode:
        raise SettingsProblem(
            f"STRIPE_PUBLISHABLE_KEY is a {shown} key, STRIPE_SECRET_KEY a {mode} key. Take both from one mode."
        )
    return text


def _api_base(text: str | None, mode: str) -> str | None:
    if text is None:
        return None
    address = _origin("STRIPE_API_BASE", text, "http://127.0.0.1:12111")
    if mode == "live":
        raise SettingsProblem("STRIPE_API_BASE names a simulator, STRIPE_SECRET_KEY is a live key. Unset one.")
    return address


def _stripe_mode(name: str, key: str, shape: re.Pattern[str], beginnings: str) -> str:
    match = shape.fullmatch(key)
    if match is None:
        raise SettingsProblem(f"{name} must begin with {beginnings}. Copy it from Stripe's Dashboard, API keys.")
    return match[1]


def _webhook_secrets(text: str | None) -> tuple[str, ...]:
    if text is None:
        raise SettingsProblem(
            "STRIPE_WEBHOOK_SECRET is not set. Take it from Stripe's Dashboard, Webhooks, or from `stripe listen`: "
            "without it no payment is heard of."
        )
    secrets = _listed(text)
    if not secrets or not all(WEBHOOK_SECRET_SHAPE.fullmatch(secret) for secret in secrets):
        raise SettingsProblem(
            "STRIPE_WEBHOOK_SECRET must be one or several secrets that begin with whsec_, comma between."
        )
    return secrets


def _apple_wallet(values: Mapping[str, str], noted: _Noted) -> AppleWalletSettings | None:
    group = (
        "APPLE_PASS_TYPE_ID", "APPLE_TEAM_ID", "APPLE_PASS_CERTIFICATE", "APPLE_PASS_KEY", "APPLE_WWDR_CERTIFICATE",
    )  # fmt: skip
    if not _whole_group(values, group, noted):
        if "APPLE_PASS_KEY_PASSPHRASE" in values and "APPLE_PASS_KEY" not in values:
            noted.note("APPLE_PASS_KEY_PASSPHRASE is set, APPLE_PASS_KEY is not. Set both, or neither.")
        return None
    certificate, key, authority = group[2:]
    read = AppleWalletSettings(
        pass_type_id=noted.read(
            lambda: _shaped(values, group[0], APPLE_PASS_TYPE_SHAPE, "an identifier like pass.org.example.tickets"), ""
        ),
        team_id=noted.read(lambda: _shaped(values, group[1], APPLE_TEAM_SHAPE, "ten capitals and digits"), ""),
        certificate=noted.read(lambda: _pem(values, certificate, "a certificate"), ""),
        key=noted.read(lambda: _pem(values, key, "a private key"), ""),
        key_passphrase=values.get("APPLE_PASS_KEY_PASSPHRASE"),
        wwdr_certificate=noted.read(lambda: _pem(values, authority, "a certificate"), ""),
    )
    if " ENCRYPTED " in read.key.partition("\n")[0] and not read.key_passphrase:
        noted.note("APPLE_PASS_KEY_PASSPHRASE is not set. APPLE_PASS_KEY is encrypted: set the phrase that opens it.")
        return None
    whole = read.pass_type_id and read.team_id and read.certificate and read.key and read.wwdr_certificate
    return read if whole else None


def _google_wallet(values: Mapping[str, str], noted: _Noted) -> GoogleWalletSettings | None:
    if not _whole_group(values, ("GOOGLE_WALLET_ISSUER_ID", "GOOGLE_WALLET_SERVICE_ACCOUNT"), noted):
        return None
    issuer = noted.read(
        lambda: _shaped(values, "GOOGLE_WALLET_ISSUER_ID", GOOGLE_ISSUER_SHAPE, "the number in Google's console"), ""
    )
    account = noted.read(lambda: _service_account(values["GOOGLE_WALLET_SERVICE_ACCOUNT"]), {})
    if not issuer or not account:
        return None
    return GoogleWalletSettings(issuer, **account)


def _whole_group(values: Mapping[str, str], group: tuple[str, ...], noted: _Noted) -> bool:
    """Whether all of it is set. Of a half-set group each missing one is named."""
    given = [name for name in group if name in values]
    missing = [name for name in group if name not in values]
    if given:
        for name in missing:
            noted.note(f"{name} is not set, {given[0]} is. Set all of them, or none: {WALLETS_GUIDE}.")
    return not missing


def _shaped(values: Mapping[str, str], name: str, shape: re.Pattern[str], words: str) -> str:
    text = values[name]
    if not shape.fullmatch(text):
        raise SettingsProblem(f"{name} must be {words}. See {WALLETS_GUIDE}.")
    return text


def _pem(values: Mapping[str, str], name: str, what: str) -> str:
    """A file's content as PEM: PEM itself, with \\n for its line ends where a host wants one line, or Base64 of PEM or
    of a certificate as Apple serves it (DER)."""
    text = values[name].replace("\\n", "\n")
    if "-----BEGIN" not in text:
        text = _unpacked(text)
    match = PEM_SHAPE.search(text)
    if match is None or match[1].lower().endswith("key") != what.endswith("key"):
        raise SettingsProblem(f"{name} must be {what} as PEM, or Base64 of its file. See {WALLETS_GUIDE}.")
    return f"{match[0]}\n"


def _unpacked(text: str) -> str:
    """What Base64 of a file says; a DER certificate as PEM."""
    try:
        raw = b64decode("".join(text.split()), validate=True)
    except ValueError:
        return ""
    if not raw.startswith(b"\x30"):
        return raw.decode(errors="replace")
    lines = re.findall(".{1,64}", b64encode(raw).decode())
    return "\n".join(("-----BEGIN CERTIFICATE-----", *lines, "-----END CERTIFICATE-----"))


def _service_account(text: str) -> dict[str, str]:
    """The parts of a service account's key file that are needed."""
    name = "GOOGLE_WALLET_SERVICE_ACCOUNT"
    try:
        file = json.loads(text if text.startswith("{") else _unpacked(text))
        fields = cast("dict[str, Any]", file)
        account = {part: str(fields[part]) for part in ("client_email", "private_key_id", "private_key", "token_uri")}
    except (ValueError, KeyError, TypeError):
        raise SettingsProblem(
            f"{name} must be the JSON of a service account's key, or Base64 of its file. See {WALLETS_GUIDE}."
        ) from None
    where = _parts(account["token_uri"])
    if where is None or (where.scheme != "https" and not is_this_machine(where.hostname or "")):
        raise SettingsProblem(f"{name} must name a token_uri with https. Download the key from Google again.")
    return account


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
    said = _one_of(values, "WORKER", "apart", "inline")
    return said == "inline" or (said is None and "VERCEL" in values)


def _base_url(values: Mapping[str, str]) -> str:
    if "VERCEL" in values and "BASE_URL" not in values:
        raise SettingsProblem("BASE_URL is not set. Set it to the address people see: https://your-project.vercel.app.")
    return _origin("BASE_URL", values.get("BASE_URL", LOCAL_ADDRESS), "https://tickets.example.org")


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
    parts = _parts(text)
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
    parts = _parts(text)
    if (
        parts is None or parts.scheme not in ("postgres", "postgresql") or not parts.hostname or len(parts.path) < 2  # noqa: PLR2004
    ):
        raise SettingsProblem(
            f"{name} is not a PostgreSQL URL. It looks like postgresql://user:password@host/database."
        )
    kept = [entry for entry in parts.query.split("&") if entry.partition("=")[0] not in OF_OTHER_DRIVERS]
    return parts._replace(query="&".join(kept)).geturl()


def _origin(name: str, text: str, example: str) -> str:
    parts = _parts(text)
    if (
        parts is None
        or parts.scheme not in ("http", "https")
        or not parts.hostname
        or "@" in parts.netloc
        or parts.path.strip("/")
        or parts.query
        or parts.fragment
    ):
        raise SettingsProblem(f"{name} must be scheme and host alone, like {example}.")
    return f"{parts.scheme}://{parts.netloc}"


def _parts(text: str) -> SplitResult | None:
    """The parts of a URL; None when it cannot be one."""
    try:
        parts = urlsplit(text)
        parts.port  # noqa: B018 - reading it checks it
    except ValueError:
        return None
    return parts


def is_this_machine(host: str) -> bool:
    """Whether the host of a URL is the machine that this runs on."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _networks(name: str, text: str) -> tuple[IPv4Network | IPv6Network, ...]:
    try:
        return tuple(ip_network(entry) for entry in _listed(text))
    except ValueError:
        raise SettingsProblem(
            f"{name} must be addresses or networks with commas between, like 127.0.0.1, 10.0.0.0/8."
        ) from None


def _listed(text: str) -> tuple[str, ...]:
    return tuple(entry.strip() for entry in text.split(",") if entry.strip())


def _positive(values: Mapping[str, str], name: str, default: int) -> int:
    text = values.get(name, str(default))
    if not re.fullmatch(r"[1-9][0-9]{0,5}", text):
        raise SettingsProblem(f"{name} must be a whole number above 0.")
    return int(text)


def _one_of(values: Mapping[str, str], name: str, *allowed: str) -> str | None:
    value = values.get(name)
    if value is not None and value not in allowed:
        raise SettingsProblem(f"{name} must be unset or one of: {', '.join(allowed)}.")
    return value
