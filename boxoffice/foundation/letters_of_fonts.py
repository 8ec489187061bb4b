"""Which characters the built fonts can write, read from their `cmap` tables (OpenType, formats 4 and 12)."""

import re
import struct
import unicodedata
from bisect import bisect_right
from collections.abc import Iterator
from functools import cache
from pathlib import Path

FONTS = Path(__file__).parent.parent / "fonts"
LEFT_OUT = "…"
"""Stands for letters that no font has."""
NOWHERE = "\0"
PART_OF_EMOJI = "\ufe0f\u20e3"
_LAST_OF_FORMAT_4 = 0xFFFF


@cache
def font_files() -> tuple[Path, ...]:
    """The fonts that `scripts/build_static.py` copied; none where nothing was built."""
    return tuple(sorted(FONTS.glob("*.ttf")))


def fonts_built() -> bool:
    """Whether pages and pictures can be set on this machine."""
    return bool(font_files())


def writable(text: str) -> str:
    """`text` with LEFT_OUT for each run of characters that no font has, and without what no font can put together:
    marks on emoji and other symbols, and U+FEFF."""
    kept: list[str] = []
    for character in text.replace("\ufeff", ""):
        stray = unicodedata.category(character) in ("Mn", "Me") and character not in PART_OF_EMOJI
        if not (stray and _takes_no_mark(kept)):
            kept.append(character if _has(character) else NOWHERE)
    return re.sub(f"{NOWHERE}+", LEFT_OUT, "".join(kept))


def _takes_no_mark(before: list[str]) -> bool:
    return bool(before) and (before[-1] in PART_OF_EMOJI or unicodedata.category(before[-1]) in ("So", "Sk", "No"))


def _has(character: str) -> bool:
    if unicodedata.category(character) in ("Cf", "Zs") or character in PART_OF_EMOJI:
        return True
    starts, ends = _covered()
    at = bisect_right(starts, ord(character)) - 1
    return at >= 0 and ord(character) <= ends[at]


@cache
def _covered() -> tuple[list[int], list[int]]:
    """First and last characters of the ranges that the fonts have, sorted and joined."""
    starts: list[int] = []
    ends: list[int] = []
    for first, last in sorted(one for file in font_files() for one in _ranges(file.read_bytes())):
        if ends and first <= ends[-1] + 1:
            ends[-1] = max(ends[-1], last)
        else:
            starts.append(first)
            ends.append(last)
    return starts, ends


def _ranges(font: bytes) -> Iterator[tuple[int, int]]:
    tables = struct.unpack_from(">H", font, 4)[0]
    for number in range(tables):
        tag, _, offset, _ = struct.unpack_from(">4sIII", font, 12 + 16 * number)
        if tag == b"cmap":
            break
    else:
        return
    for number in range(struct.unpack_from(">H", font, offset + 2)[0]):
        table = offset + struct.unpack_from(">I", font, offset + 4 + 8 * number + 4)[0]
        form = struct.unpack_from(">H", font, table)[0]
        if form == 4:  # noqa: PLR2004
            count = struct.unpack_from(">H", font, table + 6)[0] // 2
            lasts = struct.unpack_from(f">{count}H", font, table + 14)
            firsts = struct.unpack_from(f">{count}H", font, table + 16 + 2 * count)
            yield from ((first, last) for first, last in zip(firsts, lasts, strict=True) if last != _LAST_OF_FORMAT_4)
        elif form == 12:  # noqa: PLR2004
            count = struct.unpack_from(">I", font, table + 12)[0]
            for group in range(count):
                yield struct.unpack_from(">II", font, table + 16 + 12 * group)
