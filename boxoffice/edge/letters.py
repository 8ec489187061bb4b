"""Letters made of strokes on a grid of 4 by 6, with cut corners; they stretch to any size with corners kept."""

import unicodedata

# Each stroke is a row of points, two digits a point: x 0 to 4, y 0 to 6. A stroke that ends where it began is closed.
_STROKES = {
    "A": "0601103041 46|0343", "B": "0600304142330306|3344453606", "C": "4130100105163645", "D": "00304145360600",
    "E": "40000646|0333", "F": "400006|0333", "G": "41301001051636454323", "H": "0006|4046|0343", "I": "0006",
    "J": "404536160504", "K": "0006|031340|1346", "L": "000646", "M": "0600234046", "N": "06004640",
    "O": "103041453616050110", "P": "06003041423303", "Q": "103041453616050110|2446", "R": "06003041423303|2346",
    "S": "413010010213334445361605", "T": "0040|2026", "U": "000516364540", "V": "0003264340", "W": "0006234640",
    "X": "0046|4006", "Y": "00022340|2326", "Z": "00400646", "0": "103041453616050110", "1": "011016",
    "2": "0110304142050646", "3": "0110304142334445361605|2333", "4": "000444|3036", "5": "4000033344453606",
    "6": "4130100105163645443303", "7": "00401416", "8": "103041423313020110|1304051636454433",
    "9": "4313020110304145361605", "-": "1333", "/": "4006", "+": "1333|2224", ".": "0606", ":": "0202|0505",
    "'": "0001", "&": "46130201102031020405163644", "!": "0004|0606", "?": "01103041422324|2626",
    "(": "10010516", ")": "00111506", "#": "1016|3036|0242|0444", "×": "0244|4204", "=": "0242|0444",
    "Б": "4000063645443303", "Г": "400006", "Д": "06054546|15103035", "Ж": "2026|0046|4006",
    "З": "0110304142334445361605|2333", "И": "00064046", "Л": "06104046", "П": "06004046",
    "Ф": "103041433414030110|2026", "Ц": "000545|4046", "Ч": "00021343|4046", "Ш": "00064640|2026",
    "Щ": "00054540|2025|4546", "Ъ": "0010163645443313", "Ы": "00062635342303|4046", "Ь": "00063645443303",
    "Э": "0110304145361605|1343", "Ю": "0006|0313|203041453626151120", "Я": "46401001021343|1306",
    "Δ": "06204606", "Θ": "103041453616050110|1333", "Λ": "062046", "Ξ": "0040|1333|0646", "Σ": "4000230646",
    "Ψ": "00021333424 0|2026", "Ω": "06160401103041443646",
}  # fmt: skip
_LOOK = "ØŁĐ–—’‘_,·•АВЕКМНОРСТУХІЈЅΑΒΕΖΗΙΚΜΝΟΡΤΥΧΓΠΦ"
_LIKE = "OLD--''-.--ABEKMHOPCTYXIJSABEZHIKMNOPTYXГПФ"
_READ_AS = dict(zip(_LOOK, _LIKE, strict=True)) | {"Æ": "AE", "Œ": "OE", "Þ": "TH", "…": "..."}
_SPACE = 2.6
PLAIN = (1.15, 0.75)
Glyph = list[list[tuple[int, int]]]


def drawable(text: str) -> str:
    """`text` in capitals without what these letters cannot draw: accents go, other alphabets are left out."""
    spelled = "".join(_READ_AS.get(letter, letter) for letter in unicodedata.normalize("NFC", text).upper())
    bare = "".join(_READ_AS.get(letter, letter) for letter in unicodedata.normalize("NFD", spelled))
    return " ".join("".join(c for c in bare if c in _STROKES or c == " ").split())


def covers(text: str) -> bool:
    """Whether every letter and digit of `text` can be drawn; what is neither (a smiling face) does not count."""
    return bool(drawable(text)) and all(drawable(letter) for letter in text if letter.isalnum())


def stretched(
    line: str, x: float, y: float, width: float, height: float, voice: tuple[float, float] = PLAIN
) -> tuple[str, float]:
    """The path of `line` filling the box, and the width of its stroke. A voice is stroke and gap in cells."""
    units = _units(line, voice)
    cell = min(width / units, height / 3.2)
    stroke = min(cell * voice[0], height / 4.2)
    cell_x = (width - stroke) / (units - voice[0])
    inner = height - stroke
    return _path(line, x + stroke / 2, y + stroke / 2, cell_x, min(cell, inner / 6), inner, voice), stroke


def written(line: str, x: float, y: float, height: float) -> tuple[str, float]:
    """The path of a small line of that height, and how wide it is."""
    cell = height / 6.4
    return _path(line, x, y, cell, cell, height, PLAIN), cell * (_units(line, PLAIN) - PLAIN[0])


def units(line: str) -> float:
    """How broad a line is, in cells: an I is one stroke, most letters are four cells."""
    return _units(line, PLAIN)


def _units(line: str, voice: tuple[float, float]) -> float:
    inner = sum(_SPACE if letter == " " else _width(letter) for letter in line)
    return inner + (len(line) - 1) * sum(voice) + voice[0]


def _path(
    line: str, x: float, y: float, cell_x: float, corner: float, height: float, voice: tuple[float, float]
) -> str:
    middle = height / 2
    rows = (0, corner, middle - corner, middle, middle + corner, height - corner, height)
    parts: list[str] = []
    for letter in line:
        if letter != " ":
            for points in _glyph(letter):
                closed = len(points) > 2 and points[0] == points[-1]  # noqa: PLR2004
                shown = points[:-1] if closed else points
                corners = [f"{x + px * cell_x:.0f} {y + rows[py]:.0f}" for px, py in shown]
                dot = "h0" if len(set(shown)) == 1 else ""
                parts.append("M" + ("L".join(corners) if not dot else corners[0] + dot) + ("z" if closed else ""))
        x += (_SPACE if letter == " " else _width(letter)) * cell_x + sum(voice) * cell_x
    return "".join(parts)


def _glyph(letter: str) -> Glyph:
    strokes = _STROKES[letter].replace(" ", "").split("|")
    return [[(int(row[at]), int(row[at + 1])) for at in range(0, len(row), 2)] for row in strokes]


def _width(letter: str) -> int:
    return max(x for points in _glyph(letter) for x, _ in points)
