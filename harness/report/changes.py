"""What a comparison says, in lines: what was lost, changed verdicts folded, a build a line.

Knows: comparisons and how people say them. Must not know: Markdown, terminals, files.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from harness.judge.compare import BuildChange, Comparison, Direction, Lost, Move, VerdictChange
from harness.report.phrases import plural
from harness.report.releases import label
from harness.run.cells import CellId

_NAMED = 3
"""Cells that are named where more are counted; so many verdicts alike are told one by one."""

_SHORT = 12
"""Characters that tell two hashes apart."""


def notes(comparison: Comparison) -> Iterator[str]:
    """Yield what a reader must know before believing the comparison."""
    for name, run in (("old", comparison.old), ("new", comparison.new)):
        for warning in run.warnings:
            yield f"The {name} run: {warning}"
    yield from comparison.notes


def lost_lines(comparison: Comparison) -> Iterator[str]:
    """Yield a line a runtime on what is not observed any more, e.g. `OTP 26: all 204 cells gone`.

    Cells are named where they are few.
    """
    for one in comparison.lost:
        yield _lost(one, [CellId(note.cell) for note in comparison.gone])


def _lost(one: Lost, gone: Iterable[CellId]) -> str:
    where = label(one.runtime)
    proven = f", {one.confirmed} of them confirmed before" if one.confirmed else ""
    if one.gone == one.of:
        return f"{where}: all {plural(one.of, 'cell')} gone{proven}"
    names = [cell.name for cell in gone if cell.runtime == one.runtime]
    return f"{where}: {one.gone} of {plural(one.of, 'cell')} gone{proven}: {_named(names)}"


def verdict_groups(
    changes: Iterable[VerdictChange], direction: Direction
) -> Iterator[Sequence[VerdictChange]]:
    """Yield the changes of one direction; many of one runtime that changed alike together."""
    own = [one for one in changes if one.direction is direction]
    for _, found in groupby(sorted(own, key=_kind), key=_kind):
        group = list(found)
        if len(group) > _NAMED:
            yield group
        else:
            yield from ([one] for one in group)


def _kind(change: VerdictChange) -> tuple[str, ...]:
    return change.new, change.old, CellId(change.cell).runtime, change.new_reason


def group_name(group: Sequence[VerdictChange]) -> str:
    """Return the cell's name, or how many cells of which runtime with the first of them."""
    if len(group) == 1:
        return group[0].cell
    cells = [CellId(one.cell) for one in group]
    where = label(cells[0].runtime)
    return f"{where}: {plural(len(cells), 'cell')}: {_named([cell.name for cell in cells])}"


def _named(names: Sequence[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more


def build_lines(builds: Iterable[BuildChange]) -> Iterator[str]:
    """Yield a line a runtime on what is different about its VM."""
    for runtime, found in groupby(builds, key=lambda one: one.runtime):
        changes = list(found)
        if all(one.new is None for one in changes):
            what = "not in the new run"
        elif all(one.old is None for one in changes):
            what = "not in the old run"
        else:
            what = ", ".join(_field(one) for one in changes)
        yield f"{label(runtime)}: {what}"


def _field(change: BuildChange) -> str:
    return f"{change.field} {_value(change.old)} -> {_value(change.new)}"


def _value(text: str | None) -> str:
    if text is None:
        return "none"
    return text[: len("sha256:") + _SHORT] if text.startswith("sha256:") else text


def change_text(move: Move) -> str:
    """Return how far a value moved, in percent of the larger; nothing of what is no number."""
    points = f", {move.points} points" if move.points > 1 else ""
    size = f"{100 * move.change:.0f} %" if move.change < 1 else ""
    return ", ".join(filter(None, (size, points.removeprefix(", "))))
