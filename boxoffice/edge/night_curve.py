"""The curve of a night: who came in each quarter of an hour, and how many were inside, as shapes for an SVG."""

from collections.abc import Sequence

import msgspec

from boxoffice.door.report import Slot

WIDTH, HEIGHT = 1000, 300
"""The drawing's own units; the page stretches it to whatever room there is."""
GAP = 0.12
MARKS = 4


class Bar(msgspec.Struct, frozen=True):
    """One quarter's entries."""

    x: float
    y: float
    width: float
    height: float


class Curve(msgspec.Struct, frozen=True):
    """`area` and `line` are paths of who was inside, in steps; `top`: people at the upper edge. `marks`: quarters that
    the axis names, first to last."""

    bars: list[Bar]
    area: str
    line: str
    top: int
    marks: list[Slot]
    fullest: Slot
    busiest: Slot
    slots: list[Slot]


def drawn_curve(slots: Sequence[Slot]) -> Curve | None:
    """None while nobody has come."""
    if not slots:
        return None
    fullest = max(slots, key=lambda slot: slot.inside)
    busiest = max(slots, key=lambda slot: slot.entered)
    top = max(fullest.inside, busiest.entered, 1)
    step = WIDTH / len(slots)
    bars = [
        Bar(
            round(place * step + step * GAP / 2, 1),
            _y(slot.entered, top),
            round(step * (1 - GAP), 1),
            round(HEIGHT - _y(slot.entered, top), 1),
        )
        for place, slot in enumerate(slots)
        if slot.entered
    ]
    line = " ".join(
        f"{'L' if place else 'M'}{round(place * step, 1)} {_y(slot.inside, top)}H{round((place + 1) * step, 1)}"
        for place, slot in enumerate(slots)
    )
    area = f"M0 {HEIGHT}{line.replace('M', 'L', 1)}V{HEIGHT}Z"
    return Curve(bars, area, line, top, _marks(slots), fullest, busiest, list(slots))


def _y(people: int, top: int) -> float:
    return round(HEIGHT - HEIGHT * people / top, 1)


def _marks(slots: Sequence[Slot]) -> list[Slot]:
    """At most a few, evenly spread, the first among them."""
    every = max(1, -(-len(slots) // MARKS))
    return list(slots[::every])
