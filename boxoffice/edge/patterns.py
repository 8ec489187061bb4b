"""Patterns of posters: each fills 800 by 1000 with a night's colours, around an eye that is never covered by words."""

import math
import random
from collections.abc import Callable

from boxoffice.catalogue.palettes import Palette

WIDTH, HEIGHT = 800, 1000
Dice = random.Random
Eye = tuple[int, int]
Pattern = Callable[[Dice, Palette, Eye], str]


def _rings(dice: Dice, palette: Palette, eye: Eye) -> str:
    """Two sets of rings whose centres differ: where they cross, they beat."""
    x, y = eye
    angle, apart = dice.uniform(0, math.tau), dice.randint(60, 130)
    step = dice.choice([18, 22, 26])
    first = "".join(f'<circle cx="{x}" cy="{y}" r="{r}"/>' for r in range(step, 900, step))
    x2, y2 = round(x + apart * math.cos(angle)), round(y + apart * math.sin(angle))
    second = "".join(f'<circle cx="{x2}" cy="{y2}" r="{r}"/>' for r in range(step, 620, step))
    return (
        f'<g fill="none" stroke-width="{step * 0.45:.1f}"><g stroke="{palette.figure}">{first}</g>'
        f'<g stroke="{palette.spark}">{second}</g></g>'
    )


def _halftone(dice: Dice, palette: Palette, eye: Eye) -> str:
    """A bright body seen through a printer's screen."""
    cx, cy = eye
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


def _tiles(dice: Dice, palette: Palette, _eye: Eye) -> str:
    """Quarter circles that fall either way and make one endless line."""
    size = dice.choice([100, 133, 160])
    half = size / 2
    path: list[str] = []
    for row in range(math.ceil(HEIGHT / size)):
        for column in range(math.ceil(WIDTH / size)):
            x, y = column * size, row * size
            if dice.random() < 0.5:  # noqa: PLR2004
                path.append(f"M{x + half:g} {y}A{half:g} {half:g} 0 0 1 {x} {y + half:g}")
                path.append(f"M{x + half:g} {y + size}A{half:g} {half:g} 0 0 1 {x + size} {y + half:g}")
            else:
                path.append(f"M{x + half:g} {y}A{half:g} {half:g} 0 0 0 {x + size} {y + half:g}")
                path.append(f"M{x + half:g} {y + size}A{half:g} {half:g} 0 0 0 {x} {y + half:g}")
    drawn = "".join(path)
    layers = [(palette.figure, 0.62), (palette.ground, 0.38), (palette.spark, 0.16)]
    return '<g fill="none">' + "".join(
        f'<path d="{drawn}" stroke="{colour}" stroke-width="{size * width:.0f}"/>' for colour, width in layers
    ) + "</g>"  # fmt: skip


def _waves(dice: Dice, palette: Palette, eye: Eye) -> str:
    """A field of lines with something loud beneath it."""
    (cx, cy), loud = eye, dice.choice([-1, 1]) * dice.randint(90, 150)
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


def _wheel(dice: Dice, palette: Palette, eye: Eye) -> str:
    """A chequered wheel, wider in every ring."""
    cx, cy = eye
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
    middle = f'<circle cx="{cx}" cy="{cy}" r="{radii[0] + 22:.0f}" fill="{palette.spark}"/>'
    return f'<path d="{"".join(cells)}" fill="{palette.figure}"/>{middle}'


def _sliced(dice: Dice, palette: Palette, eye: Eye) -> str:
    """A disc cut into slices, each pushed off its place."""
    (cx, cy), radius = eye, dice.randint(270, 320)
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


def _columns(dice: Dice, palette: Palette, _eye: Eye) -> str:
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


