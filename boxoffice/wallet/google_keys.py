"""The service account's key, and the JSON Web Tokens (RFC 7519, RS256) that it signs. Loads cryptography."""

import json
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from functools import lru_cache

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from boxoffice.environment.wallets import GoogleWalletSettings


class KeyUnfit(ValueError):
    """The service account's private key cannot be read."""


@lru_cache(maxsize=4)
def google_key(google: GoogleWalletSettings) -> rsa.RSAPrivateKey:
    """Raises KeyUnfit."""
    try:
        key = serialization.load_pem_private_key(google.private_key.encode(), None)
    except (ValueError, TypeError):
        key = None
    if not isinstance(key, rsa.RSAPrivateKey):
        raise KeyUnfit("the private_key in GOOGLE_WALLET_SERVICE_ACCOUNT cannot be read as an RSA key")
    return key


def signed_token(google: GoogleWalletSettings, claims: Mapping[str, object]) -> str:
    """The claims as a signed token. Raises KeyUnfit."""
    header = {"alg": "RS256", "typ": "JWT", "kid": google.private_key_id}
    text = f"{_packed(header)}.{_packed(claims)}"
    signature = google_key(google).sign(text.encode(), padding.PKCS1v15(), hashes.SHA256())
    return f"{text}.{_base64url(signature)}"


def _packed(value: Mapping[str, object]) -> str:
    return _base64url(json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode())


def _base64url(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()
