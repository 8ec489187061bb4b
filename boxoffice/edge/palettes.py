"""The colours of a night: chosen by its slug, the same on its poster and its pages."""

import hashlib
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Palette:
    """Colours of the poster, and the accent that its pages wear: readable on the dark and on the light page.

    `static/palettes.css` says the accents again for browsers; a test compares them and measures the contrast.
    """

    name: str
    ground: str
    figure: str
    spark: str
    letters: str
    accent_on_dark: str
    accent_on_light: str


PALETTES = (
    Palette("signal", "#ff4a1c", "#1a0703", "#ffd3bd", "#1a0703", "#ff7a52", "#ad2800"),
    Palette("acid", "#d4ff38", "#0f120a", "#ffffff", "#0f120a", "#d4ff38", "#465c00"),
    Palette("cobalt", "#1c2be8", "#f3efe4", "#ff9be6", "#f3efe4", "#a3adff", "#1c2be8"),
    Palette("ultraviolet", "#140a29", "#8a4dff", "#ff6ad5", "#f4ecff", "#bd9bff", "#6424d1"),
    Palette("bone", "#ebe4d3", "#141210", "#e2341d", "#141210", "#ffb199", "#ae2410"),
    Palette("petrol", "#02302e", "#1fd9b1", "#f4ffe6", "#f4ffe6", "#35ecc4", "#00665a"),
    Palette("rose", "#ffb0c5", "#3d0017", "#ff2a63", "#3d0017", "#ffb0c5", "#ad0040"),
    Palette("amber", "#150d02", "#ffab00", "#fff0c9", "#fff0c9", "#ffb82e", "#855000"),
)


def palette_of(slug: str) -> Palette:
    """The palette of a night, by the first byte of its slug's hash."""
    return PALETTES[hashlib.sha256(slug.encode()).digest()[0] % len(PALETTES)]
