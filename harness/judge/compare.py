"""What changed between two runs: verdicts, evidence, cells, builds.

Knows: judged runs. Must not know: how a comparison is printed. The models are what
`beamproof compare --format json` writes; their schema is published.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from enum import StrEnum

import msgspec

from harness.errors import InputError
from harness.judge.drift import Shift, shifts
from harness.judge.finding import Finding, Verdict
from harness.judge.view import RunView
from harness.run.cells import CellId
from harness.run.model import RuntimeRecord
from harness.run.repeat import repeat_command

VERSION = 2
"""Version of the comparison's JSON; a change that breaks readers raises it."""


class Direction(StrEnum):
    """Say whether a change is for the better."""

    WORSE = "worse"
    BETTER = "better"
    OTHER = "other"


class _Model(msgspec.Struct, frozen=True, kw_only=True):
    """Share the options of every model of a comparison."""


class RunRef(_Model, frozen=True, kw_only=True):
    """Name one of the two runs; `warnings` are what to know before believing it.

    `runtimes` are its columns, in the order of the releases.
    """

    run: str
    path: str
    started: str
    complete: bool
    counts: dict[str, int]
    warnings: tuple[str, ...] = ()
    runtimes: tuple[str, ...] = ()


class VerdictChange(_Model, frozen=True, kw_only=True):
    """Hold a cell whose verdict changed, with the reasons before and now."""

    cell: str
    direction: Direction
    old: Verdict
    new: Verdict
    old_reason: str
    new_reason: str
    repeat: str


class Move(_Model, frozen=True, kw_only=True):
    """Hold one key of the evidence that moved by more than its spread.

    `change` is how far, relative to the larger value (1.0 for what is no number); `points` counts
    the values of a series that moved.
    """

    path: str
    old: str
    new: str
    change: float
    points: int


class EvidenceMove(_Model, frozen=True, kw_only=True):
    """Hold a cell whose evidence moved though its verdict did not, the largest move first."""

    cell: str
    verdict: Verdict
    moves: tuple[Move, ...]


class CellNote(_Model, frozen=True, kw_only=True):
    """Hold a cell that only one of the runs has."""

    cell: str
    verdict: Verdict
    reason: str


class Lost(_Model, frozen=True, kw_only=True):
    """Hold what is not observed any more on one runtime, though it was.

    Counts of cells: `gone` of `of` that the old run had there, `confirmed` of them confirmed then.
    """

    runtime: str
    gone: int
    of: int
    confirmed: int


class BuildChange(_Model, frozen=True, kw_only=True):
    """Hold what is different about a runtime: field, before, now (None where it was not there)."""

    runtime: str
    field: str
    old: str | None
    new: str | None


class Comparison(_Model, frozen=True, kw_only=True):
    """Hold everything that changed from one run to another, the worst first."""

    schema_version: int = VERSION
    old: RunRef
    new: RunRef
    verdicts: tuple[VerdictChange, ...]
    moved: tuple[EvidenceMove, ...]
    added: tuple[CellNote, ...]
    gone: tuple[CellNote, ...]
    lost: tuple[Lost, ...] = ()
    builds: tuple[BuildChange, ...]
    notes: tuple[str, ...] = ()

    @property
    def worse(self) -> bool:
        """Tell whether something got worse.

        A verdict fell, a new cell is not confirmed, or what was confirmed is not observed any more.
        """
        fell = any(change.direction is Direction.WORSE for change in self.verdicts)
        unproven = any(one.confirmed for one in self.lost)
        return fell or unproven or any(note.verdict in _ALARMING for note in self.added)

    @property
    def unchanged(self) -> bool:
        """Tell whether the runs agree in everything that is compared."""
        return not (self.verdicts or self.moved or self.added or self.gone or self.builds)


_ALARMING = (Verdict.REFUTED, Verdict.INCONCLUSIVE)
_RANK = {
    Verdict.CONFIRMED: 0,
    Verdict.SKIPPED: 1,
    Verdict.INCONCLUSIVE: 2,
    Verdict.REFUTED: 3,
}
"""A confirmed cell that is now skipped lost its proof: that is worse as well."""


