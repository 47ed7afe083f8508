"""Lay plots out as charts: where each line, marker and label of the SVG stands.

Knows: axes, how a chart is read without colours. Must not know: claims, evidence, SVG's elements
(those are in the template `chart.svg`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from harness.report.html.axes import Axis, DateAxis
from harness.report.html.drawn import Area, Box, areas
from harness.report.html.scale import suiting
from harness.report.html.series import Curve, Plot, words

WIDTH, HEIGHT = 420, 250
"""The view box, in units of about one pixel on a narrow screen."""

_LEFT, _RIGHT, _TOP, _BOTTOM = 52, 408, 10, 206
"""Where the axes stand: labels need the rest."""

_BOX = Box(left=_LEFT, right=_RIGHT, top=_TOP, bottom=_BOTTOM)

_INSET = 12
"""Dates stand so far from the ends of their axis that they can be read."""

_COLOURS = 8
"""How many colours the style sheet has for curves, `--c0` and so on."""

_FAR = 4
"""What was swept is drawn from zero when it starts below this share of its end."""

MARKERS = ("circle", "square", "triangle", "diamond")
"""A release is told by its marker as well, for readers who do not tell its colour."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """Hold a number beside an axis, and whether it is zero's."""

    at: float
    text: str
    zero: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Dot:
    """Hold a point of a curve, what is said of it, and the run that it leads to."""

    x: float
    y: float
    title: str
    run: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """Hold one curve: its colour's number, its marker, its path through its dots."""

    colour: int
    marker: str
    path: str
    dots: tuple[Dot, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """Hold what is drawn of a plot, in units of the view box; `leads`: points are links."""

    title: str
    caption: str
    x_name: str
    y_name: str
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    areas: tuple[Area, ...]
    lines: tuple[Line, ...]
    leads: bool = False
    width: int = WIDTH
    height: int = HEIGHT
    left: int = _LEFT
    right: int = _RIGHT
    top: int = _TOP
    bottom: int = _BOTTOM


def lay_out(plot: Plot) -> Chart:
    """Return the chart of a plot of at least one curve of at least one point."""
    plot = plot if plot.dates else suiting("x", plot)
    plot = suiting("y", plot)
    points = [point for curve in plot.curves for point in curve.points]
    swept = [x for x, _ in points]
    x: Axis = (
        DateAxis(swept, (_LEFT + _INSET, _RIGHT - _INSET))
        if plot.dates
        else Axis(swept, (_LEFT, _RIGHT), from_zero=min(swept) * _FAR < max(swept))
    )
    y = Axis([*(y for _, y in points), *_near(plot)], (_BOTTOM, _TOP))
    return Chart(
        title=f"{plot.title}; {', '.join(curve.label for curve in plot.curves)}",
        caption=plot.title,
        x_name=_name(plot.x_key, x),
        y_name=_name(plot.y_key, y),
        x_ticks=tuple(_ticks(x)),
        y_ticks=tuple(_ticks(y)),
        areas=areas(plot.marks, plot.slopes, x, y, _BOX),
        lines=tuple(_line(index, curve, x, y) for index, curve in enumerate(plot.curves)),
        leads=any(curve.runs for curve in plot.curves),
    )


_REACH = 3
"""What is predicted of y itself is on its axis unless it is so many times what was found."""


def _near(plot: Plot) -> list[float]:
    """Return the predicted ends of y that are near enough to be shown with what was found."""
    if not plot.dates:
        return []
    most = max(abs(y) for curve in plot.curves for _, y in curve.points)
    ends = [end for one in plot.marks for end in (one.low, one.high) if end is not None]
    return [end for end in ends if abs(end) <= _REACH * most]


def colour(index: int) -> int:
    """Return the number of a curve's colour."""
    return index % _COLOURS


def marker(index: int) -> str:
    """Return the name of a curve's marker."""
    return MARKERS[index % len(MARKERS)]


def path(points: Sequence[tuple[float, float]]) -> str:
    """Return points as the lines between them, in the words of SVG."""
    return "".join(f"{'L' if n else 'M'}{x:g} {y:g}" for n, (x, y) in enumerate(points))


def _name(key: str, axis: Axis) -> str:
    return f"{words(key)}, logarithmic" if axis.logarithmic else words(key)


def _ticks(axis: Axis) -> Iterator[Tick]:
    for value in axis.ticks:
        yield Tick(at=axis.place(value), text=axis.text(value), zero=value == 0)


def _line(index: int, curve: Curve, x: Axis, y: Axis) -> Line:
    runs = curve.runs or ("",) * len(curve.points)
    dots = tuple(
        Dot(x=x.place(a), y=y.place(b), title=f"{curve.label}: {_said(a, x)} → {b:.6g}", run=run)
        for (a, b), run in zip(curve.points, runs, strict=True)
    )
    path = "".join(
        f"{'M' if n == 0 or n in curve.breaks else 'L'}{dot.x} {dot.y}"
        for n, dot in enumerate(dots)
    )
    return Line(colour=colour(index), marker=marker(index), path=path, dots=dots)


def _said(value: float, axis: Axis) -> str:
    return axis.text(value) if isinstance(axis, DateAxis) else f"{value:g}"
