"""Keys derived from SECRET_KEY, one for each purpose, so that one never opens what another closed."""

import hashlib
import hmac
from functools import lru_cache


@lru_cache(maxsize=64)
def derived_key(secret_key: str, purpose: str) -> bytes:
    """32 bytes: HKDF-SHA256 (RFC 5869) of the secret with an empty salt and the purpose as info."""
    extracted = hmac.digest(bytes(32), secret_key.encode(), "sha256")
    return hmac.new(extracted, purpose.encode() + b"\x01", hashlib.sha256).digest()
