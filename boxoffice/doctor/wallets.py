"""Apple Wallet and Google Wallet: whether certificates and keys fit each other, their accounts and the day."""

from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.x509.oid import NameOID

from boxoffice.doctor.finding import Finding, ok, problem, warning
from boxoffice.doctor.patient import Patient
from boxoffice.environment.wallets import WALLETS_GUIDE, AppleWalletSettings, GoogleWalletSettings
from boxoffice.foundation.letters_of_fonts import fonts_built
from boxoffice.wallet.apple_keys import AppleKeys, KeysUnfit, apple_keys
from boxoffice.wallet.google_api import GoogleRefuses, GoogleWallet
from boxoffice.wallet.google_keys import KeyUnfit, google_key
from boxoffice.wallet.not_told import NotTold

APPLE, GOOGLE = "Apple Wallet", "Google Wallet"
RENEW_BEFORE = timedelta(days=30)
REFUSED = (401, 403, 404)


async def examine(patient: Patient) -> list[Finding]:
    """Nothing but that there are no buttons where a wallet's variables are not set."""
    return [*_apple(patient), *await _google(patient)]


def _apple(patient: Patient) -> list[Finding]:
    apple = patient.settings.apple_wallet
    if apple is None:
        return [_without_keys(patient, APPLE, "APPLE_")]
    try:
        keys = apple_keys(apple)
    except KeysUnfit as error:
        do = f"Put the certificate and the key that it was requested with into their variables: {WALLETS_GUIDE}."
        return [problem(error.variable, error.detail, do)]
    findings = [*_subject(apple, keys.certificate), _issuer(keys), *_dates(keys)]
    if not fonts_built():
        do = "Run `make boxoffice/static/vendor/built`: a pass has pictures, which are set like printed pages."
        findings.append(problem(APPLE, "no buttons: this server cannot make pictures", do))
    if not patient.settings.secure:
        do = "Serve people by https and set BASE_URL to it: phones ask for changes by https only."
        findings.append(warning(f"{APPLE} updates", "passes stay as they were when they were added", do))
    return findings


def _subject(apple: AppleWalletSettings, certificate: x509.Certificate) -> list[Finding]:
    pass_type, team = (
        _of_subject(certificate, NameOID.USER_ID),
        _of_subject(certificate, NameOID.ORGANIZATIONAL_UNIT_NAME),
    )
    findings: list[Finding] = []
    for name, given, said in (
        ("APPLE_PASS_TYPE_ID", apple.pass_type_id, pass_type),
        ("APPLE_TEAM_ID", apple.team_id, team),
    ):
        if given != said:
            do = f"Set {name}={said}, or take the certificate of {given}." if said else "Is it a pass certificate?"
            findings.append(problem(name, f"{given}, and the certificate is of {said or 'no such thing'}", do))
    return findings or [ok(f"{APPLE} certificate", f"of {pass_type}, team {team}; its key fits")]


def _issuer(keys: AppleKeys) -> Finding:
    what = "APPLE_WWDR_CERTIFICATE"
    try:
        keys.certificate.verify_directly_issued_by(keys.wwdr)
    except (ValueError, TypeError, InvalidSignature):
        organisation = _of_subject_name(keys.certificate.issuer, NameOID.ORGANIZATIONAL_UNIT_NAME)
        which = f" ({organisation})" if organisation else ""
        do = f"Take the one that issued your certificate{which} from https://www.apple.com/certificateauthority/."
        return problem(what, "another certificate than the one that issued the pass certificate", do)
    return ok(what, "issued the pass certificate")


def _dates(keys: AppleKeys) -> list[Finding]:
    now = datetime.now(UTC)
    findings: list[Finding] = []
    for name, certificate, renew in (
        (
            "APPLE_PASS_CERTIFICATE",
            keys.certificate,
            "Make a new certificate for the pass type and exchange it with its key",
        ),
        ("APPLE_WWDR_CERTIFICATE", keys.wwdr, "Take the current one from https://www.apple.com/certificateauthority/"),
    ):
        ends = certificate.not_valid_after_utc
        if ends <= now:
            findings.append(problem(name, f"ended on {ends:%-d %B %Y}: phones refuse new passes", f"{renew}."))
        elif certificate.not_valid_before_utc > now:
            begins = certificate.not_valid_before_utc
            findings.append(problem(name, f"begins on {begins:%-d %B %Y}", "Set this machine's clock, or wait."))
        elif ends - now <= RENEW_BEFORE:
            saw = f"ends on {ends:%-d %B %Y}, in {(ends - now).days} days"
            findings.append(warning(name, saw, f"{renew} before that day."))
        else:
            findings.append(ok(name, f"good until {ends:%-d %B %Y}"))
    return findings


async def _google(patient: Patient) -> list[Finding]:
    google = patient.settings.google_wallet
    if google is None:
        return [_without_keys(patient, GOOGLE, "GOOGLE_WALLET_")]
    try:
        google_key(google)
    except KeyUnfit as error:
        return [problem("GOOGLE_WALLET_SERVICE_ACCOUNT", str(error), "Make a new key for the service account.")]
    return [await _issuer_account(google)]


async def _issuer_account(google: GoogleWalletSettings) -> Finding:
    api = GoogleWallet(google)
    try:
        name = await api.issuer(datetime.now(UTC))
    except GoogleRefuses as error:
        if error.answered in REFUSED:
            do = (
                f"In Google's Pay & Wallet Console, Users, invite {google.client_email} as a developer of issuer "
                f"{google.issuer_id}, and turn the Google Wallet API on for its project: {WALLETS_GUIDE}."
            )
            return problem(GOOGLE, f"{google.client_email} may not act for issuer {google.issuer_id}", do)
        do = "Do what the status says: 400 to the token means that the key is deleted, or this clock is wrong."
        return problem(GOOGLE, error.detail.rstrip("."), do)
    except NotTold as error:
        return problem(GOOGLE, error.detail.rstrip("."), "Check that this machine reaches Google.")
    finally:
        await api.close()
    return ok(GOOGLE, f"the key is good for issuer {google.issuer_id}{f' ({name})' if name else ''}")


def _without_keys(patient: Patient, wallet: str, prefix: str) -> Finding:
    if any(sentence.startswith(prefix) for sentence in patient.reading.problems):
        return problem(wallet, "no buttons: its variables are wrong", f"Correct the {prefix} variables first.")
    return ok(wallet, f"no buttons on tickets: {prefix}... is not set; {WALLETS_GUIDE} says how to get the keys")


def _of_subject(certificate: x509.Certificate, oid: x509.ObjectIdentifier) -> str:
    return _of_subject_name(certificate.subject, oid)


def _of_subject_name(name: x509.Name, oid: x509.ObjectIdentifier) -> str:
    found = name.get_attributes_for_oid(oid)
    return str(found[0].value) if found else ""
