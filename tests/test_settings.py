"""Each variable missing, malformed or of the wrong mode: what the start and `boxoffice doctor` say, without secrets."""

import re
import ssl
from base64 import b64encode
from ipaddress import ip_network

import pytest

from boxoffice.doctor import environment
from boxoffice.doctor.patient import Patient
from boxoffice.environment.variables import SettingsProblem
from boxoffice.settings import Settings, read_environment
from tests.conftest import ROOT, SECRET_KEY
from tests.wallet.keys import apple_environment, google_environment, key_pem

URL = "postgresql://user:canary@db.example/boxoffice"
LOCAL = {"DATABASE_URL": URL, "SECRET_KEY": SECRET_KEY}
TEST_MODE = {"STRIPE_SECRET_KEY": "sk_test_canary1234", "STRIPE_WEBHOOK_SECRET": "whsec_canary1234"}
SIMULATOR = TEST_MODE | {"STRIPE_API_BASE": "http://127.0.0.1:12111"}
LIVE_MODE = TEST_MODE | {"STRIPE_SECRET_KEY": "sk_live_canary1234"}
PUBLIC = {
    "BASE_URL": "https://tickets.example",
    "SMTP_URL": "smtp://user:canary@mail.example:587",
    "MAIL_FROM": "tickets@example.org",
}
APPLE = apple_environment()
GOOGLE = google_environment()


