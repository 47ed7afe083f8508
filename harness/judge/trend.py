"""Verdicts and key figures of claims over all runs of a folder.

Knows: judged runs. Must not know: how a trend is printed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from harness.claims.predicates import is_number
from harness.judge.finding import Check, Finding, Verdict
from harness.judge.view import RunView
from harness.run.cells import release_order


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """Hold one cell in one run; `figures` are the numbers that its predictions are about."""

    run: str
    started: str
    otp_version: str
    verdict: Verdict
    figures: Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimTrend:
    """Hold one claim over the runs: for each runtime a point a run, the oldest first."""

    name: str
    points: Mapping[str, tuple[Point, ...]]

    @property
    def verdict_changes(self) -> int:
        """Count how often a verdict was another one than when it was reached last before.

        A run that skipped the cell reached none.
        """
        reached = (
            [point.verdict for point in own if point.verdict is not Verdict.SKIPPED]
            for own in self.points.values()
        )
        return sum(one is not other for own in reached for one, other in pairwise(own))

    def figures(self) -> Mapping[str, Mapping[str, tuple[tuple[str, float], ...]]]:
        """Return the numbers by path, then by runtime: pairs of run and value, oldest first."""
        found: dict[str, dict[str, list[tuple[str, float]]]] = {}
        for runtime, own in self.points.items():
            for point in own:
                for path, value in point.figures.items():
                    found.setdefault(path, {}).setdefault(runtime, []).append((point.run, value))
        return {
            path: {runtime: tuple(values) for runtime, values in rows.items()}
            for path, rows in found.items()
        }


def in_order(views: Iterable[RunView]) -> tuple[RunView, ...]:
    """Return the runs by their start, the oldest first; of the same run given twice the last."""
    unique = {(view.run.header.started, view.run.header.run): view for view in views}
    return tuple(unique[key] for key in sorted(unique))


def trends(views: Sequence[RunView]) -> Mapping[str, ClaimTrend]:
    """Return the trend of every claim that any run holds, by `skill/claim`.

    Args:
        views: judged runs, the oldest first.
    """
    found: dict[str, dict[str, list[Point]]] = {}
    for view in views:
        for finding in view.findings:
            own = found.setdefault(finding.cell.name, {})
            own.setdefault(finding.cell.runtime, []).append(_point(view, finding))
    return {
        name: ClaimTrend(
            name=name, points={key: tuple(own[key]) for key in sorted(own, key=release_order)}
        )
        for name, own in found.items()
    }


def _point(view: RunView, finding: Finding) -> Point:
    build = finding.observation.build if finding.observation else None
    return Point(
        run=view.run.header.run,
        started=view.run.header.started,
        otp_version=build.otp_version if build else "",
        verdict=finding.verdict,
        figures=dict(_figures(finding.checks)),
    )


def _figures(checks: Iterable[Check]) -> Iterable[tuple[str, float]]:
    for check in checks:
        if is_number(check.found):
            yield check.path, check.found
