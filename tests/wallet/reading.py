"""Passes read as a phone reads them: unpacked, hashes compared, the signature checked by OpenSSL's own program."""

import hashlib
import io
import json
import subprocess
import zipfile
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tests.wallet.keys import Authority, certificate_pem

Json = dict[str, Any]


@dataclass(frozen=True)
class ReadPass:
    """What is in a .pkpass."""

    told: Json
    files: dict[str, bytes]

    @property
    def qr_text(self) -> str:
        """The text of its code, empty without one."""
        return self.told["barcodes"][0]["message"] if "barcodes" in self.told else ""

    def values(self, part: str) -> dict[str, str]:
        """Values of the fields of a part, by key."""
        return {field["key"]: field["value"] for field in self.told["eventTicket"][part]}


def unpacked(raw: bytes) -> ReadPass:
    """The pass. Fails unless the manifest names every file with its hash, and is signed."""
    with zipfile.ZipFile(io.BytesIO(raw)) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    manifest = json.loads(files["manifest.json"])
    assert manifest == {
        name: hashlib.sha1(file).hexdigest()
        for name, file in files.items()
        if name not in ("manifest.json", "signature")
    }
    assert (verified := signature_fits(files["manifest.json"], files["signature"])).returncode == 0, verified.stderr
    return ReadPass(json.loads(files["pass.json"]), files)


def unpacked_bundle(raw: bytes) -> list[ReadPass]:
    """The passes of a .pkpasses."""
    with zipfile.ZipFile(io.BytesIO(raw)) as archive:
        return [unpacked(archive.read(name)) for name in archive.namelist()]


def signature_fits(manifest: bytes, signature: bytes) -> subprocess.CompletedProcess[bytes]:
    """OpenSSL's answer, which knows no other authority than Apple, as it were."""
    with TemporaryDirectory() as folder:
        place = Path(folder)
        (place / "manifest").write_bytes(manifest)
        (place / "signature").write_bytes(signature)
        (place / "apple.pem").write_text(certificate_pem(Authority().certificate()))
        verify = ["openssl", "cms", "-verify", "-inform", "DER", "-in", "signature", "-content", "manifest", "-binary"]
        trust = ["-CAfile", "apple.pem", "-purpose", "any", "-out", "/dev/null"]
        return subprocess.run([*verify, *trust], cwd=place, capture_output=True, check=False)