Wrong = tuple[dict[str, str], str]
TABLE: list[Wrong] = [
    ({"DATABASE_URL": ""}, "DATABASE_URL is not set"),
    ({"DATABASE_URL": "mysql://db.example/boxoffice"}, "DATABASE_URL is not a PostgreSQL URL"),
    ({"DATABASE_URL": "postgresql://db.example"}, "DATABASE_URL is not a PostgreSQL URL"),
    ({"DATABASE_URL": "postgresql://db.example:port/boxoffice"}, "DATABASE_URL is not a PostgreSQL URL"),
    ({"DATABASE_URL_DIRECT": "x"}, "DATABASE_URL_DIRECT is not a PostgreSQL URL"),
    ({"DATABASE_POOLER": "session"}, "DATABASE_POOLER must be"),
    ({"BASE_URL": "tickets.example"}, "BASE_URL must be"),
    ({"BASE_URL": "https://tickets.example/shop"}, "BASE_URL must be"),
    ({"BASE_URL": "https://user:canary@tickets.example"}, "BASE_URL must be"),
    ({"SECRET_KEY": ""}, "SECRET_KEY is not set"),
    ({"SECRET_KEY": "canary" * 5}, "SECRET_KEY can be guessed"),
    ({"SECRET_KEY": "canary" * 9}, "SECRET_KEY can be guessed"),
    ({"STRIPE_SECRET_KEY": "sk_test_canary1234"}, "STRIPE_WEBHOOK_SECRET is not set"),
    ({"STRIPE_WEBHOOK_SECRET": "whsec_canary1234"}, "STRIPE_WEBHOOK_SECRET is set, STRIPE_SECRET_KEY is not"),
    ({"STRIPE_PUBLISHABLE_KEY": "pk_test_canary1234"}, "STRIPE_PUBLISHABLE_KEY is set, STRIPE_SECRET_KEY is not"),
    ({"STRIPE_API_BASE": "http://127.0.0.1:12111"}, "STRIPE_API_BASE is set, STRIPE_SECRET_KEY is not"),
    (TEST_MODE | {"STRIPE_SECRET_KEY": "pk_test_canary1234"}, "STRIPE_SECRET_KEY must begin with"),
    (TEST_MODE | {"STRIPE_SECRET_KEY": "canary"}, "STRIPE_SECRET_KEY must begin with"),
    (TEST_MODE | {"STRIPE_WEBHOOK_SECRET": "whsec_canary1234, canary"}, "STRIPE_WEBHOOK_SECRET must be"),
    (TEST_MODE | {"STRIPE_WEBHOOK_SECRET": ","}, "STRIPE_WEBHOOK_SECRET must be"),
    (TEST_MODE | {"STRIPE_PUBLISHABLE_KEY": "sk_test_canary1234"}, "STRIPE_PUBLISHABLE_KEY must begin with"),
    (TEST_MODE | {"STRIPE_PUBLISHABLE_KEY": "pk_live_canary1234"}, "STRIPE_PUBLISHABLE_KEY is a live key"),
    (TEST_MODE | {"STRIPE_API_BASE": "127.0.0.1:12111"}, "STRIPE_API_BASE must be"),
    (TEST_MODE | {"STRIPE_SESSIONS_PER_SECOND": "0"}, "STRIPE_SESSIONS_PER_SECOND must be"),
    (TEST_MODE | {"STRIPE_SESSIONS_PER_SECOND": "fast"}, "STRIPE_SESSIONS_PER_SECOND must be"),
    (SIMULATOR | LIVE_MODE, "STRIPE_API_BASE names a simulator"),
    (LIVE_MODE, "BASE_URL must be your public https address"),
    ({"SMTP_URL": "mail.example:587"}, "SMTP_URL is not a mail server's URL"),
    ({"SMTP_URL": "smtp://user:canary@mail.example"}, "MAIL_FROM is not set"),
    ({"MAIL_FROM": "Box office"}, "MAIL_FROM is not a sender"),
    ({"MAIL_FROM": "Box office <tickets@example.org>\r\nBcc: all@example.org"}, "MAIL_FROM is not a sender"),
    ({"CRON_SECRET": "canary"}, "CRON_SECRET must have 16 characters"),
    ({"WORKER": "yes"}, "WORKER must be unset or one of: apart, inline"),
    ({"TRUSTED_PROXIES": "10.0.0.0/8, proxy.example"}, "TRUSTED_PROXIES must be"),
    ({"ALLOW_TEST_MODE": "yes"}, "ALLOW_TEST_MODE must be"),
    (APPLE | {"APPLE_PASS_TYPE_ID": ""}, "APPLE_PASS_TYPE_ID is not set, APPLE_TEAM_ID is"),
    (APPLE | {"APPLE_PASS_TYPE_ID": "org.example.tickets"}, "APPLE_PASS_TYPE_ID must be"),
    ({"APPLE_PASS_TYPE_ID": "pass.org.example.tickets"}, "APPLE_TEAM_ID is not set"),
    (APPLE | {"APPLE_TEAM_ID": "Tiefdruck"}, "APPLE_TEAM_ID must be"),
    (APPLE | {"APPLE_PASS_CERTIFICATE": ""}, "APPLE_PASS_CERTIFICATE is not set"),
    (APPLE | {"APPLE_PASS_CERTIFICATE": "canary"}, "APPLE_PASS_CERTIFICATE must be a certificate"),
    (APPLE | {"APPLE_PASS_CERTIFICATE": APPLE["APPLE_PASS_KEY"]}, "APPLE_PASS_CERTIFICATE must be a certificate"),
    (APPLE | {"APPLE_PASS_KEY": ""}, "APPLE_PASS_KEY is not set"),
    (APPLE | {"APPLE_PASS_KEY": APPLE["APPLE_PASS_CERTIFICATE"]}, "APPLE_PASS_KEY must be a private key"),
    (APPLE | {"APPLE_PASS_KEY": key_pem("pass", "canary")}, "APPLE_PASS_KEY_PASSPHRASE is not set"),
    ({"APPLE_PASS_KEY_PASSPHRASE": "canary"}, "APPLE_PASS_KEY_PASSPHRASE is set, APPLE_PASS_KEY is not"),
    (APPLE | {"APPLE_WWDR_CERTIFICATE": ""}, "APPLE_WWDR_CERTIFICATE is not set"),
    (APPLE | {"APPLE_WWDR_CERTIFICATE": "canary"}, "APPLE_WWDR_CERTIFICATE must be a certificate"),
    (GOOGLE | {"GOOGLE_WALLET_ISSUER_ID": ""}, "GOOGLE_WALLET_ISSUER_ID is not set"),
    (GOOGLE | {"GOOGLE_WALLET_ISSUER_ID": "canary"}, "GOOGLE_WALLET_ISSUER_ID must be"),
    (GOOGLE | {"GOOGLE_WALLET_SERVICE_ACCOUNT": ""}, "GOOGLE_WALLET_SERVICE_ACCOUNT is not set"),
    (GOOGLE | {"GOOGLE_WALLET_SERVICE_ACCOUNT": '{"client_email": "canary"}'}, "GOOGLE_WALLET_SERVICE_ACCOUNT must be"),
    (GOOGLE | {"GOOGLE_WALLET_SERVICE_ACCOUNT": "canary"}, "GOOGLE_WALLET_SERVICE_ACCOUNT must be"),
    (google_environment("http://canary.example/token"), "GOOGLE_WALLET_SERVICE_ACCOUNT must name a token_uri"),
    (PUBLIC | {"SMTP_URL": ""}, "SMTP_URL is not set"),
    (PUBLIC | TEST_MODE, "STRIPE_SECRET_KEY is a test key"),
    (PUBLIC | SIMULATOR, "STRIPE_API_BASE names a simulator"),
    (PUBLIC | SIMULATOR | {"ALLOW_TEST_MODE": "1"}, "STRIPE_API_BASE names a simulator"),
    (PUBLIC | LIVE_MODE | {"STRIPE_WEBHOOK_SECRET": ""}, "STRIPE_WEBHOOK_SECRET is not set"),
]
"""What is changed in a good environment, and how the sentence begins that the start and `doctor` both say."""


