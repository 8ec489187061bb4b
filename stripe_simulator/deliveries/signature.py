"""The `Stripe-Signature` header: `t=<unix>,v1=<hex>` with one `v1` per valid secret, and in test mode a `v0`."""

import hashlib
import hmac
from collections.abc import Iterable

TEST_MODE_KEY = "v0"


def signature(secret: str, moment: int, body: bytes) -> str:
    """HMAC-SHA256 over `<moment>.<body>`, keyed with the whole `whsec_...` string."""
    message = str(moment).encode() + b"." + body
    return hmac.new(secret.encode(), message, hashlib.sha256).hexdigest()


def signature_header(secrets: Iterable[str], moment: int, body: bytes) -> str:
    """The header for one message; receivers must take any matching `v1` and ignore `v0`."""
    signed = [f"v1={signature(secret, moment, body)}" for secret in secrets]
    return ",".join([f"t={moment}", *signed, f"v0={signature(TEST_MODE_KEY, moment, body)}"])