def _bulge(dice: Dice, palette: Palette, eye: Eye) -> str:
    """A chequered floor with something round under it."""
    (cx, cy), radius, pull = eye, dice.randint(260, 380), dice.choice([0.62, 0.7, -0.5])
    side = dice.choice([57, 67, 80])

    def at(column: int, row: int) -> str:
        x, y = column * side - 40, row * side - 40
        far = math.hypot(x - cx, y - cy)
        grown = 1 + pull * math.cos(min(far / radius, 1) * math.pi / 2) ** 2 if far else 1
        return f"{cx + (x - cx) * grown:.0f} {cy + (y - cy) * grown:.0f}"

    cells: dict[bool, list[str]] = {True: [], False: []}
    for row in range(-4, HEIGHT // side + 5):
        for column in range(-4, WIDTH // side + 5):
            if (row + column) % 2 == 0:
                corners = [at(column, row), at(column + 1, row), at(column + 1, row + 1), at(column, row + 1)]
                near = math.hypot(column * side - cx, row * side - cy) < radius * 0.55
                cells[near].append("M" + "L".join(corners) + "z")
    return (
        f'<path d="{"".join(cells[False])}" fill="{palette.figure}"/>'
        f'<path d="{"".join(cells[True])}" fill="{palette.spark}"/>'
    )


def _spiral(dice: Dice, palette: Palette, eye: Eye) -> str:
    """Squares in squares, each a little turned: a stair that one falls down."""
    (cx, cy), corners = eye, dice.choice([3, 4, 4, 5, 6])
    turn, size = dice.choice([-1, 1]) * dice.uniform(0.07, 0.13), 1500.0
    shapes: list[str] = []
    angle = dice.uniform(0, math.tau)
    number = 0
    while size > 14:  # noqa: PLR2004
        points = [angle + math.tau * corner / corners for corner in range(corners)]
        path = "L".join(f"{cx + size * math.cos(t):.0f} {cy + size * math.sin(t):.0f}" for t in points)
        colour = palette.spark if number % 7 == 3 else palette.figure if number % 2 else palette.ground  # noqa: PLR2004
        shapes.append(f'<path d="M{path}z" fill="{colour}"/>')
        size *= 0.9
        angle += turn
        number += 1
    return "".join(shapes)


def _scales(dice: Dice, palette: Palette, _eye: Eye) -> str:
    """Scales of rings, row over row."""
    size = dice.choice([100, 133, 160])
    bright = dice.randint(5, 9)
    parts: list[str] = [
        '<defs><g id="s">'
        + "".join(
            f'<circle r="{size * share:.0f}" fill="{colour}"/>'
            for share, colour in zip(
                (0.7, 0.62, 0.5, 0.42, 0.3, 0.22, 0.1), (palette.ground, palette.figure) * 4, strict=False
            )
        )
        + "</g></defs>"
    ]
    number = 0
    for row in range(-1, math.ceil(HEIGHT / size * 2.4) + 2):
        for column in range(-1, WIDTH // size + 3):
            x, y = column * size + (size // 2 if row % 2 else 0), round(row * size / 2.4)
            parts.append(f'<use href="#s" x="{x}" y="{y}"/>')
            number += 1
            if number % bright == 0:
                parts.append(f'<circle cx="{x}" cy="{y}" r="{size * 0.42:.0f}" fill="{palette.spark}"/>')
    return "".join(parts)


def _blinds(dice: Dice, palette: Palette, eye: Eye) -> str:
    """Stripes, and a disc in which they stand the other way."""
    (cx, cy), radius, pitch = eye, dice.randint(250, 310), dice.choice([24, 32, 40])
    slant = dice.choice([0, 30, 45, -30, -45])
    lines = "".join(f"M-900 {y}H1900" for y in range(-900, 1900, pitch))
    ring = f'<circle cx="{cx}" cy="{cy}" r="{radius}"'
    turned = f'transform="rotate({slant} {cx} {cy})"'
    across = f'transform="rotate({slant + 90} {cx} {cy})"'
    return (
        f'<clipPath id="b">{ring}/></clipPath><g stroke-width="{pitch * 0.5:.0f}">'
        f'<path d="{lines}" stroke="{palette.figure}" {turned}/>{ring} fill="{palette.ground}"/>'
        f'<g clip-path="url(#b)"><path d="{lines}" stroke="{palette.spark}" {across}/></g></g>'
    )


def _blocks(dice: Dice, palette: Palette, _eye: Eye) -> str:
    """Building blocks: quarters, halves and wholes of circles on a grid."""
    side = dice.choice([133, 160, 200])
    parts: list[str] = []
    for row in range(math.ceil(HEIGHT / side)):
        for column in range(math.ceil(WIDTH / side)):
            colours = dice.sample([palette.figure, palette.spark, palette.ground, palette.figure, palette.ground], 2)
            parts.append(_block(dice, column * side, row * side, side, colours))
    return "".join(parts)


def _block(dice: Dice, x: int, y: int, side: int, colours: list[str]) -> str:
    half, turn = side / 2, dice.choice([0, 90, 180, 270])
    shape = dice.choice(
        [
            f"M0 0h{side}a{side} {side} 0 0 1-{side} {side}z",
            f"M0 0h{side}a{half:g} {half:g} 0 0 1-{side} 0zM0 {half:g}h{side}a{half:g} {half:g} 0 0 1-{side} 0z",
            f"M{half:g} 0a{half:g} {half:g} 0 0 1 0 {side}a{half:g} {half:g} 0 0 1 0-{side}z",
            f"M0 0h{side}L0 {side}z",
            f"M0 0h{half:g}v{side}h-{half:g}z",
        ]
    )
    place = f'transform="translate({x} {y}) rotate({turn} {half:g} {half:g})"'
    return (
        f'<g {place}><path d="M0 0h{side}v{side}H0z" fill="{colours[0]}"/><path d="{shape}" fill="{colours[1]}"/></g>'
    )


def _stacks(dice: Dice, palette: Palette, _eye: Eye) -> str:
    """A wall of loudspeakers."""
    columns = dice.choice([2, 3, 4])
    side = WIDTH / columns
    parts: list[str] = []
    for row in range(math.ceil(HEIGHT / side)):
        for column in range(columns):
            x, y = (column + 0.5) * side, (row + 0.5) * side
            loud = dice.random() < 0.3  # noqa: PLR2004
            rings = dice.choice([(0.47, 0.4, 0.34, 0.16), (0.47, 0.44, 0.3, 0.27, 0.12), (0.4, 0.3, 0.2, 0.1)])
            for number, share in enumerate(rings):
                colour = palette.figure if number % 2 == 0 else palette.ground
                if loud and number == 2:  # noqa: PLR2004
                    colour = palette.spark
                parts.append(f'<circle cx="{x:.0f}" cy="{y:.0f}" r="{side * share:.0f}" fill="{colour}"/>')
    return "".join(parts)


def _meter(dice: Dice, palette: Palette, eye: Eye) -> str:
    """What the mixer shows: columns of lamps, and the loudest lit."""
    count = dice.choice([8, 10, 13])
    pitch = WIDTH / count
    length, phase = dice.uniform(1.2, 2.8), dice.uniform(0, math.tau)
    lit: dict[str, list[str]] = {palette.figure: [], palette.spark: []}
    for column in range(count):
        loud = 0.5 + 0.5 * math.sin(column / length + phase) * math.cos(column / 3.1 + phase)
        top = round((eye[1] + 140 - 300 * loud) / 26) * 26
        for y in range(top, HEIGHT, 26):
            colour = palette.spark if y < top + 78 else palette.figure
            lit[colour].append(f"M{column * pitch + 5:.0f} {y}h{pitch - 10:.0f}v18h-{pitch - 10:.0f}z")
    return "".join(f'<path d="{"".join(lamps)}" fill="{colour}"/>' for colour, lamps in lit.items())


def _petals(dice: Dice, palette: Palette, eye: Eye) -> str:
    """A flower of turning outlines."""
    (cx, cy), count = eye, dice.choice([14, 18, 24])
    far, wide = dice.randint(150, 230), dice.randint(90, 150)
    outline = f'<ellipse cx="{cx}" cy="{cy - far}" rx="{wide}" ry="{far}"'
    drawn = "".join(f'{outline} transform="rotate({360 * at / count:.1f} {cx} {cy})"/>' for at in range(count))
    larger = f'<g transform="translate({cx} {cy}) scale(1.7) translate({-cx} {-cy})" stroke-width="4">{drawn}</g>'
    return (
        f'<g fill="none" stroke="{palette.figure}" stroke-width="11">{larger}{drawn}</g>'
        f'<circle cx="{cx}" cy="{cy}" r="{dice.randint(50, 90)}" fill="{palette.spark}"/>'
    )


def _dusk(dice: Dice, palette: Palette, eye: Eye) -> str:
    """A sun that goes down behind water."""
    (cx, cy), radius = eye, dice.randint(230, 300)
    horizon = cy + radius // 4
    water: list[str] = []
    y, thick = float(horizon), 8.0
    while y < HEIGHT:
        water.append(f"M0 {y:.0f}h{WIDTH}v{thick:.0f}H0z")
        y += thick * 2.1
        thick *= 1.14
    rays = "".join(
        f"M{cx} {horizon}L{cx + 1500 * math.cos(a):.0f} {horizon + 1500 * math.sin(a):.0f}"
        f"L{cx + 1500 * math.cos(a + 0.07):.0f} {horizon + 1500 * math.sin(a + 0.07):.0f}z"
        for a in (math.pi + math.pi * at / 18 for at in range(18))
    )
    return (
        f'<path d="{rays}" fill="{palette.figure}"/><circle cx="{cx}" cy="{cy}" r="{radius + 26}" '
        f'fill="{palette.ground}"/><circle cx="{cx}" cy="{cy}" r="{radius}" fill="{palette.spark}"/>'
        f'<path d="M0 {horizon}h{WIDTH}V{HEIGHT}H0z" fill="{palette.ground}"/>'
        f'<path d="{"".join(water)}" fill="{palette.figure}"/>'
    )


PATTERNS: tuple[Pattern, ...] = (
    *(_rings, _halftone, _tiles, _waves, _wheel, _sliced, _columns, _bulge),
    *(_spiral, _scales, _blinds, _blocks, _stacks, _meter, _petals, _dusk),
)
