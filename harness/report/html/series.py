"""Find what can be drawn in evidence: lists of maps with numeric keys, one curve a release.

Knows: evidence and its units. Must not know: how a curve is drawn.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median
from typing import Any

from harness.run.units import UNITS, unit_of

LEAST_POINTS = 3
"""Fewer points than this make a table, not a curve."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """Hold the points of one release, in ascending x.

    `breaks` are the indexes of points that no line leads to; `runs` names the run of each point,
    where they are of several.
    """

    label: str
    points: tuple[tuple[float, float], ...]
    breaks: frozenset[int] = frozenset()
    runs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """Hold a predicted number that lies on one of the axes; `axis` is `x` or `y`."""

    axis: str
    value: float
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Plot:
    """Hold one chart: a key of the series against the swept key, every release in it.

    `path` is where the series lies in the evidence, e.g. `cases.link.points`; `dates` tells that x
    is a time, in seconds since 1970.
    """

    path: str
    x_key: str
    y_key: str
    curves: tuple[Curve, ...]
    marks: tuple[Mark, ...] = ()
    dates: bool = False

    @property
    def title(self) -> str:
        """Return what the chart shows in words, e.g. `receive time (us) by mailbox (count)`."""
        return f"{words(self.y_key)} by {words(self.x_key)}"


_LONG = 1.75
"""So many times the usual distance between two runs, and one is missing between them."""


def long_gaps(times: Sequence[float]) -> frozenset[int]:
    """Return the indexes of times before which one is missing, to judge by the usual distance."""
    distances = [later - earlier for earlier, later in pairwise(times)]
    if not distances:
        return frozenset()
    usual = median(distances)
    return frozenset(n for n, one in enumerate(distances, 1) if one > _LONG * usual)


def words(key: str) -> str:
    """Return a key of evidence as words with its unit, e.g. `heap_words` as `heap (words)`."""
    name, unit = key.rpartition("_")[0], unit_of(key)
    if not name or not unit:
        return key.replace("_", " ")
    return f"{name.replace('_', ' ')} ({UNITS[unit].shown})"


def plots(
    evidence: Mapping[str, Mapping[str, Any]], predicted: Sequence[tuple[str, float]] = ()
) -> tuple[Plot, ...]:
    """Find every plot in the evidence of several releases.

    Args:
        evidence: evidence by the release's label, in the order of the legend.
        predicted: numbers that the claim predicts, with the path of each.
    """
    found: dict[tuple[str, str, str], list[Curve]] = {}
    for label, tree in evidence.items():
        for path, rows in _series(tree, ()):
            x_key = _swept(rows)
            for y_key in _measured(rows, x_key):
                points = tuple((float(row[x_key]), float(row[y_key])) for row in rows)
                found.setdefault((path, x_key, y_key), []).append(Curve(label=label, points=points))
    return tuple(
        Plot(
            path=path,
            x_key=x_key,
            y_key=y_key,
            curves=tuple(curves),
            marks=tuple(_marks(x_key, y_key, curves, predicted)),
        )
        for (path, x_key, y_key), curves in found.items()
    )


def _series(value: Any, path: tuple[str, ...]) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _series(inner, (*path, key))
    elif isinstance(value, list) and _is_series(value):
        yield ".".join(path), value


def _is_series(rows: list[Any]) -> bool:
    if len(rows) < LEAST_POINTS or not all(isinstance(row, dict) for row in rows):
        return False
    return bool(_swept(rows)) and bool(_measured(rows, _swept(rows)))


def _numeric_keys(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    return [key for key in rows[0] if all(_is_number(row.get(key)) for row in rows)]


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _swept(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return the key that was swept: it rises with every point, and is rather set than measured."""
    rising = [key for key in _numeric_keys(rows) if all(a[key] < b[key] for a, b in pairwise(rows))]
    return min(rising, key=lambda key: (_is_measured(rows, key), rising.index(key)), default="")


def _is_measured(rows: Sequence[Mapping[str, Any]], key: str) -> int:
    """Rank keys: 0 was set for sure (named x_…), 1 is a size or count, 2 is a measurement."""
    if key.startswith("x_"):
        return 0
    unit = UNITS.get(unit_of(key))
    measured = (unit is not None and unit.measured) or any(
        isinstance(row[key], float) for row in rows
    )
    return 2 if measured else 1


def _measured(rows: Sequence[Mapping[str, Any]], x_key: str) -> list[str]:
    return [key for key in _numeric_keys(rows) if key != x_key]


def _marks(
    x_key: str, y_key: str, curves: Iterable[Curve], predicted: Iterable[tuple[str, float]]
) -> Iterator[Mark]:
    points = [point for curve in curves for point in curve.points]
    for axis, key, values in (
        ("x", x_key, [x for x, _ in points]),
        ("y", y_key, [y for _, y in points]),
    ):
        for path, number in predicted:
            same_unit = unit_of(path) == unit_of(key) != ""
            if same_unit and min(values) <= number <= max(values):
                yield Mark(axis=axis, value=number, label=f"{path} {number:g}")
