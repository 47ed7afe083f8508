"""What is predicted, as lines and areas of a chart: where each stands in its view box.

Knows: axes, marks, slopes. Must not know: curves, claims, SVG's elements.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from harness.report.html.axes import Axis
from harness.report.html.series import Mark, Slope

_STEPS = 24
"""Points of the line of a predicted rise: it is bent on a linear axis."""

_MOST_CHARACTERS = 52
"""Of a label inside a chart; the legend has all of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Area:
    """Hold what is predicted: a shape that is filled, lines at its ends, and a label.

    `shape` and each of `edges` are points of the view box; the shape of a threshold is empty.
    """

    shape: tuple[tuple[float, float], ...]
    edges: tuple[tuple[tuple[float, float], ...], ...]
    rival: bool
    label: str
    short: str
    x: float
    y: float
    anchor: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """Hold the edges of what is drawn on, in units of the view box."""

    left: float
    right: float
    top: float
    bottom: float


def areas(
    marks: Iterable[Mark], slopes: Iterable[Slope], x: Axis, y: Axis, box: Box
) -> tuple[Area, ...]:
    """Return what is predicted and lies in the chart, in the order given."""
    across = [one for one in (_across(mark, x, y, box) for mark in marks) if one is not None]
    rising = [one for one in (_rising(slope, x, y, box) for slope in slopes) if one is not None]
    return tuple(_labelled([*across, *rising], box))


def _across(mark: Mark, x: Axis, y: Axis, box: Box) -> Area | None:
    """Return a stretch of one axis, across the whole of the other."""
    axis, low_end, high_end = (
        (x, box.left, box.right) if mark.axis == "x" else (y, box.bottom, box.top)
    )
    ends = [end for end in (mark.low, mark.high) if end is not None and axis.contains(end)]
    if not ends:
        return None
    low = axis.place(mark.low) if mark.low is not None and axis.contains(mark.low) else low_end
    high = axis.place(mark.high) if mark.high is not None and axis.contains(mark.high) else high_end
    if mark.axis == "x":
        shape = ((low, box.top), (high, box.top), (high, box.bottom), (low, box.bottom))
        edges = [((at, box.top), (at, box.bottom)) for at in map(axis.place, ends)]
    else:
        shape = ((box.left, low), (box.right, low), (box.right, high), (box.left, high))
        edges = [((box.left, at), (box.right, at)) for at in map(axis.place, ends)]
    return Area(
        shape=() if low == high else shape,
        edges=tuple(dict.fromkeys(edges)),
        rival=mark.rival,
        label=mark.label,
        short=_short(mark.label),
        x=0,
        y=0,
        anchor="end",
    )


def _rising(slope: Slope, x: Axis, y: Axis, box: Box) -> Area | None:
    """Return what lies between two powers of x through a point, or one of them alone."""
    edges = [
        edge
        for power in dict.fromkeys((slope.low, slope.high))
        if power is not None and len(edge := tuple(_power(power, slope.through, x, y, box))) > 1
    ]
    if not edges:
        return None
    both = len(edges) == 2  # noqa: PLR2004 (something lies between two)
    return Area(
        shape=(*edges[0], *reversed(edges[1])) if both else (),
        edges=tuple(edges),
        rival=slope.rival,
        label=slope.label,
        short=_short(slope.label),
        x=0,
        y=0,
        anchor="end",
    )


def _power(
    power: float, through: tuple[float, float], x: Axis, y: Axis, box: Box
) -> Iterator[tuple[float, float]]:
    at_x, at_y = through
    for step in range(_STEPS + 1):
        value = x.value(box.left + (box.right - box.left) * step / _STEPS)
        if value > 0:
            height = at_y * (value / at_x) ** power
            if y.contains(height):
                yield x.place(value), y.place(height)


def _short(label: str) -> str:
    if len(label) <= _MOST_CHARACTERS:
        return label
    return f"{label[: _MOST_CHARACTERS - 1]}…"


_LINE = 13
"""The height of a line of text."""


def _labelled(found: Sequence[Area], box: Box) -> Iterator[Area]:
    """Yield areas with places for their labels, of which none stands upon another."""
    taken: list[float] = []
    for area in found:
        first = area.edges[0]
        upright = first[0][0] == first[-1][0]
        above = min(edge[-1][1] for edge in area.edges) - 4
        at_x, at_y = (first[0][0], box.top + 10) if upright else (box.right - 2, above)
        while any(abs(at_y - other) < _LINE for other in taken):
            at_y += _LINE
        taken.append(at_y)
        is_right = at_x > (box.left + box.right) / 2
        yield Area(
            shape=area.shape,
            edges=area.edges,
            rival=area.rival,
            label=area.label,
            short=area.short,
            x=(at_x - 4 if is_right else at_x + 4) if upright else at_x,
            y=round(min(max(at_y, box.top + 10), box.bottom - 4), 1),
            anchor="end" if is_right or not upright else "start",
        )
