"""Browser libraries that `scripts/build_static.py` copied, under addresses that name their version."""

from functools import cache
from pathlib import Path

from litestar import Response, get
from litestar.datastructures import CacheControlHeader
from litestar.params import FromPath

from boxoffice.foundation.problems import NotFound

FOLDER = Path(__file__).parent.parent / "static" / "vendor"
ADDRESS = "/static/vendor"
FOR_GOOD = CacheControlHeader(public=True, max_age=31_536_000, immutable=True)
TYPES = {
    ".js": "text/javascript",
    ".css": "text/css",
    ".wasm": "application/wasm",
    ".woff2": "font/woff2",
    "": "text/plain",
}


@cache
def vendor_files() -> dict[str, Path]:
    """Every file by its path under the folder; empty where nothing was built (a Python-only deployment)."""
    files = [path for path in FOLDER.glob("*/*") if path.suffix in TYPES]
    return {path.relative_to(FOLDER).as_posix(): path for path in files}


def vendor_url(package: str, file: str) -> str | None:
    """The address of a package's file, whatever its version; None where nothing was built."""
    for name in vendor_files():
        folder, _, found = name.partition("/")
        if found == file and folder.rpartition("-")[0] == package:
            return f"{ADDRESS}/{name}"
    return None


@get(f"{ADDRESS}/{{file_path:path}}", sync_to_thread=True, include_in_schema=False)
def show_vendor_file(file_path: FromPath[str]) -> Response[bytes]:
    """A file for good. Raises NotFound."""
    path = vendor_files().get(file_path.removeprefix("/"))
    if path is None:
        raise NotFound("There is nothing at this address.")
    return Response(
        path.read_bytes(),
        media_type=TYPES[path.suffix],
        headers={"Cache-Control": FOR_GOOD.to_header(), "X-Content-Type-Options": "nosniff"},
    )
