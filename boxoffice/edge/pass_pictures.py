"""The pictures of a pass, drawn by our own code: the house's mark, its name, and the pattern of the night's poster."""

from pathlib import Path

from boxoffice.catalogue.palettes import palette_of
from boxoffice.edge.letters import stretched
from boxoffice.edge.poster import artwork
from boxoffice.foundation.typeset import Typesetter

TEMPLATE = Path(__file__).parent / "pass_picture.typ"
MARK = Path(__file__).parent.parent / "static" / "icon.svg"
MARK_GROUND = "#0b0a0c"
SCALES = {"": 1, "@2x": 2, "@3x": 3}


async def pass_pictures(typesetter: Typesetter, slug: str) -> dict[str, bytes]:
    """PNG files by the names that Apple gives them: icon 29 by 29, logo 160 by 50, strip 375 by 98, each also at twice
    and three times as many pixels. Raises NotSetHere."""
    palette = palette_of(slug)
    drawn = {
        "icon": {"ground": MARK_GROUND, "art": MARK.read_text()},
        "logo": {"ground": palette.ground, "art": _name(palette.letters)},
        "strip": {"ground": palette.ground, "art": artwork(slug)},
    }
    return {
        f"{kind}{suffix}.png": await typesetter.png(TEMPLATE, {"kind": kind, "scale": scale, "han": [], **data})
        for kind, data in drawn.items()
        for suffix, scale in SCALES.items()
    }


def _name(ink: str) -> str:
    path, stroke = stretched("BOX OFFICE", 10, 10, 1000, 190)
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1020 210"><path fill="none" stroke-linecap="square" '
        f'stroke-miterlimit="1.6" stroke="{ink}" stroke-width="{stroke:.0f}" d="{path}"/></svg>'
    )