@pytest.mark.parametrize(("changed", "named"), TABLE)
def test_the_start_is_refused_and_names_the_variable_without_secrets(changed: dict[str, str], named: str) -> None:
    with pytest.raises(SettingsProblem) as problem:
        Settings.from_environment(LOCAL | changed)
    assert named in str(problem.value)
    assert "canary" not in str(problem.value)


@pytest.mark.parametrize(("changed", "named"), TABLE)
async def test_doctor_says_the_same_of_the_same_variable(changed: dict[str, str], named: str) -> None:
    reading = read_environment(LOCAL | changed)
    findings = await environment.examine(Patient.of(reading))
    problems = [finding for finding in findings if finding.level == "problem"]
    assert any(f"{finding.what} {finding.saw}".startswith(named) for finding in problems)
    assert all(finding.do for finding in problems)
    assert [f"{finding.what} {finding.saw}" for finding in problems] == [
        sentence.partition(". ")[0].rstrip(".") for sentence in sorted(reading.problems, key=_place)
    ]
    assert "canary" not in str([finding for finding in findings if finding.what != "STRIPE_PUBLISHABLE_KEY"])
    assert "canary" not in str(reading)


def _place(sentence: str) -> int:
    return list(environment.VARIABLES).index(sentence.split(maxsplit=1)[0])


def test_every_row_is_about_one_more_variable_than_before() -> None:
    """The table knows every variable that can be wrong."""
    named = {named.split()[0] for _, named in TABLE}
    assert named | {"STRIPE_SESSIONS_PER_SECOND"} == set(environment.VARIABLES)


def test_everything_that_is_wrong_is_said_at_once() -> None:
    with pytest.raises(SettingsProblem) as problem:
        Settings.from_environment({"SMTP_URL": "x", "WORKER": "yes", "STRIPE_API_BASE": "x"})
    names = [line.split()[0] for line in str(problem.value).splitlines()]
    assert names == ["DATABASE_URL", "SECRET_KEY", "STRIPE_API_BASE", "SMTP_URL", "MAIL_FROM", "WORKER"]


def test_a_key_is_never_shown_to_stripe_when_its_stand_in_is_misnamed() -> None:
    reading = read_environment(LOCAL | TEST_MODE | {"STRIPE_API_BASE": "127.0.0.1:12111"})
    assert reading.settings.stripe is None


