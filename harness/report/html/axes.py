"""Where a number lies on an axis, and which round numbers are written beside it.

Knows: arithmetic. Must not know: what is drawn.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import median

from harness.report.phrases import day

_WIDE = 32
"""Values that spread over more than this factor, most of them small, are drawn on a log axis."""


class Axis:
    """Place numbers on a line, linear or logarithmic, from one round number to another.

    Args:
        values: what is drawn, at least one.
        span: where the line begins and ends; may run backwards, as y does on a screen.
        from_zero: whether a linear axis begins at zero.
    """

    def __init__(
        self, values: Sequence[float], span: tuple[float, float], *, from_zero: bool = True
    ) -> None:
        self.logarithmic = is_wide(values)
        self.ticks: list[float] = (
            _decades(values) if self.logarithmic else _round_steps(values, from_zero=from_zero)
        )
        self._span = span
        self._low, self._high = self._at(self.ticks[0]), self._at(self.ticks[-1])

    def text(self, value: float) -> str:
        """Return what is written beside a tick."""
        return short(value)

    def contains(self, value: float) -> bool:
        """Tell whether a number lies on the axis."""
        if self.logarithmic and value <= 0:
            return False
        return self._low <= self._at(value) <= self._high

    def place(self, value: float) -> float:
        """Return where a number lies, to a tenth of a pixel."""
        start, end = self._span
        share = (self._at(value) - self._low) / (self._high - self._low)
        return round(start + (end - start) * share, 1)

    def value(self, place: float) -> float:
        """Return the number that lies at a place of the line."""
        start, end = self._span
        at = self._low + (self._high - self._low) * (place - start) / (end - start)
        return 10.0**at if self.logarithmic else at

    def _at(self, value: float) -> float:
        return math.log10(value) if self.logarithmic else float(value)


class DateAxis(Axis):
    """Place times, in seconds since 1970; a few days that were measured are written beside it."""

    def __init__(self, values: Sequence[float], span: tuple[float, float]) -> None:
        self.logarithmic = False
        self.ticks = _days(values)
        self._span = span
        self._low, self._high = min(values), max(values)
        if self._low == self._high:
            self._low, self._high = self._low - _DAY_S, self._high + _DAY_S

    def text(self, value: float) -> str:
        """Return the date."""
        return day(value)


_DAY_S = 86_400.0
_MOST_DAYS = 5


def _days(values: Sequence[float]) -> list[float]:
    """Return the first time of up to five days, spread over those that have one."""
    first: dict[str, float] = {}
    for value in sorted(values):
        first.setdefault(day(value), value)
    times = list(first.values())
    if len(times) <= _MOST_DAYS:
        return times
    step = (len(times) - 1) / (_MOST_DAYS - 1)
    return [times[round(index * step)] for index in range(_MOST_DAYS)]


def is_wide(values: Sequence[float]) -> bool:
    """Tell whether numbers are drawn on a log axis."""
    low, high = min(values), max(values)
    return low > 0 and high / low >= _WIDE and median(values) < (low + high) / 4


def _decades(values: Sequence[float]) -> list[float]:
    low, high = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
    step = max(1, (high - low) // 5)
    ticks = [10.0**power for power in range(low, high + step, step)]
    inner = [tick for tick in ticks[1:] if tick >= max(values)][:1]
    kept = [tick for tick in ticks if not inner or tick <= inner[0]]
    return kept if len(kept) > 1 else [kept[0], kept[0] * 10]


def _round_steps(values: Sequence[float], *, from_zero: bool) -> list[float]:
    """Return two to seven round numbers around the values, zero among them where asked for."""
    zero = [0.0] if from_zero else []
    low, high = min(*zero, *values, values[0]), max(*zero, *values, values[0])
    if low == high:
        high = low + 1
    rough = (high - low) / 5
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power >= rough)
    if all(value == int(value) for value in values):
        step = max(1.0, float(math.ceil(step)))
    first, last = math.floor(low / step), math.ceil(high / step)
    return [round(index * step, 12) for index in range(first, last + 1)]


_SIZES = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))


def short(value: float) -> str:
    """Return a number as an axis prints it, e.g. `20k`."""
    for size, letter in _SIZES:
        if abs(value) >= size:
            return f"{value / size:.4g}{letter}"
    return f"{value:.4g}"