def compare(old: RunView, new: RunView, *, common_only: bool = False) -> Comparison:
    """Compare two judged runs.

    Args:
        old: what was.
        new: what is.
        common_only: leave out what only one of them has: new and gone cells.

    Raises:
        InputError: the runs have no cell in common, so there is nothing to compare.
    """
    common = old.by_cell.keys() & new.by_cell.keys()
    if not common:
        raise InputError(
            f"{old.run.path} and {new.run.path} have no cell in common: they are runs of different"
            " claims or releases",
            hint="to join runs of several releases: beamproof merge RUN…",
        )
    pairs = [(old.by_cell[cell], found) for cell, found in new.by_cell.items() if cell in common]
    changes = (_verdict_change(before, now) for before, now in pairs if _differ(before, now))
    gone = () if common_only else _notes(old, common)
    return Comparison(
        old=_reference(old),
        new=_reference(new),
        verdicts=tuple(sorted(changes, key=_severity)),
        moved=tuple(sorted(_moved(pairs), key=lambda one: -one.moves[0].change)),
        added=() if common_only else _notes(new, common),
        gone=gone,
        lost=tuple(_lost(old, gone)),
        builds=tuple(_build_changes(old, new)),
        notes=tuple(_about(old, new)),
    )


def _differ(before: Finding, now: Finding) -> bool:
    return before.verdict is not now.verdict


def _severity(change: VerdictChange) -> tuple[int, int]:
    return list(Direction).index(change.direction), -_RANK[change.new]


def _reference(view: RunView) -> RunRef:
    return RunRef(
        run=view.run.header.run,
        path=str(view.run.path),
        started=view.run.header.started,
        complete=view.run.complete,
        counts={verdict.value: view.counts[verdict] for verdict in Verdict},
        warnings=view.warnings(),
        runtimes=view.runtimes,
    )


def _verdict_change(before: Finding, now: Finding) -> VerdictChange:
    return VerdictChange(
        cell=str(now.cell),
        direction=_direction(before.verdict, now.verdict),
        old=before.verdict,
        new=now.verdict,
        old_reason=before.reason,
        new_reason=now.reason,
        repeat=repeat_command(now.cell),
    )


def _direction(before: Verdict, now: Verdict) -> Direction:
    if now is Verdict.CONFIRMED:
        return Direction.BETTER
    if before is Verdict.CONFIRMED or _RANK[now] > _RANK[before]:
        return Direction.WORSE
    return Direction.OTHER if now is Verdict.SKIPPED else Direction.BETTER


def _moved(pairs: Iterable[tuple[Finding, Finding]]) -> Iterable[EvidenceMove]:
    for before, now in pairs:
        if _differ(before, now) or before.observation is None or now.observation is None:
            continue
        found = shifts(before.observation.samples, now.observation.samples)
        if found:
            yield EvidenceMove(
                cell=str(now.cell), verdict=now.verdict, moves=tuple(map(_move, found))
            )


def _move(shift: Shift) -> Move:
    return Move(
        path=shift.path,
        old=shift.old,
        new=shift.new,
        change=round(shift.size, 4),
        points=shift.points,
    )


def _notes(view: RunView, common: Iterable[str]) -> tuple[CellNote, ...]:
    shared = set(common)
    return tuple(
        CellNote(cell=str(finding.cell), verdict=finding.verdict, reason=finding.reason)
        for finding in view.findings
        if finding.cell not in shared
    )


def _lost(old: RunView, gone: Sequence[CellNote]) -> Iterable[Lost]:
    had = Counter(cell.runtime for cell in old.by_cell)
    for runtime in old.runtimes:
        own = [note.verdict for note in gone if CellId(note.cell).runtime == runtime]
        if own:
            confirmed = own.count(Verdict.CONFIRMED)
            yield Lost(runtime=runtime, gone=len(own), of=had[runtime], confirmed=confirmed)


def _build_changes(old: RunView, new: RunView) -> Iterable[BuildChange]:
    for runtime in dict.fromkeys((*old.records, *new.records)):
        before, now = _identity(old.records.get(runtime)), _identity(new.records.get(runtime))
        for field in dict.fromkeys((*before, *now)):
            if before.get(field) != now.get(field):
                yield BuildChange(
                    runtime=runtime, field=field, old=before.get(field), new=now.get(field)
                )


def _identity(record: RuntimeRecord | None) -> dict[str, str]:
    if record is None:
        return {}
    facts: dict[str, object] = {"way": record.way, "origin": record.origin, "digest": record.digest}
    if record.build is not None:
        facts |= msgspec.structs.asdict(record.build)
    return {name: str(value) for name, value in facts.items() if value is not None}


def _about(old: RunView, new: RunView) -> Iterable[str]:
    """Say what else may explain a change: other claims, other probes, another beamproof."""
    before, now = old.run.header, new.run.header
    for what, olds, news in (
        ("claims", before.claims_sha256, now.claims_sha256),
        ("probes", before.probes_sha256, now.probes_sha256),
    ):
        changed = [name for name in olds if name in news and olds[name] != news[name]]
        if changed:
            yield f"The {what} changed between the runs: {', '.join(changed)}."
    if before.beamproof != now.beamproof:
        yield f"beamproof {before.beamproof} made the old run, {now.beamproof} the new one."
    if before.started > now.started:
        yield "The old run is younger than the new one: are they in the right order?"
