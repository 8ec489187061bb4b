"""The keys by which tickets are kept in Apple Wallet and Google Wallet."""

import json
import re
from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from boxoffice.environment.variables import Noted, SettingsProblem, is_this_machine, url_parts

APPLE_GROUP = (
    "APPLE_PASS_TYPE_ID", "APPLE_TEAM_ID", "APPLE_PASS_CERTIFICATE", "APPLE_PASS_KEY", "APPLE_WWDR_CERTIFICATE",
)  # fmt: skip
GOOGLE_GROUP = ("GOOGLE_WALLET_ISSUER_ID", "GOOGLE_WALLET_SERVICE_ACCOUNT")
APPLE_PASS_TYPE_SHAPE = re.compile(r"pass\.[A-Za-z0-9][A-Za-z0-9.-]*")
APPLE_TEAM_SHAPE = re.compile(r"[A-Z0-9]{10}")
GOOGLE_ISSUER_SHAPE = re.compile(r"[0-9]{5,25}")
PEM_SHAPE = re.compile(
    r"-----BEGIN (CERTIFICATE|(?:RSA |EC |ENCRYPTED )?PRIVATE KEY)-----.+?-----END \1-----", re.DOTALL
)
WALLETS_GUIDE = "docs/deploy/wallets.md"


@dataclass(frozen=True, slots=True)
class AppleWalletSettings:
    """What signs passes for Apple Wallet and tells phones of changes. Certificates and key are PEM."""

    pass_type_id: str
    team_id: str
    certificate: str = field(repr=False)
    key: str = field(repr=False)
    key_passphrase: str | None = field(repr=False)
    wwdr_certificate: str = field(repr=False)
    """Apple's own, which issued `certificate`."""
    push_base: str = "https://api.push.apple.com"
    push_authority: str | None = None
    """PEM of whom the push service's certificate is believed from; None: the public ones. No variable sets either: they
    are for stand-ins in tests."""


@dataclass(frozen=True, slots=True)
class GoogleWalletSettings:
    """The issuer account of Google Wallet, and the service account that acts for it."""

    issuer_id: str
    client_email: str
    private_key_id: str
    private_key: str = field(repr=False)
    token_uri: str
    api_base: str = "https://walletobjects.googleapis.com"
    """No variable sets it: it is for stand-ins in tests."""


def read_apple_wallet(values: Mapping[str, str], noted: Noted) -> AppleWalletSettings | None:
    """None unless all of it is set, and can be read."""
    if not _whole_group(values, APPLE_GROUP, noted):
        if "APPLE_PASS_KEY_PASSPHRASE" in values and "APPLE_PASS_KEY" not in values:
            noted.note("APPLE_PASS_KEY_PASSPHRASE is set, APPLE_PASS_KEY is not. Set both, or neither.")
        return None
    pass_type, team, certificate, key, authority = APPLE_GROUP
    read = AppleWalletSettings(
        pass_type_id=noted.read(
            lambda: _shaped(values, pass_type, APPLE_PASS_TYPE_SHAPE, "an identifier like pass.org.example.tickets"), ""
        ),
        team_id=noted.read(lambda: _shaped(values, team, APPLE_TEAM_SHAPE, "ten capitals and digits"), ""),
        certificate=noted.read(lambda: _pem(values, certificate, "a certificate"), ""),
        key=noted.read(lambda: _pem(values, key, "a private key"), ""),
        key_passphrase=values.get("APPLE_PASS_KEY_PASSPHRASE"),
        wwdr_certificate=noted.read(lambda: _pem(values, authority, "a certificate"), ""),
    )
    if " ENCRYPTED " in read.key.partition("\n")[0] and not read.key_passphrase:
        noted.note("APPLE_PASS_KEY_PASSPHRASE is not set. APPLE_PASS_KEY is encrypted: set the phrase that opens it.")
        return None
    whole = read.pass_type_id and read.team_id and read.certificate and read.key and read.wwdr_certificate
    return read if whole else None


def read_google_wallet(values: Mapping[str, str], noted: Noted) -> GoogleWalletSettings | None:
    """The same of Google's."""
    if not _whole_group(values, GOOGLE_GROUP, noted):
        return None
    issuer_id, service_account = GOOGLE_GROUP
    issuer = noted.read(lambda: _shaped(values, issuer_id, GOOGLE_ISSUER_SHAPE, "the number in Google's console"), "")
    account = noted.read(lambda: _service_account(values[service_account]), {})
    if not issuer or not account:
        return None
    return GoogleWalletSettings(issuer, **account)


def _whole_group(values: Mapping[str, str], group: tuple[str, ...], noted: Noted) -> bool:
    """Whether all of it is set. Of a half-set group each missing one is named."""
    given = [name for name in group if name in values]
    missing = [name for name in group if name not in values]
    if given:
        for name in missing:
            noted.note(f"{name} is not set, {given[0]} is. Set all of them, or none: {WALLETS_GUIDE}.")
    return not missing


def _shaped(values: Mapping[str, str], name: str, shape: re.Pattern[str], words: str) -> str:
    text = values[name]
    if not shape.fullmatch(text):
        raise SettingsProblem(f"{name} must be {words}. See {WALLETS_GUIDE}.")
    return text


def _pem(values: Mapping[str, str], name: str, what: str) -> str:
    """A file's content as PEM: PEM itself, with \\n for its line ends where a host wants one line, or Base64 of PEM or
    of a certificate as Apple serves it (DER)."""
    text = values[name].replace("\\n", "\n")
    if "-----BEGIN" not in text:
        text = _unpacked(text)
    match = PEM_SHAPE.search(text)
    if match is None or match[1].lower().endswith("key") != what.endswith("key"):
        raise SettingsProblem(f"{name} must be {what} as PEM, or Base64 of its file. See {WALLETS_GUIDE}.")
    return f"{match[0]}\n"


def _unpacked(text: str) -> str:
    """What Base64 of a file says; a DER certificate as PEM."""
    try:
        raw = b64decode("".join(text.split()), validate=True)
    except ValueError:
        return ""
    if not raw.startswith(b"\x30"):
        return raw.decode(errors="replace")
    lines = re.findall(".{1,64}", b64encode(raw).decode())
    return "\n".join(("-----BEGIN CERTIFICATE-----", *lines, "-----END CERTIFICATE-----"))


def _service_account(text: str) -> dict[str, str]:
    """The parts of a service account's key file that are needed."""
    name = "GOOGLE_WALLET_SERVICE_ACCOUNT"
    try:
        file = json.loads(text if text.startswith("{") else _unpacked(text))
        fields = cast("dict[str, Any]", file)
        account = {part: str(fields[part]) for part in ("client_email", "private_key_id", "private_key", "token_uri")}
    except (ValueError, KeyError, TypeError):
        raise SettingsProblem(
            f"{name} must be the JSON of a service account's key, or Base64 of its file. See {WALLETS_GUIDE}."
        ) from None
    where = url_parts(account["token_uri"])
    if where is None or (where.scheme != "https" and not is_this_machine(where.hostname or "")):
        raise SettingsProblem(f"{name} must name a token_uri with https. Download the key from Google again.")
    return account
