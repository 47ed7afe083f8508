"""Skills times runtimes: which cells there are, in which order, and why one is left out.

Knows: claims, releases, what a machine offers. Must not know: how a cell is run or judged.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from harness.run.cells import Cell, CellId, Column, LeftOut
from harness.run.durations import Durations
from harness.run.shards import Shard, share
from harness.run.work import shared
from harness.suggest import did_you_mean

if TYPE_CHECKING:  # a tenth of a second that `verify` does without until its VMs are starting
    from harness.claims.model import Claim, Skill


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Say which claims are wanted: every pattern list is empty when it does not narrow.

    Args:
        claims: glob patterns over the claim's id; one with `/` has the skill in it, too, and one
            with `@` the runtime.
        cells: exact cell ids, e.g. those that a run did not confirm; `None` is all.
    """

    claims: tuple[str, ...] = ()
    cells: frozenset[CellId] | None = None

    def takes(self, cell: CellId) -> bool:
        """Tell whether the claim on the runtime is wanted."""
        if self.cells is not None and cell not in self.cells:
            return False
        return not self.claims or any(_fits(pattern, cell) for pattern in self.claims)


@dataclass(frozen=True, slots=True, kw_only=True)
class Matrix:
    """Hold the cells in the order they will run, and those left out with their reasons."""

    cells: tuple[Cell, ...]
    left_out: tuple[LeftOut, ...]

    def overridden(self, *, repeat: int | None, timeout_s: float | None) -> Matrix:
        """Return the matrix with the claims' own repetition and deadlines replaced."""
        given = {"repeat": repeat, "timeout_s": timeout_s}
        changes: dict[str, Any] = {key: value for key, value in given.items() if value is not None}
        if not changes:
            return self
        cells = tuple(replace(cell, call=replace(cell.call, **changes)) for cell in self.cells)
        return replace(self, cells=cells)

    def share_of(self, shard: Shard, durations: Durations) -> Matrix:
        """Return what falls to one share of all calls, those that are left out here included."""
        out = (Cell(id=one.cell, call=one.call) for one in self.left_out)
        works = share(shared((*self.cells, *out)), shard, durations)
        own = {cell for work in works for cell in work.all_cells}
        return Matrix(
            cells=tuple(cell for cell in self.cells if cell.id in own),
            left_out=tuple(one for one in self.left_out if one.cell in own),
        )

    @property
    def claims(self) -> tuple[str, ...]:
        """Return the claims of all cells, `skill/claim`, each once."""
        return tuple(dict.fromkeys(cell.name for cell in self._named()))

    @property
    def runtimes(self) -> tuple[str, ...]:
        """Return the runtimes of all cells, each once."""
        return tuple(dict.fromkeys(cell.runtime for cell in self._named()))

    def _named(self) -> tuple[CellId, ...]:
        return (*(cell.id for cell in self.cells), *(one.cell for one in self.left_out))


def build(skills: Iterable[Skill], columns: Sequence[Column], selection: Selection) -> Matrix:
    """Lay out the matrix, skill by skill and claim by claim, release by release.

    Returns:
        Cells in the order of the claim files; a cell that cannot run is in `left_out`. One outside
        the range of its claim runs as a boundary cell: the claim must not hold there.
    """
    cells: list[Cell] = []
    left_out: list[LeftOut] = []
    for skill in skills:
        for claim in skill.claims:
            call = claim.call()  # one for all releases: there may be sixty of them
            for column in columns:
                cell = CellId.of(skill.name, claim.id, column.name)
                if not selection.takes(cell):
                    continue
                reason = _why_impossible(claim, column)
                if reason is None:
                    outside = not claim.applies_to(_version(column))
                    cells.append(Cell(id=cell, call=call, boundary=outside))
                else:
                    left_out.append(LeftOut(cell=cell, reason=reason, call=call))
    return Matrix(cells=tuple(cells), left_out=tuple(left_out))


def why_left_out(claim: Claim, column: Column) -> str | None:
    """Return the reason a claim is not to be proven on a release, or `None` when it is."""
    if column.reason is None and not claim.applies_to(_version(column)):
        return f"the claim is about OTP {claim.otp}"
    return _why_impossible(claim, column)


def _why_impossible(claim: Claim, column: Column) -> str | None:
    if column.reason is not None:
        return column.reason
    for need in sorted(claim.needs):
        if need in column.unmet:
            return column.unmet[need]
    return None


def _version(column: Column) -> str:
    return column.otp_version or str(column.release)


def unknown_patterns(skills: Iterable[Skill], patterns: Iterable[str]) -> list[str]:
    """Return a sentence for every pattern that fits no claim, with what was probably meant."""
    claims = [claim for skill in skills for claim in skill.claims]
    return [
        f"--claim {pattern}: no such claim{did_you_mean(pattern, (claim.id for claim in claims))}"
        for pattern in patterns
        if not any(
            _fits(pattern.partition("@")[0], CellId.of(claim.skill, claim.id, ""))
            for claim in claims
        )
    ]


def _fits(pattern: str, cell: CellId) -> bool:
    """Match a pattern with as much of a cell's name as the pattern speaks of."""
    name = cell.claim if "/" not in pattern else cell.name
    return fnmatchcase(f"{name}@{cell.runtime}" if "@" in pattern else name, pattern)
