"""Our own style sheets, modules and pictures, named by what they hold so that browsers keep them for good."""

import hashlib
from functools import cache
from pathlib import Path

import msgspec

from boxoffice.edge.style_sheet import style_sheet

FOLDER = Path(__file__).parent.parent / "static"
TYPES = {
    ".css": "text/css",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
    ".webmanifest": "application/manifest+json",
}


class StaticFile(msgspec.Struct, frozen=True):
    """A file with its content type and a version that changes with its content."""

    content: bytes
    type: str
    version: str


@cache
def static_files() -> dict[str, StaticFile]:
    """By name, read once."""
    return {path.name: _read(path) for path in sorted(FOLDER.iterdir()) if path.suffix in TYPES}


def static_url(name: str) -> str:
    """The address under which the file never changes. Raises KeyError for a file that is not there."""
    return f"/static/{name}?v={static_files()[name].version}"


def _read(path: Path) -> StaticFile:
    content = path.read_bytes()
    if path.suffix == ".css":
        content = style_sheet(content.decode()).encode()
    return StaticFile(content, TYPES[path.suffix], hashlib.sha256(content).hexdigest()[:12])
