"""A night's poster, drawn from its slug: the same night always hangs the same poster.

The letters are strokes of our own (`edge/letters.py`), so that no font is needed and every machine draws them alike.
"""

import hashlib
import math
import random
from collections.abc import Callable

from boxoffice.catalogue.palettes import Palette, palette_of
from boxoffice.edge.letters import drawable, stretched, written

WIDTH, HEIGHT, MARGIN = 800, 1000, 56
LINES_MAX = 4
Dice = random.Random


def poster(slug: str, title: str, small: tuple[str, str]) -> str:
    """An SVG document of 800 by 1000: a pattern, the title stretched over it, and two small lines (date, place)."""
    return _drawn(slug, _lettering(slug, title, small, palette_of(slug)))


def artwork(slug: str) -> str:
    """The poster without its letters."""
    return _drawn(slug, "")


def _drawn(slug: str, lettering: str) -> str:
    digest = hashlib.sha256(slug.encode()).digest()
    dice = random.Random(digest)  # noqa: S311 - a pattern, not a secret
    palette = palette_of(slug)
    pattern = PATTERNS[digest[1] % len(PATTERNS)]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}">'
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="{palette.ground}"/>{pattern(dice, palette)}{lettering}</svg>'
    )


def _lettering(slug: str, title: str, small: tuple[str, str], palette: Palette) -> str:
    text = drawable(title)
    if not any(letter.isalnum() for letter in text):
        text = drawable(slug.replace("-", " "))
    lines = _broken(text.split())
    height = {1: 300, 2: 190, 3: 148, 4: 120}[len(lines)]
    gap = 34
    top = HEIGHT - MARGIN - len(lines) * height - (len(lines) - 1) * gap
    parts: list[str] = []
    for number, line in enumerate(lines):
        path, stroke = stretched(line, MARGIN, top + number * (height + gap), WIDTH - 2 * MARGIN, height)
        parts.append(_strokes(path, stroke, palette))
    left, _ = written(drawable(small[0]), MARGIN, MARGIN, 26)
    right, width = written(drawable(small[1]), 0, MARGIN, 26)
    parts.append(_strokes(left, 5, palette))
    moved = f'<g transform="translate({WIDTH - MARGIN - width:.0f} 0)">{_strokes(right, 5, palette)}</g>'
    return "".join(parts) + moved


def _strokes(path: str, stroke: float, palette: Palette) -> str:
    """Letters with a rim of the ground's colour, so that they stand off whatever is behind them."""
    rim = stroke + max(22, stroke * 0.7)
    return (
        f'<g fill="none" stroke-linecap="square" stroke-miterlimit="1.6"><path d="{path}" stroke="{palette.ground}" '
        f'stroke-width="{rim:.0f}"/><path d="{path}" stroke="{palette.letters}" stroke-width="{stroke:.0f}"/></g>'
    )


def _broken(words: list[str]) -> list[str]:
    """The words on at most four lines; very short ones join their neighbour."""
    lines = words[:12]
    while len(lines) > 1 and (len(lines) > LINES_MAX or min(len(line) for line in lines) < 3):  # noqa: PLR2004
        joined = min(range(len(lines) - 1), key=lambda at: len(lines[at]) + len(lines[at + 1]))
        lines[joined : joined + 2] = [f"{lines[joined]} {lines[joined + 1]}"]
    return lines


def _rings(dice: Dice, palette: Palette) -> str:
    """Two sets of rings whose centres differ: where they cross, they beat."""
    x, y = dice.randint(250, 550), dice.randint(260, 420)
    angle, apart = dice.uniform(0, math.tau), dice.randint(60, 130)
    step = dice.choice([18, 22, 26])
    first = "".join(f'<circle cx="{x}" cy="{y}" r="{r}"/>' for r in range(step, 900, step))
    x2, y2 = round(x + apart * math.cos(angle)), round(y + apart * math.sin(angle))
    second = "".join(f'<circle cx="{x2}" cy="{y2}" r="{r}"/>' for r in range(step, 620, step))
    return (
        f'<g fill="none" stroke-width="{step * 0.45:.1f}"><g stroke="{palette.figure}">{first}</g>'
        f'<g stroke="{palette.spark}">{second}</g></g>'
    )


