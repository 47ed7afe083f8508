"""Markdown fit for a job summary: short first, what is not confirmed next, the table last.

Knows: judged runs and comparisons. Must not know: files, HTML.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from harness.judge.compare import Comparison, Direction, VerdictChange
from harness.judge.finding import Finding, Verdict
from harness.judge.view import NEEDS_ATTENTION, WORST_FIRST, RunView, SkillView
from harness.report.changes import (
    build_lines,
    change_text,
    group_name,
    lost_lines,
    notes,
    verdict_groups,
)
from harness.report.marks import MARKS
from harness.report.releases import label, labels
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
    yield f"{skills} on {labels(view.runtimes)}, run `{view.run.header.run}`."
    for warning in view.warnings():
        yield ""
        yield f"> **Mind:** {escape(warning)}"
    yield ""
    yield from _matrix(view)
    bad = [one for verdict in NEEDS_ATTENTION for one in view.findings if one.verdict is verdict]
    if bad:
        yield ""
        yield "### Not confirmed"
        for finding in bad[:_MOST]:
            yield from _finding(finding)
        if len(bad) > _MOST:
            yield ""
            yield f"… and {len(bad) - _MOST} more."
    yield from _skipped(view)


def counts(view: RunView) -> str:
    """Return the counts in words, the worst first."""
    parts = [
        f"{view.counts[verdict]:,} {verdict.value}"
        for verdict in WORST_FIRST
        if view.counts[verdict] or verdict is Verdict.CONFIRMED
    ]
    return ", ".join(parts)


def _matrix(view: RunView) -> Iterator[str]:
    yield "| skill | " + " | ".join(map(label, view.runtimes)) + " |"
    yield "|---" * (len(view.runtimes) + 1) + "|"
    for skill in view.skills:
        cells = [_counts(skill, runtime) for runtime in view.runtimes]
        yield f"| {escape(skill.name)} | " + " | ".join(cells) + " |"


def _counts(skill: SkillView, runtime: str) -> str:
    found = skill.counts(runtime)
    return " ".join(
        f"{MARKS[verdict].emoji} {found[verdict]}" for verdict in MARKS if found[verdict]
    )


def _finding(finding: Finding) -> Iterator[str]:
    yield ""
    yield f"- {MARKS[finding.verdict].emoji} **{finding.verdict.value}** `{finding.cell}`  "
    yield f"  {escape(finding.claim.statement)}  "
    yield f"  {escape(finding.reason)}  "
    yield f"  `{repeat_command(finding.cell)}`"


def _skipped(view: RunView) -> Iterator[str]:
    reasons: dict[tuple[str, str], int] = {}
    for finding in view.findings:
        if finding.verdict is Verdict.SKIPPED:
            key = (finding.cell.runtime, finding.reason)
            reasons[key] = reasons.get(key, 0) + 1
    if reasons:
        yield ""
        yield "### Skipped"
        yield ""
    for (runtime, reason), count in reasons.items():
        yield f"- {label(runtime)}: {count}, {escape(reason)}"


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
        yield from _changes(direction, comparison.verdicts)
    if comparison.added:
        lines = [f"- {MARKS[one.verdict].emoji} `{one.cell}`" for one in comparison.added]
        yield from _listed("New cells", lines)
    if comparison.moved:
        yield from _moved(comparison)
    if comparison.builds:
        lines = [f"- {escape(line)}" for line in build_lines(comparison.builds)]
        yield from _listed("Changed builds", lines)
    if comparison.unchanged:
        yield ""
        yield "No difference."


def _changes(direction: Direction, changes: Iterable[VerdictChange]) -> Iterator[str]:
    groups = list(verdict_groups(changes, direction))
    titles = {
        Direction.WORSE: "Worse",
        Direction.BETTER: "Better",
        Direction.OTHER: "Otherwise changed",
    }
    if groups:
        lines = [
            f"- {MARKS[group[0].old].emoji} → {MARKS[group[0].new].emoji} `{group_name(group)}`:"
            f" {escape(group[0].new_reason)}"
            for group in groups
        ]
        yield from _listed(titles[direction], lines, sum(map(len, groups)))


def _moved(comparison: Comparison) -> Iterator[str]:
    lines = ["| cell | evidence | before | now | change |", "|---|---|---|---|---|"]
    for one in comparison.moved[:_MOST]:
        move = one.moves[0]
        more = f" (and {len(one.moves) - 1} more)" if len(one.moves) > 1 else ""
        lines.append(
            f"| `{one.cell}` | `{move.path}`{more} | {escape(move.old)} | {escape(move.new)}"
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
