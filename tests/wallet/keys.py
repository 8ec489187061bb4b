"""Keys and certificates as Apple and Google give them, made on the spot."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from ipaddress import ip_address

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

PASS_TYPE, TEAM, ISSUER = "pass.org.example.tickets", "A1B2C3D4E5", "3388000000012345678"
SERVICE_ACCOUNT = "passes@box-office.iam.gserviceaccount.com"
Name = dict[x509.ObjectIdentifier, str]


@cache
def private_key(name: str) -> rsa.RSAPrivateKey:
    """The key of that name, the same all through a run."""
    assert name
    return rsa.generate_private_key(65537, 2048)


@dataclass(frozen=True)
class Authority:
    """Who issues certificates: Apple, as it were."""

    name: str = "Apple Worldwide Developer Relations Certification Authority"

    @property
    def subject(self) -> Name:
        return {NameOID.COMMON_NAME: self.name, NameOID.ORGANIZATIONAL_UNIT_NAME: "G4"}

    def certificate(self, days: float = 3000) -> x509.Certificate:
        """Its own."""
        return issue(self, self.subject, self.name, days, authority=True)


def issue(
    by: Authority, subject: Name, key: str, days: float = 365, *, authority: bool = False, address: str = ""
) -> x509.Certificate:
    """A certificate for the key of that name; with `days` below zero it has ended."""
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(oid, text) for oid, text in subject.items()]))
        .issuer_name(x509.Name([x509.NameAttribute(oid, text) for oid, text in by.subject.items()]))
        .public_key(private_key(key).public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + timedelta(days=min(days, 0) - 10))
        .not_valid_after(now + timedelta(days=days))
        .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(private_key(key).public_key()), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(private_key(by.name).public_key()), critical=False
        )
        .add_extension(
            x509.KeyUsage(
                digital_signature=True, content_commitment=False, key_encipherment=False, data_encipherment=False,
                key_agreement=False, key_cert_sign=authority, crl_sign=authority, encipher_only=False,
                decipher_only=False,
            ),
            critical=True,
        )
    )  # fmt: skip
    if address:
        builder = builder.add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address(address))]), False)
    return builder.sign(private_key(by.name), hashes.SHA256())


def pass_subject(pass_type: str = PASS_TYPE, team: str = TEAM) -> Name:
    """What Apple writes on a pass certificate."""
    return {
        NameOID.USER_ID: pass_type,
        NameOID.COMMON_NAME: f"Pass Type ID: {pass_type}",
        NameOID.ORGANIZATIONAL_UNIT_NAME: team,
        NameOID.ORGANIZATION_NAME: "Tiefdruck",
        NameOID.COUNTRY_NAME: "DE",
    }


def certificate_pem(certificate: x509.Certificate) -> str:
    """As PEM."""
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


def key_pem(name: str, passphrase: str = "") -> str:
    """As PEM, PKCS #8."""
    lock = serialization.BestAvailableEncryption(passphrase.encode()) if passphrase else serialization.NoEncryption()
    kind = serialization.PrivateFormat.PKCS8
    return private_key(name).private_bytes(serialization.Encoding.PEM, kind, lock).decode()


@cache
def _apple() -> tuple[tuple[str, str], ...]:
    apple = Authority()
    return (
        ("APPLE_PASS_TYPE_ID", PASS_TYPE),
        ("APPLE_TEAM_ID", TEAM),
        ("APPLE_PASS_CERTIFICATE", certificate_pem(issue(apple, pass_subject(), "pass"))),
        ("APPLE_PASS_KEY", key_pem("pass")),
        ("APPLE_WWDR_CERTIFICATE", certificate_pem(apple.certificate())),
    )


def apple_environment() -> dict[str, str]:
    """All that Apple Wallet needs."""
    return dict(_apple())


def google_environment(token_uri: str = "https://oauth2.googleapis.com/token") -> dict[str, str]:
    """All that Google Wallet needs."""
    account = {
        "type": "service_account",
        "project_id": "box-office",
        "private_key_id": "the-key-of-the-tests",
        "private_key": key_pem("google"),
        "client_email": SERVICE_ACCOUNT,
        "token_uri": token_uri,
    }
    return {"GOOGLE_WALLET_ISSUER_ID": ISSUER, "GOOGLE_WALLET_SERVICE_ACCOUNT": json.dumps(account)}
