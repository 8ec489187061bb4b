"""A night's poster, drawn from its slug: the same night always hangs the same poster.

A composition, a pattern, a voice of the letters and a palette are picked by the slug's hash. Letters are strokes of our
own (`edge/letters.py`), so that no font is needed and every machine draws them alike; words in other alphabets are set
in the machine's boldest face and fitted to the same lines.
"""

import hashlib
import random
from collections.abc import Callable
from datetime import datetime
from functools import lru_cache
from html import escape
from zoneinfo import ZoneInfo

import msgspec

from boxoffice.catalogue.palettes import Palette, palette_of
from boxoffice.edge.letters import covers, drawable, stretched, units, written
from boxoffice.edge.patterns import HEIGHT, PATTERNS, WIDTH, Dice

MARGIN, GAP, SMALL, LEADING = 48, 24, 25, 41
LINES_MAX, ACTS_MAX, ROWS_OF_A_WALL = 4, 5, 7
INNER = WIDTH - 2 * MARGIN
CUT = 'stroke-linecap="square" stroke-miterlimit="1.6"'
ROUND = 'stroke-linecap="round" stroke-linejoin="round"'


class Words(msgspec.Struct, frozen=True):
    """What stands on a poster. `date` as on paper ("Fri 4 Dec"), `doors` as a clock shows it."""

    title: str
    date: str
    doors: str
    venue: str
    city: str
    acts: tuple[str, ...] = ()


def words_of(
    title: str, doors_at: datetime, time_zone: str, venue: str, city: str, acts: tuple[str, ...] = ()
) -> Words:
    """The words of a night whose doors open at that instant, told in its zone."""
    doors = doors_at.astimezone(ZoneInfo(time_zone))
    return Words(title, f"{doors:%a} {doors.day} {doors:%b}", f"{doors:%H:%M}", venue, city, acts)


class Sheet(msgspec.Struct, frozen=True):
    """A poster in the making: its words, colours, lettering, pattern and luck."""

    words: Words
    lines: list[str]
    palette: Palette
    voice: "Voice"
    dice: Dice
    pattern: Callable[[tuple[int, int]], str]


class Voice(msgspec.Struct, frozen=True):
    """How the letters speak: stroke and gap in cells, round or cut ends, a line along the middle of each stroke."""

    stroke: float
    gap: float
    round: bool = False
    inline: bool = False


VOICES = (
    Voice(1.15, 0.75),
    Voice(1.75, 0.5),
    Voice(1.3, 0.7, round=True),
    Voice(1.85, 0.6, inline=True),
    Voice(0.8, 1.0),
    Voice(1.9, 0.55, round=True),
)


@lru_cache(maxsize=256)
def poster(slug: str, words: Words) -> str:
    """An SVG document of 800 by 1000, under 40 KB."""
    luck = hashlib.sha256(slug.encode()).digest()
    dice = random.Random(luck)  # noqa: S311 - a pattern, not a secret
    palette = palette_of(slug)
    drawn = PATTERNS[luck[1] % len(PATTERNS)]
    title = words.title if any(letter.isalnum() for letter in words.title) else slug.replace("-", " ")
    lines = broken(title.split())
    voice = VOICES[luck[3] % len(VOICES)]
    sheet = Sheet(words, lines, palette, voice, dice, lambda eye: drawn(dice, palette, eye))
    fitting = [composition for composition, fits in COMPOSITIONS if fits(lines)]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}">'
        f'<path d="M0 0h{WIDTH}v{HEIGHT}H0z" fill="{palette.ground}"/>{fitting[luck[2] % len(fitting)](sheet)}</svg>'
    )


def artwork(slug: str) -> str:
    """The poster's pattern without its words."""
    luck = hashlib.sha256(slug.encode()).digest()
    palette = palette_of(slug)
    drawn = PATTERNS[luck[1] % len(PATTERNS)](random.Random(luck), palette, (WIDTH // 2, HEIGHT // 2))  # noqa: S311 - a pattern, not a secret
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}">'
        f'<path d="M0 0h{WIDTH}v{HEIGHT}H0z" fill="{palette.ground}"/>{drawn}</svg>'
    )


