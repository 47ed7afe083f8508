"""Find what can be drawn in evidence: lists of maps with numeric keys, one curve a release.

Knows: evidence and its units. Must not know: how a curve is drawn.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median
from typing import Any

from harness.report.html.bands import Band, exponents_for
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
    """Hold what is predicted on one of the axes; `axis` is `x` or `y`.

    The numbers from `low` to `high`, an end open where None; both are the same for a threshold.
    """

    axis: str
    low: float | None
    high: float | None
    label: str
    rival: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Slope:
    """Hold how steeply a curve is predicted to rise: y by x to a power from `low` to `high`.

    `through` is the point that it is drawn through.
    """

    through: tuple[float, float]
    low: float | None
    high: float | None
    label: str
    rival: bool = False


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
    slopes: tuple[Slope, ...] = ()
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
    evidence: Mapping[str, Mapping[str, Any]], predicted: Sequence[Band] = ()
) -> tuple[Plot, ...]:
    """Find every plot in the evidence of several releases.

    Args:
        evidence: evidence by the release's label, in the order of the legend.
        predicted: what the claim and its rivals predict in numbers.
    """
    found: dict[tuple[str, str, str], list[Curve]] = {}
    for label, tree in evidence.items():
        for path, rows in _series(tree, ()):
            x_key = _swept(rows)
            for y_key in _measured(rows, x_key):
                points = tuple((float(row[x_key]), float(row[y_key])) for row in rows)
                found.setdefault((path, x_key, y_key), []).append(Curve(label=label, points=points))
    y_keys: dict[str, list[str]] = {}
    for path, _, y_key in found:
        y_keys.setdefault(path, []).append(y_key)
    return tuple(
        Plot(
            path=path,
            x_key=x_key,
            y_key=y_key,
            curves=tuple(curves),
            marks=tuple(_marks(path, x_key, y_key, curves, predicted)),
            slopes=tuple(
                _slope(band, curves[0])
                for band in exponents_for(predicted, path, y_key, y_keys[path])
            ),
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


_MOST_MARKS = 4
"""Predictions that are drawn into one chart: more hide the curves."""


def mark(axis: str, band: Band) -> Mark:
    """Return a band as it is drawn on an axis."""
    return Mark(axis=axis, low=band.low, high=band.high, label=band.label, rival=band.rival)


def _marks(
    path: str, x_key: str, y_key: str, curves: Sequence[Curve], predicted: Iterable[Band]
) -> Iterator[Mark]:
    """Yield what is predicted in the unit of an axis, with an end among its numbers.

    What is predicted of the very key comes first, then what its unit may mean.
    """
    points = [point for curve in curves for point in curve.points]
    found: list[tuple[bool, Mark]] = []
    for axis, key, values in (
        ("x", x_key, [x for x, _ in points]),
        ("y", y_key, [y for _, y in points]),
    ):
        for band in predicted:
            itself = band.path == f"{path}.{key}"
            alike = unit_of(band.key) == unit_of(key) != "" and not _is_control(band)
            within = any(min(values) <= end <= max(values) for end in band.ends)
            if itself or (alike and within):
                found.append((not itself, mark(axis, band)))
    yield from (one for _, one in sorted(found, key=lambda pair: pair[0])[:_MOST_MARKS])


def _is_control(band: Band) -> bool:
    """Tell whether a band says no more than that there was some, or none."""
    return band.ends in {(0.0,), (1.0,)} and unit_of(band.key) == "count"


def _slope(band: Band, curve: Curve) -> Slope:
    """Return a predicted rise, through the middle point of a curve."""
    points = [point for point in curve.points if min(point) > 0] or [(1.0, 1.0)]
    return Slope(
        through=points[len(points) // 2],
        low=band.low,
        high=band.high,
        label=band.label,
        rival=band.rival,
    )
