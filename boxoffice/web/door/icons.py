"""`/icons/{version}/{name}.png`: the scanner's icon for phones that take no SVG, drawn from the house's mark."""

import hashlib
from functools import cache
from pathlib import Path

import msgspec
from litestar import Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath

from boxoffice.box import BoxOffice
from boxoffice.edge.pass_pictures import MARK, MARK_GROUND
from boxoffice.edge.static_files import static_url
from boxoffice.edge.vendor_files import FOR_GOOD
from boxoffice.foundation.letters_of_fonts import fonts_built
from boxoffice.foundation.problems import NotFound

TEMPLATE = Path(__file__).parent / "icon.typ"


class Icon(msgspec.Struct, frozen=True):
    """A square of `pixels`, `mark` per cent of it the mark. A `maskable` one is cut to any shape that has the circle of
    four fifths of its width (W3C, Web Application Manifest, "Icon masks"): the mark stays within that."""

    pixels: int
    mark: int = 100
    purpose: str = "any"


ICONS = {"192": Icon(192), "512": Icon(512), "maskable-512": Icon(512, 75, "maskable")}


@get("/icons/{version:str}/{name:str}", include_in_schema=False)
async def show_icon(box: NamedDependency[BoxOffice], version: FromPath[str], name: FromPath[str]) -> Response[bytes]:
    """An icon for good; one of another version is gone. Raises NotFound, NotSetHere."""
    icon = ICONS.get(name.removesuffix(".png")) if name.endswith(".png") and version == _version() else None
    if icon is None:
        raise NotFound("There is no such icon.")
    data = {"art": MARK.read_text(), "ground": MARK_GROUND, "pixels": icon.pixels, "mark": icon.mark, "han": []}
    content = await box.typesetter.png(TEMPLATE, data)
    return Response(content, media_type="image/png", headers={"Cache-Control": FOR_GOOD.to_header()})


def manifest_icons() -> list[dict[str, str]]:
    """The icons as a manifest names them; only the drawing itself where this server cannot set pictures."""
    drawing = {"src": static_url("icon.svg"), "type": "image/svg+xml", "sizes": "any"}
    if not fonts_built():
        return [drawing]
    pictures = [
        {
            "src": f"/icons/{_version()}/{name}.png",
            "type": "image/png",
            "sizes": f"{icon.pixels}x{icon.pixels}",
            "purpose": icon.purpose,
        }
        for name, icon in ICONS.items()
    ]
    return [*pictures, drawing]


@cache
def _version() -> str:
    """Another one whenever the drawing, or how it is set, is another."""
    return hashlib.sha256(MARK.read_bytes() + TEMPLATE.read_bytes() + repr(ICONS).encode()).hexdigest()[:12]
