"""https for the local network: a certificate made on the spot, since cameras open for secure addresses only."""

import socket
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address, ip_network
from pathlib import Path

DAYS = 30
NOWHERE = ("192.0.2.1", 9)  # RFC 5737: nobody has it, and nothing is sent there


def local_address() -> str:
    """This machine's address in the network that it reaches others by; 127.0.0.1 when there is none."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(NOWHERE)
        except OSError:
            return "127.0.0.1"
        return str(probe.getsockname()[0])


def certificate_for(address: str, folder: Path) -> tuple[Path, Path]:
    """Certificate and key files (PEM, PKCS#8) for this address: those of the last start while they fit and have a day
    left, so that a phone that trusts them goes on doing so; else new ones, good for 30 days from now."""
    files = folder / "certificate.pem", folder / "key.pem"
    if not _fits(address, files):
        folder.mkdir(mode=0o700, exist_ok=True)
        for file in files:
            file.touch(mode=0o600)
        for file, content in zip(files, _made(address), strict=True):
            file.write_bytes(content)
    return files


def _fits(address: str, files: tuple[Path, Path]) -> bool:
    from cryptography import x509  # noqa: PLC0415 - slow to load, and other commands do without

    if not all(file.exists() for file in files):
        return False
    try:
        known = x509.load_pem_x509_certificate(files[0].read_bytes())
        names = known.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        is_authority = known.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except (ValueError, x509.ExtensionNotFound):
        return False
    is_here = ip_address(address) in names.get_values_for_type(x509.IPAddress)
    return is_here and is_authority and known.not_valid_after_utc > datetime.now(UTC) + timedelta(days=1)


def _made(address: str) -> tuple[bytes, bytes]:
    """Certificate and key, signed by itself. It may sign others too, since phones install nothing else as trusted, and
    for these names alone: whoever gets the key is no other site."""
    from cryptography import x509  # noqa: PLC0415 - slow to load, and other commands do without
    from cryptography.hazmat.primitives import hashes, serialization  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric import ec  # noqa: PLC0415
    from cryptography.x509.oid import ExtendedKeyUsageOID  # noqa: PLC0415

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Box office demo")])
    now = datetime.now(UTC)
    addresses = sorted({address, "127.0.0.1"})
    names = [x509.DNSName("localhost"), *(x509.IPAddress(ip_address(one)) for one in addresses)]
    own = [x509.DNSName("localhost"), *(x509.IPAddress(ip_network(one)) for one in addresses)]
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=DAYS))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.NameConstraints(permitted_subtrees=own, excluded_subtrees=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(key, hashes.SHA256())
    )
    return (
        certificate.public_bytes(serialization.Encoding.PEM),
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()),
    )