def broken(words: list[str]) -> list[str]:
    """The words on at most four lines, alphabets apart; very short ones join their neighbour, very long ones break."""
    lines = [part for word in words for part in _cut(word)]
    apart = [line for line in lines if any(letter.isalnum() for letter in line)][:14]
    while len(apart) > 1 and (len(apart) > LINES_MAX or min(len(line) for line in apart) < 3):  # noqa: PLR2004
        pairs = range(len(apart) - 1)
        joined = min(pairs, key=lambda at: (covers(apart[at]) != covers(apart[at + 1]), len(apart[at] + apart[at + 1])))
        apart[joined : joined + 2] = [f"{apart[joined]} {apart[joined + 1]}"]
    return apart


def _cut(word: str) -> list[str]:
    word = word.strip(":;,.|-–—")
    most = 16 if covers(word) else 9
    parts = -(-len(word) // most)
    size = -(-len(word) // max(parts, 1))
    return [word[at : at + size] for at in range(0, len(word), size)] if word else []


# Compositions. Words stand on plain ground, so that nothing disturbs them; the pattern has the rest.


def _foot(sheet: Sheet) -> str:
    """The pattern above, the title large at the foot."""
    tall = _title_height(sheet)
    facts = _facts_height(sheet.words)
    top = HEIGHT - MARGIN - tall - GAP - 8 - facts - 36
    ground = f'<path d="M0 {top}h{WIDTH}V{HEIGHT}H0z" fill="{sheet.palette.ground}"/>'
    title = _title(sheet, MARGIN, HEIGHT - MARGIN - tall, INNER, tall)
    return sheet.pattern((_off(sheet.dice, 400), top // 2)) + ground + _facts(sheet, top + 36) + title


def _head(sheet: Sheet) -> str:
    """The title at the head, the pattern below it, the facts at the foot."""
    tall = _title_height(sheet)
    facts = _facts_height(sheet.words)
    top, bottom = MARGIN + tall + 36, HEIGHT - MARGIN - facts - 32
    grounds = f'<path d="M0 0h{WIDTH}v{top}H0zM0 {bottom}h{WIDTH}V{HEIGHT}H0z" fill="{sheet.palette.ground}"/>'
    eye = (_off(sheet.dice, 400), (top + bottom) // 2)
    return sheet.pattern(eye) + grounds + _title(sheet, MARGIN, MARGIN, INNER, tall) + _facts(sheet, bottom + 32)


def _window(sheet: Sheet) -> str:
    """The pattern on a disc that comes in from above, as on a record."""
    tall = _title_height(sheet)
    facts = _facts_height(sheet.words)
    top = HEIGHT - MARGIN - tall - GAP - 8 - facts - 36
    radius = max(340, top // 2 + 60)
    middle = (_off(sheet.dice, 400), top - 12 - radius)
    hole = f'<clipPath id="w"><circle cx="{middle[0]}" cy="{middle[1]}" r="{radius}"/></clipPath>'
    title = _title(sheet, MARGIN, HEIGHT - MARGIN - tall, INNER, tall)
    drawn = sheet.pattern((middle[0], top // 2 - 20))
    return f'{hole}<g clip-path="url(#w)">{drawn}</g>{_facts(sheet, top + 36)}{title}'


def _side(sheet: Sheet) -> str:
    """The title climbs along the edge, the pattern stands beside it."""
    broad = 250 if len(sheet.lines) == 1 else 330
    facts = _facts_height(sheet.words)
    edge, bottom = MARGIN + broad + 32, HEIGHT - MARGIN - facts - 32
    grounds = f'<path d="M0 0h{edge}v{HEIGHT}H0zM0 {bottom}h{WIDTH}V{HEIGHT}H0z" fill="{sheet.palette.ground}"/>'
    title = _title(sheet, 0, 0, bottom - MARGIN, broad)
    turned = f'<g transform="translate({MARGIN} {bottom}) rotate(-90)">{title}</g>'
    return sheet.pattern(((edge + WIDTH) // 2, bottom // 2)) + grounds + turned + _facts(sheet, bottom + 32)


def _over(sheet: Sheet) -> str:
    """The title over the pattern, with a rim that holds it off; the facts on a plain strip."""
    tall = _title_height(sheet)
    facts = _facts_height(sheet.words)
    below = HEIGHT - MARGIN - facts - 32
    ground = f'<path d="M0 {below}h{WIDTH}V{HEIGHT}H0z" fill="{sheet.palette.ground}"/>'
    title = _title(sheet, MARGIN, below - 40 - tall, INNER, tall, rim=True)
    eye = (_off(sheet.dice, 400), max(200, (below - 40 - tall) // 2))
    return sheet.pattern(eye) + title + ground + _facts(sheet, below + 32)


def _wall(sheet: Sheet) -> str:
    """Nothing but the title, again and again, as if it came nearer."""
    facts = _facts_height(sheet.words)
    room = HEIGHT - 2 * MARGIN - facts - 36
    rows = max(ROWS_OF_A_WALL - len(sheet.lines), 3) * len(sheet.lines)
    grown = [1.42 ** (row // len(sheet.lines) if len(sheet.lines) > 1 else row) for row in range(rows)]
    scale = (room - 16 * (rows - 1)) / sum(grown)
    colours = (sheet.palette.figure, sheet.palette.spark, sheet.palette.letters)
    last = rows - len(sheet.lines)
    parts: list[str] = []
    y = float(MARGIN)
    for row, share in enumerate(grown):
        tall = share * scale
        colour = sheet.palette.letters if row >= last else colours[(row // len(sheet.lines)) % 2]
        parts.append(_line(sheet, sheet.lines[row % len(sheet.lines)], (MARGIN, y, INNER, tall), colour))
        y += tall + 16
    return "".join(parts) + _facts(sheet, HEIGHT - MARGIN - facts)


def _lettered(lines: list[str], shortest: int, longest: int, most: int) -> bool:
    """Whether at most so many lines are drawn in our own letters, each neither too short nor too long."""
    return len(lines) <= most and all(covers(line) and shortest <= len(line) <= longest for line in lines)


COMPOSITIONS: tuple[tuple[Callable[[Sheet], str], Callable[[list[str]], bool]], ...] = (
    (_foot, lambda _: True),
    (_head, lambda _: True),
    (_window, lambda lines: len(lines) < LINES_MAX - 1),
    (_over, lambda lines: len(lines) < LINES_MAX),
    (_side, lambda lines: _lettered(lines, 4, 16, 2)),
    (_wall, lambda lines: _lettered(lines, 4, 10, 2)),
)


def _off(dice: Dice, middle: int) -> int:
    return middle + dice.choice([-1, 1]) * dice.randint(0, 130)


def _title_height(sheet: Sheet) -> int:
    return {1: 250, 2: 330, 3: 400, 4: 450}[len(sheet.lines)]


def _title(sheet: Sheet, x: float, y: float, width: float, height: float, *, rim: bool = False) -> str:
    """The lines, each as broad as the box; what is short stands tall."""
    shares = [(1 / max(_breadth(line), 6)) ** 0.5 for line in sheet.lines]
    room = height - GAP * (len(sheet.lines) - 1)
    parts: list[str] = []
    for line, share in zip(sheet.lines, shares, strict=True):
        tall = room * share / sum(shares)
        parts.append(_line(sheet, line, (x, y, width, tall), sheet.palette.letters, rim=rim))
        y += tall + GAP
    return "".join(parts)


def _breadth(line: str) -> float:
    return units(drawable(line)) if covers(line) else 4.5 * len(line)


def _line(sheet: Sheet, line: str, box: tuple[float, float, float, float], colour: str, *, rim: bool = False) -> str:
    x, y, width, height = box
    if not covers(line):
        return _foreign(line, box, colour, sheet.palette.ground if rim else None)
    voice = sheet.voice
    path, stroke = stretched(drawable(line), x, y, width, height, (voice.stroke, voice.gap))
    shape = ROUND if voice.round else CUT
    around = f'<path d="{path}" stroke="{sheet.palette.ground}" stroke-width="{stroke + 34:.0f}"/>' if rim else ""
    inside = ""
    if voice.inline and stroke > 20:  # noqa: PLR2004
        inside = f'<path d="{path}" stroke="{sheet.palette.ground}" stroke-width="{stroke * 0.2:.1f}"/>'
    return (
        f'<g fill="none" {shape}>{around}<path d="{path}" stroke="{colour}" stroke-width="{stroke:.1f}"/>{inside}</g>'
    )


def _foreign(line: str, box: tuple[float, float, float, float], colour: str, rim: str | None) -> str:
    """A line in another alphabet, in a face of the machine: as large as fits, then fitted to the box."""
    x, y, width, height = box
    natural = sum(1.0 if ord(letter) > 0x2E80 else 0.56 for letter in line)  # noqa: PLR2004 - CJK and faces are square
    size = min(height * 0.95, width / natural * 1.15)
    fits = natural * size > width * 0.6
    fitted = f' textLength="{width:.0f}" lengthAdjust="spacingAndGlyphs"' if fits else ""
    edge = f' stroke="{rim}" stroke-width="26" stroke-linejoin="round" paint-order="stroke"' if rim else ""
    return (
        f'<text x="{x + width / 2:.0f}" y="{y + height / 2 + size * 0.36:.0f}" text-anchor="middle"{fitted}{edge} '
        f'font-size="{size:.0f}" font-weight="900" font-family="sans-serif" fill="{colour}">{escape(line)}</text>'
    )


def _facts_height(words: Words) -> int:
    return max(len(_acts(words)), 3 if words.acts else 2) * LEADING - (LEADING - SMALL)


def _acts(words: Words) -> list[str]:
    if len(words.acts) <= ACTS_MAX:
        return list(words.acts)
    return [*words.acts[: ACTS_MAX - 1], f"+ {len(words.acts) - ACTS_MAX + 1} more"]


def _facts(sheet: Sheet, y: float) -> str:
    """Who plays on the left; when and where on the right."""
    words, colour = sheet.words, sheet.palette.letters
    left = _acts(words) or [words.venue, words.city]
    right = [f"{words.date}  {words.doors}", *([words.venue, words.city] if words.acts else [])]
    parts = [_small(text, MARGIN, y + row * LEADING, colour, 400) for row, text in enumerate(left)]
    parts += [_small(text, None, y + row * LEADING, colour, 400) for row, text in enumerate(right)]
    return "".join(parts)


def _small(text: str, x: int | None, y: float, colour: str, width_max: int) -> str:
    """A small line from `x`, or up to the right margin (None)."""
    if not covers(text):
        size = min(SMALL * 1.3, width_max / max(len(text), 1) / 0.5)
        place = f'x="{x}"' if x is not None else f'x="{WIDTH - MARGIN}" text-anchor="end"'
        return (
            f'<text {place} y="{y + SMALL:.0f}" font-size="{size:.0f}" font-weight="700" font-family="sans-serif" '
            f'fill="{colour}" direction="ltr">{escape(text)}</text>'
        )
    drawn, width = written(drawable(text), 0, 0, SMALL)
    scale = min(1.0, width_max / width)
    left = x if x is not None else WIDTH - MARGIN - width * scale
    shrunk = f" scale({scale:.2f} 1)" if scale < 1 else ""
    return (
        f'<path d="{drawn}" transform="translate({left:.0f} {y:.0f}){shrunk}" fill="none" stroke="{colour}" '
        f'stroke-width="4.6" {CUT}/>'
    )
