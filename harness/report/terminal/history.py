"""Comparisons and trends in a terminal, as plain text.

Knows: their models. Must not know: files, colours.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from harness.claims.predicates import show
from harness.judge.compare import Comparison, Direction, Move, VerdictChange
from harness.judge.trend import ClaimTrend, Point
from harness.report.changes import (
    build_lines,
    change_text,
    group_name,
    lost_lines,
    notes,
    verdict_groups,
)
from harness.report.marks import MARKS
from harness.report.phrases import moment, plural

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
    yield from _section("verdicts", list(_verdicts(comparison.verdicts)))
    yield from _section(
        f"new cells ({len(comparison.added)})",
        [f"{MARKS[one.verdict].sign} {one.cell}: {one.reason}" for one in comparison.added],
    )
    yield from _section(
        f"evidence that moved by more than its spread ({len(comparison.moved)})",
        [_moved(one.cell, move) for one in comparison.moved for move in one.moves],
    )
    yield from _section("builds", list(build_lines(comparison.builds)))
    yield ""
    yield "something got worse" if comparison.worse else "nothing got worse"


def _moved(cell: str, move: Move) -> str:
    change = change_text(move)
    return f"{cell}  {move.path}: {move.old} -> {move.new}" + (f"  ({change})" if change else "")


def _verdicts(changes: Sequence[VerdictChange]) -> Iterator[str]:
    for direction in Direction:
        for group in verdict_groups(changes, direction):
            one = group[0]
            yield f"{direction.value}: {group_name(group)}  {one.old.value} -> {one.new.value}"
            yield f"    {one.new_reason}"
            if len(group) == 1:
                yield f"    {one.repeat}"


def _section(title: str, lines: Sequence[str]) -> Iterator[str]:
    if lines:
        yield ""
        yield title
        for line in lines:
            yield f"  {line}"


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
        width = max(len(runtime) for runtime in trend.points)
        for runtime, points in trend.points.items():
            lines.append(f"  {runtime:{width}}  {_verdict_line(points)}")
        for path, rows in trend.figures().items():
            lines.append(f"  {path}")
            for runtime, values in rows.items():
                lines.append(f"    {runtime:{width}}  {_figure_line([v for _, v in values])}")
    return "\n".join(lines) + "\n"


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
