"""Comparisons and trends in a terminal, as plain text.

Knows: their models. Must not know: files, colours.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from harness.claims.predicates import show
from harness.judge.compare import Comparison, Direction, Move
from harness.judge.trend import ClaimTrend, Point
from harness.report.changes import (
    added_lines,
    build_lines,
    change_text,
    columns,
    group_name,
    lost_lines,
    moved_lines,
    notes,
    verdict_groups,
)
from harness.report.marks import MARKS
from harness.report.phrases import moment, plural
from harness.report.releases import MANY, labels, newest_of_each_release, stretches
from harness.run.cells import Json

_BARS = "▁▂▃▄▅▆▇█"
_NEWEST = 30
"""Runs that a line of the trend shows; older ones are counted."""


def comparison_text(comparison: Comparison) -> str:
    """Return a comparison for the terminal, the worst first."""
    return "\n".join(_comparison(comparison)) + "\n"


def _comparison(comparison: Comparison) -> Iterator[str]:
    for name, run in (("old", comparison.old), ("new", comparison.new)):
        counts = ", ".join(f"{count} {verdict}" for verdict, count in run.counts.items() if count)
        yield f"{name}  {moment(run.started)}  {counts}  {run.path}"
    for note in notes(comparison):
        yield f"! {note}"
    yield from _section("not observed any more", list(lost_lines(comparison)))
    yield from _section("verdicts", list(_verdicts(comparison)))
    yield from _section(
        f"new cells ({len(comparison.added)})",
        [f"{MARKS[verdict].sign} {text}" for verdict, text in added_lines(comparison)],
    )
    yield from _section(
        f"evidence that moved by more than its spread ({len(comparison.moved)})",
        [_moved(name, move) for name, one in moved_lines(comparison) for move in one.moves],
    )
    yield from _section("builds", list(build_lines(comparison)))
    yield ""
    yield "something got worse" if comparison.worse else "nothing got worse"


def _moved(cell: str, move: Move) -> str:
    change = change_text(move)
    return f"{cell}  {move.path}: {move.old} -> {move.new}" + (f"  ({change})" if change else "")


def _verdicts(comparison: Comparison) -> Iterator[str]:
    among = columns(comparison)
    for direction in Direction:
        for group in verdict_groups(comparison.verdicts, direction):
            one = group[0]
            name = group_name(group, among)
            yield f"{direction.value}: {name}  {one.old.value} -> {one.new.value}"
            yield f"    {one.new_reason}"
            if len({change.repeat.partition(" --otp ")[0] for change in group}) == 1:
                yield f"    {one.repeat}"


def _section(title: str, lines: Sequence[str]) -> Iterator[str]:
    if lines:
        yield ""
        yield title
        for line in lines:
            yield f"  {line}"


def trend_json(trend: ClaimTrend) -> dict[str, Json]:
    """Return a trend as plain data: for each runtime a point a run, the oldest first."""
    return {
        "claim": trend.name,
        "runtimes": {
            runtime: [
                {
                    "run": point.run,
                    "started": point.started,
                    "otp_version": point.otp_version,
                    "verdict": point.verdict.value,
                    "figures": dict(point.figures),
                }
                for point in points
            ]
            for runtime, points in trend.points.items()
        },
    }


def trend_text(trends: Iterable[ClaimTrend], started: Sequence[str]) -> str:
    """Return trends for the terminal: a line a claim and release, then its figures.

    Args:
        trends: what is shown.
        started: when each run began, the oldest first.
    """
    span = f"{moment(started[0])} to {moment(started[-1])}" if started else ""
    lines = [f"{plural(len(started), 'run')}, the oldest on the left: {span}"]
    for trend in trends:
        lines += ["", trend.name]
        rows = list(_rows(trend))
        width = max(len(name) for name, _ in rows)
        lines += [f"  {name:{width}}  {_verdict_line(points)}" for name, points in rows]
        for path, figures in trend.figures().items():
            lines.append(f"  {path}")
            lines += [f"    {text}" for text in _figure_lines(figures)]
    return "\n".join(lines) + "\n"


def _rows(trend: ClaimTrend) -> Iterator[tuple[str, Sequence[Point]]]:
    """Yield the verdicts of each runtime; of many, neighbours with the same ones together."""
    if len(trend.points) <= MANY:
        yield from trend.points.items()
        return
    for one in stretches(trend.points.items(), key=_verdict_line):
        yield labels(one.runtimes, trend.points), one.value


def _figure_lines(figures: Mapping[str, Sequence[tuple[str, float]]]) -> Iterator[str]:
    """Yield a figure a runtime; of many, neighbours alike, or the newest patches and the span."""
    lines = {name: _figure_line([v for _, v in values]) for name, values in figures.items()}
    folded = stretches(lines.items())
    if len(lines) > MANY >= len(folded):
        lines = {labels(one.runtimes, figures): one.value for one in folded}
    shown = newest_of_each_release(lines) if len(lines) > MANY else tuple(lines)
    width = max(map(len, shown))
    yield from (f"{name:{width}}  {lines[name]}" for name in shown)
    if len(shown) < len(lines):
        values = [value for own in figures.values() for _, value in own]
        span = f"{show(min(values))} to {show(max(values))}"
        yield f"and {plural(len(lines) - len(shown), 'other')}: {span} on all {len(lines)}"


def _verdict_line(points: Sequence[Point]) -> str:
    older = f"({len(points) - _NEWEST} older) " if len(points) > _NEWEST else ""
    return older + "".join(MARKS[point.verdict].sign for point in points[-_NEWEST:])


def _figure_line(values: Sequence[float]) -> str:
    low, high = min(values), max(values)
    if low == high:
        return f"{show(low)} in all {len(values)}" if len(values) > 1 else show(low)
    step = (high - low) / (len(_BARS) - 1)
    bars = "".join(_BARS[round((value - low) / step)] for value in values[-_NEWEST:])
    return f"{bars}  {show(low)} to {show(high)}, now {show(values[-1])}"
