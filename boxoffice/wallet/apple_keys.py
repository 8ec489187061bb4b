"""The pass certificate and its key: read from the settings, and used to sign. Loads cryptography."""

from functools import lru_cache

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import pkcs7

from boxoffice.environment.wallets import AppleWalletSettings


class KeysUnfit(ValueError):
    """A certificate or key that cannot be read, or does not fit the other; `variable` names it."""

    def __init__(self, variable: str, detail: str) -> None:
        super().__init__(f"{variable} {detail}")
        self.variable, self.detail = variable, detail


class AppleKeys(msgspec.Struct, frozen=True):
    """What the settings' PEM says."""

    certificate: x509.Certificate
    key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
    wwdr: x509.Certificate


@lru_cache(maxsize=4)
def apple_keys(apple: AppleWalletSettings) -> AppleKeys:
    """Raises KeysUnfit."""
    certificate = _certificate("APPLE_PASS_CERTIFICATE", apple.certificate)
    key = _key(apple)
    if certificate.public_key() != key.public_key():
        raise KeysUnfit("APPLE_PASS_KEY", "is not the key of APPLE_PASS_CERTIFICATE")
    return AppleKeys(certificate, key, _certificate("APPLE_WWDR_CERTIFICATE", apple.wwdr_certificate))


def signed(apple: AppleWalletSettings, manifest: bytes) -> bytes:
    """The detached PKCS #7 signature of a manifest, with the certificate and Apple's. Raises KeysUnfit."""
    keys = apple_keys(apple)
    return (
        pkcs7.PKCS7SignatureBuilder()
        .set_data(manifest)
        .add_signer(keys.certificate, keys.key, hashes.SHA256())
        .add_certificate(keys.wwdr)
        .sign(
            serialization.Encoding.DER,
            [pkcs7.PKCS7Options.DetachedSignature, pkcs7.PKCS7Options.Binary, pkcs7.PKCS7Options.NoCapabilities],
        )
    )


def _certificate(variable: str, pem: str) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificate(pem.encode())
    except ValueError:
        raise KeysUnfit(variable, "cannot be read as a certificate") from None


def _key(apple: AppleWalletSettings) -> rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey:
    passphrase = apple.key_passphrase.encode() if apple.key_passphrase else None
    try:
        key = serialization.load_pem_private_key(apple.key.encode(), passphrase)
    except TypeError:
        raise KeysUnfit("APPLE_PASS_KEY", "and APPLE_PASS_KEY_PASSPHRASE: only an encrypted key has one") from None
    except ValueError:
        raise KeysUnfit("APPLE_PASS_KEY", "cannot be read, or APPLE_PASS_KEY_PASSPHRASE does not open it") from None
    if not isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey):
        raise KeysUnfit("APPLE_PASS_KEY", "is of a kind that Apple does not take")
    return key
