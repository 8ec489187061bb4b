"""Each environment variable: missing, malformed, of the wrong mode, half of a pair, or misspelt."""

from collections.abc import Callable
from difflib import get_close_matches

from boxoffice.doctor.finding import Finding, ok, problem, warning
from boxoffice.doctor.patient import Patient, without_credentials

Shown = Callable[[str], str]


def _as_it_is(text: str) -> str:
    return text


def _length(text: str) -> str:
    return f"set, {len(text)} characters"


def _mode(text: str) -> str:
    return f"set, a {'live' if '_live_' in text[:8] else 'test'} key"


def _count(text: str) -> str:
    count = len([one for one in text.split(",") if one.strip()])
    return f"set, {count} secret{'' if count == 1 else 's'}"


def _set(_text: str) -> str:
    return "set"


NO_PASSES = "no passes for Apple Wallet"
VARIABLES: dict[str, tuple[Shown, str]] = {
    "DATABASE_URL": (without_credentials, ""),
    "DATABASE_URL_DIRECT": (without_credentials, "migrations use DATABASE_URL"),
    "DATABASE_POOLER": (_as_it_is, "a pooler is known by `-pooler` in its host"),
    "BASE_URL": (_as_it_is, "http://localhost:3000"),
    "SECRET_KEY": (_length, ""),
    "STRIPE_SECRET_KEY": (_mode, "nights can be looked at and free tickets be had; nothing can be paid"),
    "STRIPE_PUBLISHABLE_KEY": (_mode, "it is not needed"),
    "STRIPE_WEBHOOK_SECRET": (_count, "no payments are set up"),
    "STRIPE_API_BASE": (_as_it_is, "Stripe itself"),
    "STRIPE_SESSIONS_PER_SECOND": (_as_it_is, "25, which is Stripe's limit unless it raised yours"),
    "ALLOW_TEST_MODE": (_as_it_is, "a public address refuses a test key"),
    "SMTP_URL": (without_credentials, "mail stays in the mailbox page of a development machine"),
    "MAIL_FROM": (_as_it_is, "the sender of a development machine"),
    "CRON_SECRET": (_length, "/api/cron is closed"),
    "WORKER": (_as_it_is, "apart: `boxoffice worker` runs beside the web"),
    "TRUSTED_PROXIES": (_as_it_is, "no proxy is believed about addresses"),
    "APPLE_PASS_TYPE_ID": (_as_it_is, NO_PASSES),
    "APPLE_TEAM_ID": (_as_it_is, NO_PASSES),
    "APPLE_PASS_CERTIFICATE": (_set, NO_PASSES),
    "APPLE_PASS_KEY": (_set, NO_PASSES),
    "APPLE_PASS_KEY_PASSPHRASE": (_set, "the key, if there is one, is not encrypted"),
    "APPLE_WWDR_CERTIFICATE": (_set, NO_PASSES),
    "GOOGLE_WALLET_ISSUER_ID": (_as_it_is, "no passes for Google Wallet"),
    "GOOGLE_WALLET_SERVICE_ACCOUNT": (_set, "no passes for Google Wallet"),
}
"""How a variable is shown that is set (never a secret), and what it means when it is not."""

CORRECT_IT = "Correct it where the environment is set, or unset it."
ELSEWHERE = {
    "POSTGRES_URL": "DATABASE_URL",
    "DATABASE_URL_UNPOOLED": "DATABASE_URL_DIRECT",
    "STRIPE_API_KEY": "STRIPE_SECRET_KEY",
}
"""What other software calls the same thing."""
NOT_OURS = ("STRIPE_SIMULATOR_", "STRIPE_CLI_")


async def examine(patient: Patient) -> list[Finding]:
    """A finding for every variable, and for those that look like one."""
    return [*(_variable(patient, name) for name in VARIABLES), *_misspelt(patient), *_idle(patient)]


def _variable(patient: Patient, name: str) -> Finding:
    for sentence in patient.reading.problems:
        if sentence.startswith(f"{name} "):
            saw, _, do = sentence.removeprefix(f"{name} ").partition(". ")
            return problem(name, saw.rstrip("."), do or CORRECT_IT)
    show, unset = VARIABLES[name]
    text = patient.reading.given.get(name)
    return ok(name, f"not set: {unset}" if text is None else show(text))


def _misspelt(patient: Patient) -> list[Finding]:
    findings: list[Finding] = []
    given = patient.reading.given
    for name in sorted(given):
        if name in VARIABLES or name.startswith(NOT_OURS):
            continue
        meant = ELSEWHERE.get(name) or next(iter(get_close_matches(name, VARIABLES, 1, 0.85)), None)
        if meant is not None and meant not in given:
            saw = f"set, and nobody reads it; {meant} is not set"
            findings.append(warning(name, saw, f"If it means {meant}, give it that name."))
    return findings


def _idle(patient: Patient) -> list[Finding]:
    """What is set and makes no sense with the rest."""
    settings, given = patient.settings, patient.reading.given
    findings: list[Finding] = []
    if settings.stripe and settings.stripe.livemode and given.get("ALLOW_TEST_MODE"):
        findings.append(warning("ALLOW_TEST_MODE", "set beside a live key", "Unset it: the rehearsal is over."))
    if settings.secret_key and settings.secret_key == settings.cron_secret:
        do = "Make another CRON_SECRET: a scheduler need not know what signs cookies."
        findings.append(warning("CRON_SECRET", "the same as SECRET_KEY", do))
    return findings