async def test_doctor_finds_what_is_misspelt_or_called_as_elsewhere() -> None:
    changed = {"STRIPE_WEBHOK_SECRET": "whsec_canary1234", "POSTGRES_URL": URL, "STRIPE_SIMULATOR_PORT": "1"}
    findings = await environment.examine(Patient.of(read_environment({"SECRET_KEY": SECRET_KEY} | changed)))
    warnings = {finding.what: finding.do for finding in findings if finding.level == "warning"}
    assert warnings == {
        "STRIPE_WEBHOK_SECRET": "If it means STRIPE_WEBHOOK_SECRET, give it that name.",
        "POSTGRES_URL": "If it means DATABASE_URL, give it that name.",
    }


async def test_doctor_has_a_line_for_every_documented_variable_and_shows_no_secret() -> None:
    everything = (
        LIVE_MODE
        | PUBLIC
        | APPLE
        | GOOGLE
        | {
            "DATABASE_URL_DIRECT": URL,
            "STRIPE_PUBLISHABLE_KEY": "pk_live_1234",
            "CRON_SECRET": "canary" * 3,
        }
    )
    findings = await environment.examine(Patient.of(read_environment(LOCAL | everything)))
    assert {finding.what for finding in findings} == set(_documented())
    assert {finding.level for finding in findings} == {"ok"}
    assert "canary" not in str(findings)


def test_two_variables_are_enough_on_this_machine() -> None:
    settings = Settings.from_environment(dict.fromkeys(_documented(), "") | LOCAL)
    assert settings == Settings.from_environment(LOCAL)
    assert (settings.database_url_direct, settings.database_pooled) == (URL, False)
    assert (settings.base_url, settings.secure, settings.production) == ("http://localhost:3000", False, False)
    assert (settings.stripe, settings.smtp_url, settings.cron_secret) == (None, None, None)
    assert (settings.mail_from, settings.worker_inline, settings.trusted_proxies) == (
        "Box office <tickets@localhost>",
        False,
        (),
    )


def test_production_with_everything() -> None:
    settings = Settings.from_environment(
        LOCAL
        | PUBLIC
        | {
            "BASE_URL": "https://tickets.example/",
            "STRIPE_SECRET_KEY": "rk_live_canary1234",
            "STRIPE_PUBLISHABLE_KEY": "pk_live_canary1234",
            "STRIPE_WEBHOOK_SECRET": "whsec_canary1234, whsec_older1234\n",
            "STRIPE_SESSIONS_PER_SECOND": "100",
            "CRON_SECRET": "canary" * 3,
            "WORKER": "inline",
            "TRUSTED_PROXIES": "127.0.0.1, 10.0.0.0/8,fd00::/8",
        }
    )
    assert (settings.base_url, settings.secure, settings.production) == ("https://tickets.example", True, True)
    assert settings.trusted_proxies == (ip_network("127.0.0.1/32"), ip_network("10.0.0.0/8"), ip_network("fd00::/8"))
    assert (settings.worker_inline, settings.mail_from) == (True, "tickets@example.org")
    stripe = settings.stripe
    assert stripe is not None
    assert stripe.webhook_secrets == ("whsec_canary1234", "whsec_older1234")
    assert (stripe.livemode, stripe.api_base, stripe.sessions_per_second) == (True, None, 100)
    assert stripe.checkout_origin == "https://checkout.stripe.com"
    assert "canary" not in repr(settings).replace("pk_live_canary1234", "")


@pytest.mark.parametrize("written", ["as it is", "on one line", "Base64 of PEM", "Base64 of DER", "after words"])
def test_a_certificate_may_be_written_as_each_host_wants_it(written: str) -> None:
    pem = APPLE["APPLE_PASS_CERTIFICATE"]
    der = ssl.PEM_cert_to_DER_cert(pem)
    text = {
        "as it is": pem,
        "on one line": pem.strip().replace("\n", "\\n"),
        "Base64 of PEM": b64encode(pem.encode()).decode(),
        "Base64 of DER": b64encode(der).decode(),
        "after words": f"Bag Attributes\n    friendlyName: Pass Type ID\n{pem}",
    }[written]
    apple = Settings.from_environment(LOCAL | APPLE | {"APPLE_PASS_CERTIFICATE": text}).apple_wallet
    assert apple is not None
    assert ssl.PEM_cert_to_DER_cert(apple.certificate) == der


