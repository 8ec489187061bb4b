"""The certificate of `make run HTTPS=1`: one that phones can install, and keep trusting at the next start."""

from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from boxoffice.cli import local_https
from boxoffice.cli.local_https import certificate_for

HERE = "192.0.2.7"


def read(files: tuple[Path, Path]) -> x509.Certificate:
    return x509.load_pem_x509_certificate(files[0].read_bytes())


def test_it_is_good_for_this_machine_and_can_be_installed_as_trusted(tmp_path: Path) -> None:
    """Phones take nothing but authorities; this one can vouch for no other address than its own."""
    made = read(certificate_for(HERE, tmp_path / "https"))
    extensions = made.extensions
    names = extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert set(map(str, names.get_values_for_type(x509.IPAddress))) == {HERE, "127.0.0.1"}
    assert extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    assert ExtendedKeyUsageOID.SERVER_AUTH in extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    (own,) = (one for one in extensions if isinstance(one.value, x509.NameConstraints))
    assert {str(one.value) for one in own.value.permitted_subtrees} == {"localhost", f"{HERE}/32", "127.0.0.1/32"}
    assert [file.stat().st_mode & 0o777 for file in sorted((tmp_path / "https").iterdir())] == [0o600, 0o600]


def test_it_is_the_same_at_the_next_start_as_long_as_it_fits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = read(certificate_for(HERE, tmp_path))
    assert read(certificate_for(HERE, tmp_path)) == first
    other = read(certificate_for("192.0.2.8", tmp_path))
    assert other != first
    monkeypatch.setattr(local_https, "DAYS", 1)
    assert read(certificate_for("192.0.2.8", tmp_path)) == other
    short = read(certificate_for(HERE, tmp_path))
    assert short.not_valid_after_utc < datetime.now(UTC) + timedelta(days=1)
    assert read(certificate_for(HERE, tmp_path)) != short
    (tmp_path / "certificate.pem").write_text("what somebody else has put there")
    assert ip_address(HERE) in read(certificate_for(HERE, tmp_path)).extensions.get_extension_for_class(
        x509.SubjectAlternativeName
    ).value.get_values_for_type(x509.IPAddress)