def _halftone(dice: Dice, palette: Palette) -> str:
    """A bright body seen through a printer's screen."""
    cx, cy = dice.randint(260, 540), dice.randint(280, 400)
    fold, twist, pitch = dice.randint(2, 5), dice.uniform(0, math.tau), 27
    sizes: dict[int, list[str]] = {}
    for row in range(-1, HEIGHT // pitch + 2):
        for column in range(-1, WIDTH // pitch + 2):
            x, y = column * pitch + (pitch // 2 if row % 2 else 0), row * pitch
            distance, angle = math.hypot(x - cx, y - cy), math.atan2(y - cy, x - cx)
            body = 0.5 + 0.5 * math.cos(distance / 62 + math.sin(angle * fold + twist) * 1.4)
            size = round(9 * body * max(0.25, 1 - distance / 1000))
            if size:
                sizes.setdefault(size, []).append(f"M{x} {y}h0")
    dots = "".join(f'<path d="{"".join(at)}" stroke-width="{size * 3}"/>' for size, at in sorted(sizes.items()))
    spot = f'<circle cx="{cx}" cy="{cy}" r="{dice.randint(150, 230)}" fill="{palette.spark}"/>'
    return f'{spot}<g stroke="{palette.figure}" stroke-linecap="round">{dots}</g>'


def _tiles(dice: Dice, palette: Palette) -> str:
    """Quarter circles that fall either way and make one endless line."""
    size = dice.choice([100, 133, 160])
    half = size / 2
    path: list[str] = []
    for row in range(math.ceil(HEIGHT / size)):
        for column in range(math.ceil(WIDTH / size)):
            x, y = column * size, row * size
            # Each arc reaches one unit into its neighbours, or a hair's breadth of nothing shows where they meet.
            if dice.random() < 0.5:  # noqa: PLR2004
                path.append(f"M{x + half:g} {y - 1}v1A{half:g} {half:g} 0 0 1 {x} {y + half:g}h-1")
                path.append(f"M{x + half:g} {y + size + 1}v-1A{half:g} {half:g} 0 0 1 {x + size} {y + half:g}h1")
            else:
                path.append(f"M{x + half:g} {y - 1}v1A{half:g} {half:g} 0 0 0 {x + size} {y + half:g}h1")
                path.append(f"M{x + half:g} {y + size + 1}v-1A{half:g} {half:g} 0 0 0 {x} {y + half:g}h-1")
    drawn = "".join(path)
    layers = [(palette.figure, 0.62), (palette.ground, 0.38), (palette.spark, 0.16)]
    return '<g fill="none">' + "".join(
        f'<path d="{drawn}" stroke="{colour}" stroke-width="{size * width:.0f}"/>' for colour, width in layers
    ) + "</g>"  # fmt: skip


def _waves(dice: Dice, palette: Palette) -> str:
    """A field of lines with something loud beneath it."""
    cx, cy, loud = dice.randint(250, 550), dice.randint(260, 420), dice.choice([-1, 1]) * dice.randint(90, 150)
    length, phase = dice.uniform(38, 70), dice.uniform(0, math.tau)
    paths: list[str] = []
    for y in range(-20, HEIGHT + 60, 26):
        points: list[str] = []
        for x in range(-20, WIDTH + 41, 20):
            near = math.exp(-(((x - cx) / 210) ** 2) - ((y - cy) / 260) ** 2)
            lift = near * loud * (0.55 + 0.45 * math.sin(x / length + y / 90 + phase))
            points.append(f"{x} {y - lift:.0f}")
        paths.append("M" + "L".join(points))
    ball = f'<circle cx="{cx}" cy="{cy}" r="{dice.randint(120, 200)}" fill="{palette.spark}"/>'
    lines = (
        f'<path d="{"".join(paths)}" stroke="{palette.figure}" stroke-width="13" fill="none" stroke-linejoin="round"/>'
    )
    return ball + lines


def _wheel(dice: Dice, palette: Palette) -> str:
    """A chequered wheel, wider in every ring."""
    cx, cy = dice.randint(280, 520), dice.randint(300, 420)
    sectors, twist = dice.choice([16, 20, 24]), dice.choice([-1, 1]) * dice.uniform(0.03, 0.12)
    radii = [26 * 1.38**ring for ring in range(12)]
    cells: list[str] = []
    for ring in range(len(radii) - 1):
        inner, outer = radii[ring], radii[ring + 1]
        for sector in range(ring % 2, sectors, 2):
            a, b = (math.tau * (sector + at) / sectors + ring * twist for at in (0, 1))
            p = [
                (cx + r * math.cos(t), cy + r * math.sin(t))
                for r, t in ((inner, a), (outer, a), (outer, b), (inner, b))
            ]
            cells.append(
                f"M{p[0][0]:.0f} {p[0][1]:.0f}L{p[1][0]:.0f} {p[1][1]:.0f}A{outer:.0f} {outer:.0f} 0 0 1 {p[2][0]:.0f} "
                f"{p[2][1]:.0f}L{p[3][0]:.0f} {p[3][1]:.0f}A{inner:.0f} {inner:.0f} 0 0 0 {p[0][0]:.0f} {p[0][1]:.0f}"
            )
    eye = f'<circle cx="{cx}" cy="{cy}" r="{radii[0] + 22:.0f}" fill="{palette.spark}"/>'
    return f'<path d="{"".join(cells)}" fill="{palette.figure}"/>{eye}'


def _sliced(dice: Dice, palette: Palette) -> str:
    """A disc cut into slices, each pushed off its place."""
    cx, cy, radius = dice.randint(340, 460), dice.randint(330, 400), dice.randint(280, 330)
    y, thick = cy - radius, 12
    slices: list[str] = []
    number = 0
    while y < cy + radius:
        middle = y + thick / 2
        half = math.sqrt(max(0, radius**2 - (middle - cy) ** 2))
        push = dice.choice([0, 0, 0, -1, 1]) * dice.randint(30, 190)
        colour = palette.spark if push and dice.random() < 0.5 else palette.figure  # noqa: PLR2004
        slices.append(
            f'<rect x="{cx - half + push:.0f}" y="{y}" width="{2 * half:.0f}" height="{thick}" fill="{colour}"/>'
        )
        number += 1
        y += thick + max(3, 14 - number // 2)
        thick = min(60, thick + 3)
    return "".join(slices)


def _columns(dice: Dice, palette: Palette) -> str:
    """Columns that breathe: each is wide where its neighbour is narrow."""
    count = dice.choice([9, 11, 13])
    pitch, length, phase = WIDTH / count, dice.uniform(90, 150), dice.uniform(0, math.tau)
    bend = dice.uniform(0.5, 0.9)
    shapes: list[str] = []
    for number in range(count + 1):
        middle = number * pitch
        right: list[str] = []
        left: list[str] = []
        for y in range(0, HEIGHT + 25, 25):
            half = pitch * (0.25 + 0.2 * math.sin(y / length + number * bend + phase))
            shift = pitch * 0.35 * math.sin(y / length * 0.7 + phase)
            right.append(f"{middle + half + shift:.0f} {y}")
            left.append(f"{middle - half + shift:.0f} {y}")
        shapes.append("M" + "L".join(right + left[::-1]) + "z")
    picked = dice.sample(range(2, count - 1), 2)
    plain = "".join(shape for number, shape in enumerate(shapes) if number not in picked)
    bright = "".join(shapes[number] for number in picked)
    return f'<path d="{plain}" fill="{palette.figure}"/><path d="{bright}" fill="{palette.spark}"/>'


PATTERNS: tuple[Callable[[Dice, Palette], str], ...] = (_rings, _halftone, _tiles, _waves, _wheel, _sliced, _columns)
