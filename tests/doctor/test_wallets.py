"""What `boxoffice doctor` sees of certificates and keys for wallets: one row a fact."""

import pytest
from cryptography.x509.oid import NameOID

from boxoffice.doctor import wallets
from boxoffice.doctor.finding import Finding
from boxoffice.doctor.patient import Patient
from boxoffice.foundation import letters_of_fonts
from boxoffice.settings import read_environment
from tests.conftest import SECRET_KEY
from tests.wallet.conftest import on_google
from tests.wallet.google_service import GoogleService
from tests.wallet.keys import (
    ISSUER,
    SERVICE_ACCOUNT,
    Authority,
    apple_environment,
    certificate_pem,
    google_environment,
    issue,
    key_pem,
    pass_subject,
)

APPLE = Authority()
OTHER = Authority("Another authority")


async def findings_of(**given: str) -> dict[str, Finding]:
    environment = {"SECRET_KEY": SECRET_KEY, "BASE_URL": "https://localhost:3000"} | given
    findings = await wallets.examine(Patient.of(read_environment(environment)))
    return {finding.what: finding for finding in sorted(findings, key=lambda one: one.level != "ok")}


def certified(days: float = 365, *, by: Authority = APPLE, pass_type: str = "", team: str = "") -> dict[str, str]:
    subject = pass_subject(**{name: text for name, text in (("pass_type", pass_type), ("team", team)) if text})
    return {"APPLE_PASS_CERTIFICATE": certificate_pem(issue(by, subject, "pass", days))}


async def test_without_keys_it_says_that_there_are_no_buttons_and_what_to_do() -> None:
    findings = await findings_of()
    assert {finding.level for finding in findings.values()} == {"ok"}
    for name in ("Apple Wallet", "Google Wallet"):
        assert findings[name].saw.startswith("no buttons on tickets")
        assert "docs/deploy/wallets.md" in findings[name].saw


async def test_wrong_variables_are_a_problem_here_too() -> None:
    findings = await findings_of(APPLE_TEAM_ID="A1B2C3D4E5")
    assert (findings["Apple Wallet"].level, findings["Google Wallet"].level) == ("problem", "ok")


async def test_all_is_well_with_good_keys() -> None:
    findings = await findings_of(**apple_environment())
    assert {finding.level for finding in findings.values()} == {"ok"}
    assert findings["Apple Wallet certificate"].saw == "of pass.org.example.tickets, team A1B2C3D4E5; its key fits"


@pytest.mark.parametrize(
    ("changed", "what", "level", "words"),
    [
        ({"APPLE_PASS_KEY": key_pem("google")}, "APPLE_PASS_KEY", "problem", "is not the key of"),
        (certified(pass_type="pass.org.example.other"), "APPLE_PASS_TYPE_ID", "problem", "APPLE_PASS_TYPE_ID=pass.org"),
        (certified(team="ZZZZZZZZZZ"), "APPLE_TEAM_ID", "problem", "Set APPLE_TEAM_ID=ZZZZZZZZZZ"),
        (certified(by=OTHER), "APPLE_WWDR_CERTIFICATE", "problem", "another certificate than the one that issued"),
        (certified(-1), "APPLE_PASS_CERTIFICATE", "problem", "phones refuse new passes"),
        (certified(29.5), "APPLE_PASS_CERTIFICATE", "warning", "in 29 days"),
        (certified(31), "APPLE_PASS_CERTIFICATE", "ok", "good until"),
        ({"BASE_URL": "http://localhost:3000"}, "Apple Wallet updates", "warning", "by https only"),
        (
            {"APPLE_PASS_KEY": key_pem("pass", "right"), "APPLE_PASS_KEY_PASSPHRASE": "wrong"},
            "APPLE_PASS_KEY",
            "problem",
            "does not open it",
        ),
        (
            {"APPLE_WWDR_CERTIFICATE": certificate_pem(APPLE.certificate(-1))},
            "APPLE_WWDR_CERTIFICATE",
            "problem",
            "ended on",
        ),
    ],
)
async def test_what_does_not_fit_is_named_with_what_to_do(
    changed: dict[str, str], what: str, level: str, words: str
) -> None:
    finding = (await findings_of(**apple_environment() | changed))[what]
    assert finding.level == level
    assert words in f"{finding.saw} -> {finding.do}"
    assert finding.do or level == "ok"


async def test_another_kind_of_certificate_is_told_from_one_for_passes() -> None:
    other = certificate_pem(issue(APPLE, {NameOID.COMMON_NAME: "Apple Push"}, "pass"))
    findings = await findings_of(**apple_environment() | {"APPLE_PASS_CERTIFICATE": other})
    assert findings["APPLE_TEAM_ID"].do == "Is it a pass certificate?"


async def test_a_server_without_fonts_makes_no_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(letters_of_fonts, "font_files", tuple)
    assert (await findings_of(**apple_environment()))["Apple Wallet"].level == "problem"


async def examined(google: GoogleService) -> Finding:
    environment = {"SECRET_KEY": SECRET_KEY} | google_environment(google.token_uri)
    reading = on_google(read_environment(environment), google)
    findings = {finding.what: finding for finding in await wallets.examine(Patient.of(reading))}
    return findings["Google Wallet"]


async def test_google_is_asked_whether_the_account_may_act_for_the_issuer() -> None:
    async with GoogleService().running() as google:
        good = await examined(google)
        google.knows_the_account = False
        refused = await examined(google)
        google.down = True
        down = await examined(google)
    assert (good.level, good.saw) == ("ok", f"the key is good for issuer {ISSUER} (Tiefdruck)")
    assert refused.level == down.level == "problem"
    assert f"invite {SERVICE_ACCOUNT}" in refused.do
    assert down.saw == "Google answered 503 to POST"
    gone = await examined(google)
    assert (gone.level, gone.do) == ("problem", "Check that this machine reaches Google.")


async def test_a_key_of_google_that_is_none_is_named() -> None:
    account = google_environment()["GOOGLE_WALLET_SERVICE_ACCOUNT"]
    broken = account.replace("BEGIN PRIVATE KEY", "BEGIN SOMETHING")
    findings = await findings_of(GOOGLE_WALLET_ISSUER_ID=ISSUER, GOOGLE_WALLET_SERVICE_ACCOUNT=broken)
    assert findings["GOOGLE_WALLET_SERVICE_ACCOUNT"].level == "problem"
