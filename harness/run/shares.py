"""Runs that are shares of a whole: which are there, and whether they are of the same whole.

Knows: headers of runs. Must not know: how shares are dealt out, claims, verdicts.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from harness.run.cells import CellId
from harness.run.model import Header, Run


def absent(runs: Sequence[Run]) -> tuple[tuple[str, str], ...]:
    """Return the shares that no run holds, as runtime and `2,4-6/8`; other runs are whole."""
    held: dict[tuple[str, int], set[int]] = {}
    whole = {name for run in runs if run.header.share is None for name in _runtimes(run.header)}
    for run in runs:
        if run.header.share is not None:
            for runtime in set(_runtimes(run.header)) - whole:
                held.setdefault((runtime, run.header.share.of), set()).add(run.header.share.number)
    lacking = {
        whole: [number for number in range(1, whole[1] + 1) if number not in numbers]
        for whole, numbers in sorted(held.items())
    }
    return tuple(
        (runtime, f"{_folded(numbers)}/{of}")
        for (runtime, of), numbers in lacking.items()
        if numbers
    )


def cells_of_others(header: Header) -> Iterator[CellId]:
    """Yield the cells of the whole that a share belongs to, on the runtimes that it met."""
    if header.share is not None:
        for runtime in _runtimes(header):
            yield from (CellId(f"{claim}@{runtime}") for claim in header.share.claims)


def contradictions(runs: Sequence[Run]) -> Iterable[str]:
    """Yield what tells that shares of one runtime were not dealt out alike."""
    first: dict[str, tuple[str, Run]] = {}
    for run in runs:
        share = run.header.share
        if share is None:
            continue
        whole = f"one of {share.of}, balanced by {share.balanced_by or 'count'}"
        for runtime in _runtimes(run.header):
            known, other = first.setdefault(runtime, (whole, run))
            if known != whole:
                yield f"share of {runtime}: {known} in {other.path}, {whole} in {run.path}"


def _folded(numbers: Sequence[int]) -> str:
    """Return sorted numbers with those in a row folded, e.g. `2,4-6`."""
    rows: list[list[int]] = []
    for number in numbers:
        if rows and number == rows[-1][-1] + 1:
            rows[-1].append(number)
        else:
            rows.append([number])
    return ",".join(f"{row[0]}" if len(row) == 1 else f"{row[0]}-{row[-1]}" for row in rows)


def _runtimes(header: Header) -> tuple[str, ...]:
    """Return the runtimes of a run, those included that it did not meet."""
    named = (*header.cells, *header.boundary, *(item.cell for item in header.left_out))
    met = (*(item.name for item in header.runtimes), *(CellId(cell).runtime for cell in named))
    asked = header.share.runtimes if header.share is not None else ()
    return tuple(dict.fromkeys((*met, *asked)))
