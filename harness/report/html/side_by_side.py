"""What any two runs are compared by in the browser, as a script that a page loads.

Knows: judged runs. Must not know: how it is shown (that is in `compare.js`). It is bounded: so many
runs, so many verdicts, so many figures, the newest and those that moved most.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from harness.claims.predicates import is_number
from harness.judge.drift import allowance
from harness.judge.finding import Finding, Verdict
from harness.judge.view import RunView
from harness.report.evidence import unit_text
from harness.report.phrases import moment, outcome_word
from harness.report.releases import label
from harness.run.cells import release_order

_NAME = "beamproofRuns"

MOST_RUNS = 30
"""Runs that can be chosen, the newest."""

_MOST_VERDICTS = 2_000_000
"""Verdicts of all runs together; where there are more, fewer runs can be chosen."""

MOST_FIGURES = 4_000
"""Figures of all runs together: those that moved most."""

_LETTERS = {
    Verdict.CONFIRMED: "c",
    Verdict.REFUTED: "r",
    Verdict.INCONCLUSIVE: "i",
    Verdict.SKIPPED: "s",
}


def chosen(history: Sequence[RunView]) -> Sequence[RunView]:
    """Return the runs that can be chosen, the oldest first."""
    newest = history[-MOST_RUNS:]
    claims = {one.cell.name for view in newest for one in view.findings}
    columns = {name for view in newest for name in view.runtimes}
    room = _MOST_VERDICTS // max(1, len(claims) * len(columns))
    return newest[-max(2, room) :]


def script(history: Sequence[RunView], href: Callable[[str], str]) -> bytes:
    """Return the script: runs, claims, runtimes, a letter a verdict, reasons, figures.

    A run's verdicts are a text with a place for each runtime of each claim: `c`, `r`, `i`, `s`, or
    a full stop where the run does not have the cell. Reasons are of what is not confirmed.

    Args:
        history: judged runs, the oldest first.
        href: the page of a claim by its name.
    """
    made = _Data.of(chosen(history)).plain(href)
    data = json.dumps(made, ensure_ascii=False, separators=(",", ":")).replace("</", r"<\/")
    return f"window.{_NAME} = {data};\n".encode("utf-8", "replace")


@dataclass(slots=True, kw_only=True)
class _Data:
    views: Sequence[RunView]
    claims: Sequence[str]
    runtimes: Sequence[str]
    reasons: dict[str, int] = field(default_factory=dict)

    @classmethod
    def of(cls, views: Sequence[RunView]) -> _Data:
        runtimes = {name for view in views for name in view.runtimes}
        claims = dict.fromkeys(one.cell.name for view in reversed(views) for one in view.findings)
        return cls(views=views, claims=tuple(claims), runtimes=sorted(runtimes, key=release_order))

    def plain(self, href: Callable[[str], str]) -> dict[str, Any]:
        newest = {one.cell.name for one in self.views[-1].findings}
        return {
            "claims": self.claims,
            "pages": [href(name) if name in newest else "" for name in self.claims],
            "runtimes": self.runtimes,
            "labels": [label(name) for name in self.runtimes],
            "runs": [self._run(view) for view in self.views],
            "figures": self._figures(),
            "reasons": list(self.reasons),  # last: the runs above have filled it
        }

    def _run(self, view: RunView) -> dict[str, Any]:
        cells = {str(one.cell): one for one in view.findings}
        grid = [cells.get(f"{claim}@{name}") for claim in self.claims for name in self.runtimes]
        return {
            "run": view.run.header.run,
            "started": moment(view.run.header.started),
            "state": outcome_word(view.run),
            "vms": {name: _vm(view, name) for name in view.runtimes},
            "verdicts": "".join(_LETTERS[one.verdict] if one else "." for one in grid),
            "why": {
                str(at): self.reasons.setdefault(one.reason, len(self.reasons))
                for at, one in enumerate(grid)
                if one is not None and one.verdict is not Verdict.CONFIRMED
            },
        }

    def _figures(self) -> list[list[Any]]:
        """Return cell, key, unit, what it may scatter, and a value a run: what moved at all."""
        known: dict[tuple[int, str], list[float | None]] = {}
        places = {
            f"{claim}@{name}": at * len(self.runtimes) + column
            for at, claim in enumerate(self.claims)
            for column, name in enumerate(self.runtimes)
        }
        for number, view in enumerate(self.views):
            for finding in view.findings:
                for path, value in _numbers(finding):
                    key = (places[str(finding.cell)], path)
                    known.setdefault(key, [None] * len(self.views))[number] = value
        moved = [row for row in map(_moved, known.items()) if row is not None]
        moved.sort(key=lambda row: -row[0])
        return [figure for _, figure in moved[:MOST_FIGURES]]


def _numbers(finding: Finding) -> Iterator[tuple[str, float]]:
    for check in finding.checks:
        if is_number(check.value):
            yield check.path, check.value


def _moved(
    item: tuple[tuple[int, str], Sequence[float | None]],
) -> tuple[float, list[Any]] | None:
    """Return how far a figure moved, in shares of the largest, with the figure; None if it did not.

    What it scatters anyway is granted: the share that its unit has, and its noise around nothing.
    """
    (cell, path), values = item
    numbers = [value for value in values if value is not None]
    scatter, noise = allowance(path, numbers)
    most = max(map(abs, numbers))
    distance = max(numbers) - min(numbers)
    if distance <= scatter * most + noise:
        return None
    shown = [None if value is None else float(f"{value:.6g}") for value in values]
    return distance / most, [cell, path, unit_text(path), scatter, noise, shown]


def _vm(view: RunView, name: str) -> str:
    record = view.records.get(name)
    if record is None:
        return "no VM of it ran"
    version = record.build.otp_version if record.build else str(record.release)
    return f"{version}, {record.way}, {record.origin}"


def facts(history: Sequence[RunView]) -> Mapping[str, Any]:
    """Return what the page says before anything is chosen: the runs, the newest first."""
    return {"choice": tuple(reversed(chosen(history))), "most_figures": MOST_FIGURES}