def test_both_wallets_with_everything() -> None:
    account = b64encode(GOOGLE["GOOGLE_WALLET_SERVICE_ACCOUNT"].encode()).decode()
    locked = {"APPLE_PASS_KEY": key_pem("pass", "canary phrase"), "APPLE_PASS_KEY_PASSPHRASE": "canary phrase"}
    settings = Settings.from_environment(LOCAL | APPLE | locked | GOOGLE | {"GOOGLE_WALLET_SERVICE_ACCOUNT": account})
    assert settings.apple_wallet is not None
    assert settings.google_wallet == Settings.from_environment(LOCAL | GOOGLE).google_wallet
    assert (settings.apple_wallet.push_base, settings.apple_wallet.key_passphrase) == (
        "https://api.push.apple.com",
        "canary phrase",
    )
    assert "PRIVATE" not in repr(settings)
    assert "canary" not in repr(settings)


def test_the_simulator_on_this_machine() -> None:
    stripe = Settings.from_environment(LOCAL | SIMULATOR | {"STRIPE_API_BASE": "http://127.0.0.1:12111/"}).stripe
    assert stripe is not None
    assert (stripe.livemode, stripe.api_base) == (False, "http://127.0.0.1:12111")
    assert stripe.checkout_origin == "http://127.0.0.1:12111"


def test_a_rehearsal_at_a_public_address() -> None:
    settings = Settings.from_environment(LOCAL | PUBLIC | TEST_MODE | {"ALLOW_TEST_MODE": "1"})
    assert settings.production
    assert settings.stripe is not None
    assert not settings.stripe.livemode


@pytest.mark.parametrize("host", ["localhost:3000", "box.localhost", "127.0.0.1:3000", "[::1]:3000"])
def test_https_on_this_machine_is_secure_but_not_production(host: str) -> None:
    settings = Settings.from_environment(LOCAL | {"BASE_URL": f"https://{host}"})
    assert (settings.secure, settings.production) == (True, False)


def test_the_example_lists_every_variable_that_is_read() -> None:
    files = [ROOT / "boxoffice" / "settings.py", *sorted((ROOT / "boxoffice" / "environment").glob("*.py"))]
    read = re.findall(r'"([A-Z]+(?:_[A-Z]+)*)"', "".join(file.read_text() for file in files))
    assert set(read) - {"VERCEL"} == set(_documented()), "Vercel itself sets VERCEL"


def test_the_readme_tells_of_every_variable_of_a_real_set_up() -> None:
    rows = [line.split("|")[1] for line in (ROOT / "README.md").read_text().splitlines() if line.startswith("| `")]
    told = {name for row in rows for name in re.findall(r"`([A-Z_]+)`", row)}
    assert set(_documented()) - {"STRIPE_API_BASE"} <= told, "the simulator's address alone is no part of one"


def _documented() -> list[str]:
    """The variables of .env.example, each with one line of comment before it."""
    lines = (ROOT / ".env.example").read_text().splitlines()
    assert all(line.startswith("#") for line in lines[::2])
    return [line.partition("=")[0] for line in lines[1::2]]


def test_a_url_as_neon_shows_it_reaches_both_drivers_without_what_they_do_not_know() -> None:
    shown = "postgresql://user:p%40ss@ep-calm-pooler.example/neondb?sslmode=require&channel_binding=require"
    settings = Settings.from_environment(LOCAL | {"DATABASE_URL": shown})
    meant = "postgresql://user:p%40ss@ep-calm-pooler.example/neondb?sslmode=require"
    assert (settings.database_url, settings.database_url_direct) == (meant, meant)


def test_vercel_has_no_worker_and_says_where_it_is_seen() -> None:
    with pytest.raises(SettingsProblem, match="BASE_URL is not set"):
        Settings.from_environment(LOCAL | {"VERCEL": "1"})
    there = LOCAL | PUBLIC | {"VERCEL": "1"}
    assert Settings.from_environment(there).worker_inline
    assert not Settings.from_environment(there | {"WORKER": "apart"}).worker_inline
    assert not Settings.from_environment(LOCAL | PUBLIC).worker_inline
