"""What is really run: calls on runtimes, each for all the cells that ask for it.

Knows: cells and their calls. Must not know: how a call is run, or what its evidence means.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from harness.run.cells import Cell, CellId, NodeMode, ProbeCall


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """Hold one call on one runtime, and the cells that its observation serves.

    `boundary` are those of the cells' claims that are not about this release.
    """

    runtime: str
    call: ProbeCall
    cells: tuple[CellId, ...]
    boundary: tuple[CellId, ...] = ()

    @property
    def all_cells(self) -> tuple[CellId, ...]:
        """Return the cells that it serves, boundary cells last."""
        return (*self.cells, *self.boundary)


def shared(cells: Iterable[Cell]) -> tuple[Work, ...]:
    """Put cells together that ask for the same call, in the order of the first of each.

    The most demanding of them says how many samples are drawn and how long a call may take; if the
    call is one of time for one of them, it runs alone for all.
    """
    groups: dict[tuple[str, str], list[Cell]] = {}
    for cell in cells:
        groups.setdefault((cell.id.runtime, cell.call.id), []).append(cell)
    return tuple(
        Work(
            runtime=runtime,
            call=_joined([cell.call for cell in group]),
            cells=tuple(cell.id for cell in group if not cell.boundary),
            boundary=tuple(cell.id for cell in group if cell.boundary),
        )
        for (runtime, _), group in groups.items()
    )


def apart(cells: Iterable[Cell]) -> tuple[Work, ...]:
    """Return a work a cell, as if nothing could be shared: what sharing is measured against."""
    return tuple(work for cell in cells for work in shared([cell]))


def _joined(calls: list[ProbeCall]) -> ProbeCall:
    first = calls[0]
    if len(calls) == 1:
        return first
    return replace(
        first,
        node=NodeMode.FRESH if first.alone else NodeMode.SHARED,
        needs=frozenset().union(*(call.needs for call in calls)),
        repeat=max(call.repeat for call in calls),
        timing=any(call.timing for call in calls),
        timeout_s=max(call.timeout_s for call in calls),
    )
