"""The colours of a night: chosen by its slug, the same on its poster, its pages and its mails."""

import hashlib

import msgspec

INK_ON_DARK, INK_ON_LIGHT = "#f6f3ee", "#121013"


class Palette(msgspec.Struct, frozen=True):
    """Four colours of the poster, and the accent that its pages wear: readable on the dark and on the light page."""

    name: str
    ground: str
    figure: str
    spark: str
    letters: str
    accent_on_dark: str
    accent_on_light: str

    def dark(self) -> dict[str, str]:
        """The surfaces of the page in the dark, each with a breath of the night's colour."""
        ink, accent = "#0a090b", self.accent_on_dark
        return {
            "ground": mixed(ink, accent, 0.025),
            "raised": mixed("#141216", accent, 0.05),
            "line": mixed("#2b282e", accent, 0.12),
            "accent": accent,
        }

    def light(self) -> dict[str, str]:
        """The same in the light."""
        accent = self.accent_on_light
        return {
            "ground": mixed("#f7f5f0", accent, 0.035),
            "raised": mixed("#ffffff", accent, 0.015),
            "line": mixed("#d8d3c9", accent, 0.12),
            "accent": accent,
        }


def mixed(one: str, other: str, share: float) -> str:
    """`one` with this share of `other`, both #rrggbb."""
    pairs = ((int(one[at : at + 2], 16), int(other[at : at + 2], 16)) for at in (1, 3, 5))
    return "#" + "".join(f"{round(a + (b - a) * share):02x}" for a, b in pairs)


HOUSE = Palette("house", "#d4ff38", "#0f120a", "#ffffff", "#0f120a", "#d4ff38", "#465c00")
PALETTES = (
    Palette("signal", "#ff4a1c", "#1a0703", "#ffd3bd", "#1a0703", "#ff7a52", "#ad2800"),
    Palette("acid", "#d4ff38", "#0f120a", "#ffffff", "#0f120a", "#d4ff38", "#465c00"),
    Palette("cobalt", "#1c2be8", "#f3efe4", "#ff9be6", "#f3efe4", "#a3adff", "#1c2be8"),
    Palette("ultraviolet", "#140a29", "#8a4dff", "#ff6ad5", "#f4ecff", "#bd9bff", "#6424d1"),
    Palette("bone", "#ebe4d3", "#141210", "#e2341d", "#141210", "#ffb199", "#ae2410"),
    Palette("petrol", "#02302e", "#1fd9b1", "#f4ffe6", "#f4ffe6", "#35ecc4", "#00665a"),
    Palette("rose", "#ffb0c5", "#3d0017", "#ff2a63", "#3d0017", "#ffb0c5", "#ad0040"),
    Palette("amber", "#150d02", "#ffab00", "#fff0c9", "#fff0c9", "#ffb82e", "#855000"),
    Palette("tarmac", "#0d0d0f", "#f23a2f", "#f5efe6", "#f5efe6", "#ff8177", "#b3170d"),
    Palette("mint", "#a9f0cf", "#06382a", "#ff5b8d", "#06382a", "#8ff0c4", "#006547"),
    Palette("sky", "#8fd0ff", "#0a1c4a", "#fff36b", "#0a1c4a", "#8fd0ff", "#0b55a8"),
    Palette("plum", "#3a0a3f", "#ff8a3d", "#ffd6f5", "#ffe9fb", "#ffa86b", "#8a1f8f"),
)


def palette_of(slug: str) -> Palette:
    """The palette of a night, by the first byte of its slug's hash."""
    return PALETTES[hashlib.sha256(slug.encode()).digest()[0] % len(PALETTES)]
