"""A claim over the runs: verdicts a line a release, and its figures as curves by time.

Knows: trends. Must not know: markup, runs.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from harness.judge.trend import ClaimTrend, Point
from harness.report.html import series
from harness.report.html.bands import Band
from harness.report.phrases import seconds_of
from harness.report.releases import MANY, label, labels, newest_of_each_release, stretches

_MOST_CHARTS = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """Hold the verdicts of releases over the runs, and the curves of what moved."""

    rows: tuple[tuple[str, tuple[Point, ...]], ...]
    plots: tuple[series.Plot, ...]


def history(trend: ClaimTrend, predicted: Sequence[Band]) -> History:
    """Return a claim over the runs; of many releases those with the same verdicts together.

    Args:
        trend: verdicts and figures by runtime.
        predicted: what the claim and its rivals predict in numbers.
    """
    if len(trend.points) > MANY:
        folded = stretches(trend.points.items(), key=_verdicts)
        rows = tuple((labels(one.runtimes, trend.points), one.value) for one in folded)
    else:
        rows = tuple((label(name), points) for name, points in trend.points.items())
    return History(rows=rows, plots=_plots(trend, predicted))


def _verdicts(points: Iterable[Point]) -> tuple[tuple[str, str], ...]:
    return tuple((point.run, point.verdict.value) for point in points)


def _plots(trend: ClaimTrend, predicted: Sequence[Band]) -> tuple[series.Plot, ...]:
    """Return a plot a key figure that moved: its value by run, with what is predicted of it."""
    drawn = newest_of_each_release(trend.points)
    return tuple(
        series.Plot(
            path=path,
            x_key="run",
            y_key=path.rpartition(".")[2],
            curves=tuple(
                _curve(label(name), trend.points[name], path) for name in drawn if name in rows
            ),
            marks=tuple(series.mark("y", band) for band in predicted if band.path == path),
            dates=True,
        )
        for path, rows in trend.figures().items()
        if any(len({value for _, value in rows[name]}) > 1 for name in drawn if name in rows)
    )[:_MOST_CHARTS]


def _curve(name: str, points: Sequence[Point], path: str) -> series.Curve:
    """Return a figure by the time of its run: it breaks where a run has none."""
    at, breaks = [], []
    for point in points:
        if path in point.figures:
            at.append((seconds_of(point.started), point.figures[path], point.run))
        elif at:
            breaks.append(len(at))
    return series.Curve(
        label=name,
        points=tuple((x, y) for x, y, _ in at),
        breaks=frozenset(breaks) | series.long_gaps([x for x, _, _ in at]),
        runs=tuple(run for _, _, run in at),
    )
