"""What a comparison says, in lines: what was lost, changed verdicts folded, a build a line.

Knows: comparisons and how people say them. Must not know: Markdown, terminals, files.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from harness.judge.compare import (
    BuildChange,
    CellNote,
    Comparison,
    Direction,
    EvidenceMove,
    Lost,
    Move,
    VerdictChange,
)
from harness.judge.finding import Verdict
from harness.report.phrases import plural
from harness.report.releases import MANY, labels
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


def columns(comparison: Comparison) -> tuple[str, ...]:
    """Return the runtimes of both runs."""
    return tuple(dict.fromkeys((*comparison.old.runtimes, *comparison.new.runtimes)))


def lost_lines(comparison: Comparison) -> Iterator[str]:
    """Yield a line a runtime on what is not observed any more, e.g. `OTP 26: all 204 cells gone`.

    Cells are named where they are few; runtimes that lost the same are one line.
    """
    lines = ((one.runtime, _lost(one, comparison.gone)) for one in comparison.lost)
    yield from _by_runtimes(lines, columns(comparison))


def _by_runtimes(lines: Iterable[tuple[str, str]], among: Sequence[str]) -> Iterator[str]:
    """Yield what is said of runtimes, what is the same once: where, a colon, what."""
    alike: dict[str, list[str]] = {}
    for runtime, text in lines:
        alike.setdefault(text, []).append(runtime)
    for text, runtimes in alike.items():
        each = "on each, " if len(runtimes) > 1 else ""
        yield f"{labels(runtimes, among)}: {each}{text}"


def _lost(one: Lost, gone: Iterable[CellNote]) -> str:
    proven = f", {one.confirmed} of them confirmed before" if one.confirmed else ""
    if one.gone == one.of:
        return f"all {plural(one.of, 'cell')} gone{proven}"
    cells = (CellId(note.cell) for note in gone)
    names = [cell.name for cell in cells if cell.runtime == one.runtime]
    return f"{one.gone} of {plural(one.of, 'cell')} gone{proven}: {_named(names)}"


def verdict_groups(
    changes: Iterable[VerdictChange], direction: Direction
) -> Iterator[Sequence[VerdictChange]]:
    """Yield the changes of one direction, those that are told in one line together.

    Many claims of one runtime that changed alike are, and so is what changed alike on several.
    """
    own = [one for one in changes if one.direction is direction]
    by_runtime: dict[tuple[str, ...], list[VerdictChange]] = {}
    for one in own:
        by_runtime.setdefault((*_kind(one), CellId(one.cell).runtime), []).append(one)
    together: dict[tuple[object, ...], list[VerdictChange]] = {}
    for group in by_runtime.values():
        names = tuple(CellId(one.cell).name for one in group)
        for part in [names] if len(names) > _NAMED else [(name,) for name in names]:
            alike = [one for one in group if CellId(one.cell).name in part]
            together.setdefault((*_kind(group[0]), part), []).extend(alike)
    yield from together.values()


def _kind(change: VerdictChange) -> tuple[str, ...]:
    return change.new, change.old, change.new_reason


def group_name(group: Sequence[VerdictChange], among: Sequence[str] = ()) -> str:
    """Return the cell's name, or how many cells of which runtimes with the first of them."""
    if len(group) == 1:
        return group[0].cell
    cells = [CellId(one.cell) for one in group]
    names = list(dict.fromkeys(cell.name for cell in cells))
    where = labels(dict.fromkeys(cell.runtime for cell in cells), among)
    if len(names) == 1:
        return f"{names[0]} on {where}"
    return f"{where}: {plural(len(cells), 'cell')}: {_named(names)}"


def added_lines(comparison: Comparison) -> Iterator[tuple[Verdict, str]]:
    """Yield new cells with their verdicts: those of a claim that are alike together, with why."""
    alike: dict[tuple[Verdict, str, str], list[str]] = {}
    for note in comparison.added:
        cell = CellId(note.cell)
        alike.setdefault((note.verdict, cell.name, note.reason), []).append(cell.runtime)
    for (verdict, name, reason), runtimes in alike.items():
        where = (
            f"@{runtimes[0]}"
            if len(runtimes) == 1
            else f" on {labels(runtimes, columns(comparison))}"
        )
        yield verdict, f"{name}{where}: {reason}"


def moved_lines(comparison: Comparison) -> Iterator[tuple[str, EvidenceMove]]:
    """Yield moved evidence with the name of its cell; of many releases a claim's largest move."""
    if len(columns(comparison)) <= MANY:
        yield from ((one.cell, one) for one in comparison.moved)
        return
    by_claim: dict[str, list[EvidenceMove]] = {}
    for one in comparison.moved:
        by_claim.setdefault(CellId(one.cell).name, []).append(one)
    for found in by_claim.values():
        others = f" (and on {plural(len(found) - 1, 'other release')})" if len(found) > 1 else ""
        yield f"{found[0].cell}{others}", found[0]


def _named(names: Sequence[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more


def build_lines(comparison: Comparison) -> Iterator[str]:
    """Yield a line a runtime on what is different about its VM, what is the same in one."""
    lines = []
    for runtime, found in groupby(comparison.builds, key=lambda one: one.runtime):
        changes = list(found)
        if all(one.new is None for one in changes):
            what = "not in the new run"
        elif all(one.old is None for one in changes):
            what = "not in the old run"
        else:
            what = ", ".join(_field(one) for one in changes)
        lines.append((runtime, what))
    yield from _by_runtimes(lines, columns(comparison))


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
