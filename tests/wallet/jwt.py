"""Tokens read as whoever receives them reads them: with the public key, by another hand than the signer's."""

import json
from base64 import urlsafe_b64decode
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding

from tests.wallet.keys import private_key


def claims_of(token: str) -> dict[str, Any]:
    """The claims of a token that the service account signed (RS256). Raises InvalidSignature."""
    header, claims, signature = token.split(".")
    assert json.loads(_bytes(header)) == {"alg": "RS256", "typ": "JWT", "kid": "the-key-of-the-tests"}
    private_key("google").public_key().verify(
        _bytes(signature), f"{header}.{claims}".encode(), padding.PKCS1v15(), hashes.SHA256()
    )
    return json.loads(_bytes(claims))


def _bytes(text: str) -> bytes:
    assert "=" not in text
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))
