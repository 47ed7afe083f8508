"""The tables of a terminal's report: a line a skill or a claim, a column a release.

Knows: findings, and how releases are folded. Must not know: where a table is printed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from typing import TypeVar

from rich.table import Table
from rich.text import Text

from harness.judge.finding import Finding, Verdict
from harness.report.marks import MARKS
from harness.report.releases import MANY, labels, stretches
from harness.run.cells import CellId, release_order
from harness.run.model import Run, RuntimeRecord

_T = TypeVar("_T")

_FEW_CLAIMS = 12
"""So many claims are listed one by one whatever is asked for: somebody picked them."""


def tables(findings: Sequence[Finding], run: Run | None, *, each: bool) -> Iterator[Table]:
    """Yield a table with a line a skill, or a table a skill with a line a claim.

    Args:
        findings: in the order of the matrix.
        run: where they come from, for what stands above the columns.
        each: a line a claim, however many there are.
    """
    if not findings:
        return
    if not each and len({finding.cell.name for finding in findings}) > _FEW_CLAIMS:
        yield _of_skills(findings, run)
        return
    for skill in _unique(finding.cell.skill for finding in findings):
        own = [finding for finding in findings if finding.cell.skill == skill]
        yield _of_claims(skill, own, run)


def _of_claims(skill: str, findings: Sequence[Finding], run: Run | None) -> Table:
    verdicts = {finding.cell: finding.verdict for finding in findings}
    claims = _unique(finding.cell.claim for finding in findings)

    def column(runtime: str) -> tuple[Verdict | None, ...]:
        return tuple(verdicts.get(CellId.of(skill, claim, runtime)) for claim in claims)

    table = Table(title=skill, title_justify="left", title_style="bold", box=None, pad_edge=False)
    table.add_column("claim", overflow="fold")
    shown = _columns(table, findings, run, column)
    for at, claim in enumerate(claims):
        table.add_row(claim, *(_mark(column(runtime)[at]) for runtime in shown))
    return table


def _of_skills(findings: Sequence[Finding], run: Run | None) -> Table:
    counts = Counter((one.cell.skill, one.cell.runtime, one.verdict) for one in findings)
    skills = _unique(finding.cell.skill for finding in findings)

    def column(runtime: str) -> tuple[tuple[int, ...], ...]:
        return tuple(tuple(counts[skill, runtime, one] for one in MARKS) for skill in skills)

    table = Table(box=None, pad_edge=False)
    table.add_column("skill", overflow="fold")
    shown = _columns(table, findings, run, column)
    for at, skill in enumerate(skills):
        table.add_row(skill, *(_counts(column(runtime)[at]) for runtime in shown))
    return table


def _columns(
    table: Table, findings: Sequence[Finding], run: Run | None, column: Callable[[str], Hashable]
) -> list[str]:
    """Add a column a runtime, of many one for neighbours that agree; return the first of each."""
    runtimes = sorted({finding.cell.runtime for finding in findings}, key=release_order)
    records = {} if run is None else {record.name: record for record in run.header.runtimes}
    groups: Iterable[tuple[str, ...]] = ((name,) for name in runtimes)
    if len(runtimes) > MANY:
        groups = [one.runtimes for one in stretches((name, column(name)) for name in runtimes)]
    headings = {group: _heading(group, records.get(group[0]), runtimes) for group in groups}
    double = Counter(headings.values())
    for group, heading in headings.items():
        apart = f"\n{group[0].partition('-')[2]}" if double[heading] > 1 else ""
        table.add_column(f"{heading}{apart}", justify="center")
    return [group[0] for group in headings]


def _heading(group: Sequence[str], record: RuntimeRecord | None, among: Sequence[str]) -> str:
    """Return version and way of a runtime; of several the range, and that the counts are each's."""
    if len(group) > 1:
        return f"{labels(group, among).removeprefix('OTP ')}\n{len(group)} alike"
    if record is None:
        return group[0]
    version = record.build.otp_version if record.build else str(record.release)
    return f"{version}\n{record.way}"


def _counts(counts: Sequence[int]) -> Text:
    return Text("  ").join(
        Text(f"{count} {mark.sign}", mark.style)
        for count, mark in zip(counts, MARKS.values(), strict=True)
        if count
    )


def _mark(verdict: Verdict | None) -> Text:
    if verdict is None:
        return Text(" ")
    return Text(MARKS[verdict].sign, style=MARKS[verdict].style)


def _unique(names: Iterable[_T]) -> list[_T]:
    return list(dict.fromkeys(names))
