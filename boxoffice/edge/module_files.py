"""Folders of ES modules: one version for a whole folder, in its address, so that modules import each other by name."""

import hashlib
from functools import cache
from pathlib import Path

from litestar import Response, get
from litestar.params import FromPath

from boxoffice.edge.static_files import FOLDER, TYPES
from boxoffice.edge.vendor_files import FOR_GOOD
from boxoffice.foundation.problems import NotFound

FOLDERS = ("door",)


@cache
def module_files(folder: str) -> dict[str, bytes]:
    """The folder's files by name, read once."""
    return {path.name: path.read_bytes() for path in sorted((FOLDER / folder).iterdir()) if path.suffix in TYPES}


@cache
def modules_version(folder: str) -> str:
    """Another one whenever any file of the folder is another."""
    digest = hashlib.sha256()
    for name, content in module_files(folder).items():
        digest.update(f"{name} {len(content)} ".encode() + content)
    return digest.hexdigest()[:12]


def module_url(folder: str, name: str) -> str:
    """The address under which the file never changes. Raises KeyError for a file that is not there."""
    assert module_files(folder)[name]
    return f"/static/{folder}/{modules_version(folder)}/{name}"


@get("/static/{folder:str}/{version:str}/{name:str}", include_in_schema=False)
async def show_module(folder: FromPath[str], version: FromPath[str], name: FromPath[str]) -> Response[bytes]:
    """A file for good; one of another version is gone. Raises NotFound."""
    content = module_files(folder).get(name) if folder in FOLDERS and version == modules_version(folder) else None
    if content is None:
        raise NotFound("There is no such file.")
    headers = {"Cache-Control": FOR_GOOD.to_header(), "X-Content-Type-Options": "nosniff"}
    return Response(content, media_type=TYPES[Path(name).suffix], headers=headers)
