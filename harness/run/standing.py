"""Of several observations of one cell, and of one source kept several times, which one counts.

Knows: lines of runs. Must not know: files, where runs come from.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from harness.run.model import Observation, Source


def standing(observations: Iterable[Observation]) -> tuple[Observation, ...]:
    """Return the observations that stand: of two of one cell the later, for that cell."""
    found = tuple(observations)
    last = {cell: at for at, seen in enumerate(found) for cell in (*seen.cells, *seen.boundary)}
    kept = (
        msgspec.structs.replace(
            seen,
            cells=tuple(cell for cell in seen.cells if last[cell] == at),
            boundary=tuple(cell for cell in seen.boundary if last[cell] == at),
        )
        for at, seen in enumerate(found)
    )
    return tuple(seen for seen in kept if seen.cells or seen.boundary)


def distinct(sources: Iterable[Source]) -> tuple[Source, ...]:
    """Return each source once, in the order given."""
    return tuple({(one.name, one.sha256, one.probe_sha256): one for one in sources}.values())
