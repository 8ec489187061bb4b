"""Stripe's keys, and where Stripe or the simulator is reached."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from boxoffice.environment.variables import Noted, SettingsProblem, listed, origin, positive

SESSIONS_PER_SECOND = 25
SECRET_KEY_SHAPE = re.compile(r"(?:sk|rk)_(test|live)_\w{4,}", re.ASCII)
PUBLISHABLE_KEY_SHAPE = re.compile(r"pk_(test|live)_\w{4,}", re.ASCII)
WEBHOOK_SECRET_SHAPE = re.compile(r"whsec_[\w+/=-]{4,}", re.ASCII)


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


def read_stripe(values: Mapping[str, str], noted: Noted) -> StripeSettings | None:
    """None when nothing is set, or when what is set could reach the wrong one."""
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
            lambda: positive(values, "STRIPE_SESSIONS_PER_SECOND", SESSIONS_PER_SECOND), SESSIONS_PER_SECOND
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
    address = origin("STRIPE_API_BASE", text, "http://127.0.0.1:12111")
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
    secrets = listed(text)
    if not secrets or not all(WEBHOOK_SECRET_SHAPE.fullmatch(secret) for secret in secrets):
        raise SettingsProblem(
            "STRIPE_WEBHOOK_SECRET must be one or several secrets that begin with whsec_, comma between."
        )
    return secrets
