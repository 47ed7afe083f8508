"""Markdown fit for a job summary: short first, what is not confirmed next, the table last.

Knows: judged runs and comparisons. Must not know: files, HTML.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import islice

from harness.judge.compare import Comparison, Direction
from harness.judge.finding import Finding, Verdict
from harness.judge.view import NEEDS_ATTENTION, WORST_FIRST, RunView, SkillView
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
from harness.report.columns import Column, columns_of_run, skipped
from harness.report.evidence import differing
from harness.report.marks import MARKS
from harness.report.releases import labels
from harness.run.repeat import repeat_command

_MOST = 50
"""Cells that are listed in full; a job summary is cut at one MiB, and nobody reads more."""

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>|#~])")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]+")


def escape(text: str) -> str:
    """Return text that Markdown shows as it is, on one line, in a table as well."""
    plain = _CONTROL.sub(" ", text).strip().replace("&", "&amp;")
    return _SPECIAL.sub(r"\\\1", plain).replace("\\<", "&lt;").replace("\\>", "&gt;")


def render_markdown(view: RunView) -> str:
    """Return a judged run as Markdown."""
    return "\n".join(_run(view)) + "\n"


def _run(view: RunView) -> Iterator[str]:
    skills = f"{len(view.skills)} skill{'s' if len(view.skills) != 1 else ''}"
    yield f"## beamproof: {counts(view)}"
    yield ""
    yield f"{skills} on {labels(view.runtimes, view.runtimes)}, run `{view.run.header.run}`."
    for warning in view.warnings():
        yield ""
        yield f"> **Mind:** {escape(warning)}"
    yield ""
    yield from _matrix(view)
    yield from _not_confirmed(view)
    yield from _differing(view)
    yield from _skipped(view)


def _not_confirmed(view: RunView) -> Iterator[str]:
    """Yield what needs a person, the refuted first; releases with the same reason together."""
    found: dict[tuple[Verdict, str, str], list[Finding]] = {}
    for verdict in NEEDS_ATTENTION:
        for one in view.findings:
            if one.verdict is verdict:
                found.setdefault((verdict, one.claim.name, one.reason), []).append(one)
    if found:
        yield ""
        yield "### Not confirmed"
    for findings in islice(found.values(), _MOST):
        yield from _findings(findings, view)
    if len(found) > _MOST:
        yield ""
        yield f"… and {len(found) - _MOST} more."


def _differing(view: RunView) -> Iterator[str]:
    """Yield what is predicted and has another value on some release."""
    rows = [
        f"| `{one.claim.name}` | `{row.path}` | {escape(row.text)} |"
        for skill in view.skills
        for one in skill.claims
        for row in differing(one.cells)
        if row.predicted
    ]
    if rows:
        yield from ("", "### Differs by release", "", "| claim | evidence | OTP |", "|---|---|---|")
        yield from rows[:_MOST]
    if len(rows) > _MOST:
        yield ""
        yield f"… and {len(rows) - _MOST} more."


def counts(view: RunView) -> str:
    """Return the counts in words, the worst first."""
    parts = [
        f"{view.counts[verdict]:,} {verdict.value}"
        for verdict in WORST_FIRST
        if view.counts[verdict] or verdict is Verdict.CONFIRMED
    ]
    return ", ".join(parts)


def _matrix(view: RunView) -> Iterator[str]:
    found = columns_of_run(view)
    yield "| skill | " + " | ".join(_heading(one) for one in found) + " |"
    yield "|---" * (len(found) + 1) + "|"
    for skill in view.skills:
        cells = [_counts(skill, one.first) for one in found]
        yield f"| {escape(skill.name)} | " + " | ".join(cells) + " |"


def _heading(column: Column) -> str:
    each = ", each" if len(column.runtimes) > 1 else ""
    below = f" {column.below}" if column.below else ""
    return escape(f"OTP {column.name}{below}{each}")


def _counts(skill: SkillView, runtime: str) -> str:
    found = skill.counts(runtime)
    return " ".join(
        f"{MARKS[verdict].emoji} {found[verdict]}" for verdict in MARKS if found[verdict]
    )


def _findings(findings: Sequence[Finding], view: RunView) -> Iterator[str]:
    first = findings[0]
    runtimes = [one.cell.runtime for one in findings]
    on = f" on {labels(runtimes, view.runtimes)}" if len(findings) > 1 else ""
    name = first.claim.name if on else first.cell
    yield ""
    yield f"- {MARKS[first.verdict].emoji} **{first.verdict.value}** `{name}`{on}  "
    yield f"  {escape(first.claim.statement)}  "
    yield f"  {escape(first.reason)}  "
    yield f"  `{repeat_command(first.cell)}`"


def _skipped(view: RunView) -> Iterator[str]:
    found = skipped(view)
    if found:
        yield ""
        yield "### Skipped"
        yield ""
    for on, reason, count in found:
        yield f"- {on}: {count}, {escape(reason)}"


def render_comparison(comparison: Comparison) -> str:
    """Return a comparison as Markdown."""
    return "\n".join(_comparison(comparison)) + "\n"


def _comparison(comparison: Comparison) -> Iterator[str]:
    state = "something got worse" if comparison.worse else "nothing got worse"
    yield f"## beamproof: {state}"
    yield ""
    yield f"`{comparison.old.run}` → `{comparison.new.run}`"
    for note in notes(comparison):
        yield ""
        yield f"> {escape(note)}"
    if comparison.lost:
        lines = [f"- {escape(line)}" for line in lost_lines(comparison)]
        yield from _listed("Not observed any more", lines, len(comparison.gone))
    for direction in Direction:
        yield from _changes(direction, comparison)
    if comparison.added:
        lines = [
            f"- {MARKS[verdict].emoji} {escape(text)}" for verdict, text in added_lines(comparison)
        ]
        yield from _listed("New cells", lines, len(comparison.added))
    if comparison.moved:
        yield from _moved(comparison)
    if comparison.builds:
        lines = [f"- {escape(line)}" for line in build_lines(comparison)]
        yield from _listed("Changed builds", lines)
    if comparison.unchanged:
        yield ""
        yield "No difference."


def _changes(direction: Direction, comparison: Comparison) -> Iterator[str]:
    groups = list(verdict_groups(comparison.verdicts, direction))
    among = columns(comparison)
    titles = {
        Direction.WORSE: "Worse",
        Direction.BETTER: "Better",
        Direction.OTHER: "Otherwise changed",
    }
    if groups:
        lines = [
            f"- {MARKS[one.old].emoji} → {MARKS[one.new].emoji} `{name}`: {escape(one.new_reason)}"
            for one, name in ((group[0], group_name(group, among)) for group in groups)
        ]
        yield from _listed(titles[direction], lines, sum(map(len, groups)))


def _moved(comparison: Comparison) -> Iterator[str]:
    lines = ["| cell | evidence | before | now | change |", "|---|---|---|---|---|"]
    for name, one in islice(moved_lines(comparison), _MOST):
        move = one.moves[0]
        more = f" (and {len(one.moves) - 1} more)" if len(one.moves) > 1 else ""
        lines.append(
            f"| `{name}` | `{move.path}`{more} | {escape(move.old)} | {escape(move.new)}"
            f" | {change_text(move)} |"
        )
    yield ""
    yield f"### Evidence that moved ({len(comparison.moved)})"
    yield ""
    yield from lines


def _listed(title: str, lines: Sequence[str], count: int | None = None) -> Iterator[str]:
    yield ""
    yield f"### {title} ({len(lines) if count is None else count})"
    yield ""
    yield from lines[:_MOST]
    if len(lines) > _MOST:
        yield f"- … and {len(lines) - _MOST} more"
