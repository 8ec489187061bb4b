"""The one style sheet: fonts where they were built, the nights' colours, then `static/app.css`.

While a font is on its way, one of the machine stands in at the same width and height (`size-adjust`), so that nothing
moves when it arrives. The figures are the average advance of our fonts over that of Arial, measured on their files.
"""

import msgspec

from boxoffice.catalogue.palettes import HOUSE, PALETTES, Palette
from boxoffice.edge.vendor_files import vendor_url

LAYERS = "@layer palette, base, house, parts, pages, fit, modes;"
LATIN = (
    "U+0000-00FF,U+0131,U+0152-0153,U+02BB-02BC,U+02C6,U+02DA,U+02DC,U+0304,U+0308,U+0329,U+2000-206F,U+20AC,U+2122,"
    "U+2191,U+2193,U+2212,U+2215,U+FEFF,U+FFFD"
)
LATIN_EXTENDED = (
    "U+0100-02BA,U+02BD-02C5,U+02C7-02CC,U+02CE-02D7,U+02DD-02FF,U+1D00-1DBF,U+1E00-1E9F,U+1EF2-1EFF,U+2020,"
    "U+20A0-20AB,U+20AD-20C0,U+2113,U+2C60-2C7F,U+A720-A7FF"
)
STRETCHES = {50: 57.1, 65: 75.2, 75: 87.2, 85: 99.3, 100: 117.5, 115: 135.6, 130: 153.8, 150: 177.9}
"""Widths of the display face, and how much wider Arial Bold must be to stand in for each, in percent."""


class Font(msgspec.Struct, frozen=True):
    """A variable font of an npm package: one file for Latin, one for the letters beyond it."""

    family: str
    package: str
    file: str
    axes: str


DISPLAY = Font("Anybody", "anybody", "anybody-{}-wdth-normal.woff2", "font-weight:800;font-stretch:50% 150%")
TEXT = Font("Host Grotesk", "host-grotesk", "host-grotesk-{}-wght-normal.woff2", "font-weight:300 800")


def style_sheet(own: str) -> str:
    """The sheet as browsers get it, with our `own` rules at its end."""
    return f"{LAYERS}\n{_fonts()}\n{_palettes()}\n{own}"


def preloaded_fonts() -> list[str]:
    """Addresses of the files that every page shows above the fold; empty where nothing was built."""
    files = (vendor_url(font.package, font.file.format("latin")) for font in (DISPLAY, TEXT))
    return [address for address in files if address]


def _fonts() -> str:
    faces: list[str] = []
    for font in (DISPLAY, TEXT):
        for subset, letters in (("latin", LATIN), ("latin-ext", LATIN_EXTENDED)):
            if address := vendor_url(font.package, font.file.format(subset)):
                faces.append(
                    f'@font-face{{font-family:"{font.family}";{font.axes};font-display:swap;'
                    f'src:url("{address}") format("woff2");unicode-range:{letters}}}'
                )
    bold = 'local("Arial Bold"),local("Arial-BoldMT"),local("Liberation Sans Bold"),local("Helvetica Neue Bold")'
    faces += [
        f'@font-face{{font-family:"Stand-in {width}";src:{bold};size-adjust:{adjust}%;'
        f"ascent-override:{79.5 / adjust * 100:.1f}%;descent-override:{24 / adjust * 100:.1f}%;line-gap-override:0%}}"
        for width, adjust in STRETCHES.items()
    ]
    plain = 'local("Arial"),local("ArialMT"),local("Liberation Sans"),local("Helvetica Neue")'
    faces.append(
        f'@font-face{{font-family:"Stand-in text";src:{plain};size-adjust:102.2%;'
        "ascent-override:99.3%;descent-override:30.8%;line-gap-override:0%}"
    )
    widths = [
        f'.fit-{width}{{font-family:"{DISPLAY.family}","Stand-in {width}",var(--any);font-stretch:{width}%}}'
        for width in STRETCHES
    ]
    return "\n".join([*faces, "@layer fit{", *widths, "}"])


def _palettes() -> str:
    return "\n".join(["@layer palette{", *(_palette(palette) for palette in (HOUSE, *PALETTES)), "}"])


def _palette(palette: Palette) -> str:
    poster = f"--p-ground:{palette.ground};--p-spark:{palette.spark};--p-letters:{palette.letters}"
    dark = ";".join(f"--{name}:{colour}" for name, colour in palette.dark().items())
    light = ";".join(f"--{name}:{colour}" for name, colour in palette.light().items())
    name = f".hue-{palette.name}"
    return f"{name}{{{poster};{dark}}}\n@media (prefers-color-scheme:light){{{name}{{{light}}}}}"
