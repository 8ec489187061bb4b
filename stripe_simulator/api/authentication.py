"""Who is calling: a secret key as Bearer token or Basic user. Live keys are refused."""

import base64
import binascii

from stripe_simulator.errors import BadKey, Forbidden

SECRET_PREFIXES = ("sk_test_", "rk_test_")
LIVE_PREFIXES = ("sk_live_", "rk_live_", "pk_live_")
PUBLISHABLE_PREFIX = "pk_test_"
SHOWN = 4


def key_from_header(authorization: str | None) -> str | None:
    """The key in an `Authorization` header."""
    scheme, _, rest = (authorization or "").partition(" ")
    if scheme.lower() == "bearer":
        return rest.strip() or None
    if scheme.lower() == "basic":
        try:
            return base64.b64decode(rest).decode().partition(":")[0] or None
        except (binascii.Error, UnicodeDecodeError):
            return None
    return None


def check_key(key: str | None, *, publishable: bool = False) -> None:
    """Refuse a missing, live or unknown key, and a publishable one where a secret one is needed."""
    if not key:
        raise BadKey("You did not provide an API key. Send it as `Authorization: Bearer sk_test_...`.")
    if key.startswith(LIVE_PREFIXES):
        raise BadKey("This is a live key. The simulator takes test keys only; keep live keys away from it.")
    if key.startswith(PUBLISHABLE_PREFIX):
        if publishable:
            return
        raise Forbidden(
            "This API call cannot be made with a publishable key. Use a secret key.", code="secret_key_required"
        )
    if not key.startswith(SECRET_PREFIXES):
        raise BadKey(f"Invalid API Key provided: {'*' * 8}{key[-SHOWN:] if len(key) > 2 * SHOWN else ''}")
