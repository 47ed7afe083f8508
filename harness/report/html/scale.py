"""Times in the unit that suits them: what takes seconds is not told in nanoseconds.

Knows: plots and units of time. Must not know: how anything is drawn.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from harness.report.html.axes import is_wide
from harness.report.html.series import Mark, Plot
from harness.run.units import unit_of

_TIMES: Final = ("ns", "us", "ms", "s")
"""Units of time, each a thousand of the one before it."""

_LEAST = 2
"""On a linear axis the largest number is at least so much in the unit that is chosen."""


def suiting(axis: str, plot: Plot) -> Plot:
    """Return a plot whose times on one axis are in the unit that suits them."""
    key = plot.x_key if axis == "x" else plot.y_key
    unit = unit_of(key)
    at = 0 if axis == "x" else 1
    values = [point[at] for curve in plot.curves for point in curve.points]
    steps = _steps(unit, values)
    if steps == 0:
        return plot
    factor = 1000.0**-steps
    name = f"{key.removesuffix(unit)}{_TIMES[_TIMES.index(unit) + steps]}"
    curves = tuple(
        replace(curve, points=tuple(_scaled(point, at, factor) for point in curve.points))
        for curve in plot.curves
    )
    slopes = tuple(replace(one, through=_scaled(one.through, at, factor)) for one in plot.slopes)
    marks = tuple(_mark(one, factor) if one.axis == axis else one for one in plot.marks)
    if axis == "x":
        return replace(plot, x_key=name, curves=curves, marks=marks, slopes=slopes)
    return replace(plot, y_key=name, curves=curves, marks=marks, slopes=slopes)


def _steps(unit: str, values: Sequence[float]) -> int:
    """Return by how many units of time the numbers are too small for theirs."""
    if unit not in _TIMES:
        return 0
    least = min(values) if is_wide(values) else max(map(abs, values)) / _LEAST
    room = len(_TIMES) - 1 - _TIMES.index(unit)
    return next((steps for steps in range(room, 0, -1) if least >= 1000.0**steps), 0)


def _scaled(point: tuple[float, float], at: int, factor: float) -> tuple[float, float]:
    x, y = point
    return (x * factor, y) if at == 0 else (x, y * factor)


def _mark(one: Mark, factor: float) -> Mark:
    low = None if one.low is None else one.low * factor
    high = None if one.high is None else one.high * factor
    return replace(one, low=low, high=high)
