"""Tell whether evidence moved between two observations by more than it scatters anyway.

Knows: samples of evidence. Must not know: claims, verdicts.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from harness.claims.predicates import is_number, show
from harness.run.model import Sample
from harness.run.units import UNITS, Unit, unit_of

FLOAT_FLOOR = 0.25
"""The relative scatter of a number with a fraction whose key has no unit that says so."""

_VOLATILE = re.compile(r"<\d+(?:\.\d+)+>|#(?:Ref|Port|Fun)<[^>]*>|0x[0-9A-Fa-f]{4,}")
"""Names of processes, references, ports and addresses: other ones in every run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shift:
    """Hold one key of the evidence that moved; `points` is how many values of a series did.

    `size` is how far, relative to the larger of both values (1.0 for what is no number).
    """

    path: str
    old: str
    new: str
    size: float
    points: int = 1


def shifts(old: Sequence[Sample], new: Sequence[Sample]) -> tuple[Shift, ...]:
    """Return what moved between two observations of the same cell, the largest first.

    Two numbers differ when the ranges of their samples, each widened to the scatter that the
    key's unit is granted, lie further apart than its noise. Samples without evidence are left out.
    """
    before = [sample.evidence for sample in old if sample.evidence is not None]
    after = [sample.evidence for sample in new if sample.evidence is not None]
    if not before or not after or before == after:
        return ()
    olds, news = _values(before), _values(after)
    found: dict[str, Shift] = {}
    for path in dict.fromkeys((*olds, *news)):
        shift = _shift(path, olds.get(path, []), news.get(path, []))
        if shift is not None:
            found[shift.path] = _joined(found.get(shift.path), shift)
    return tuple(sorted(found.values(), key=lambda shift: -shift.size))


def _values(evidence: Iterable[dict[str, Any]]) -> dict[str, list[Any]]:
    """Return the values of all samples by path; elements of a list by their place in it."""
    found: dict[str, list[Any]] = {}
    for one in evidence:
        for path, value in _leaves(one, ""):
            found.setdefault(path, []).append(value)
    return found


def _leaves(value: Any, path: str) -> Iterable[tuple[str, Any]]:
    if isinstance(value, dict) and value:
        for key, inner in value.items():
            yield from _leaves(inner, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list) and any(isinstance(one, dict) for one in value):
        for index, inner in enumerate(value):
            yield from _leaves(inner, f"{path}[{index}]")
    else:
        yield path, value


_INDEX = re.compile(r"\[\d+\]")


def _shift(path: str, old: Sequence[Any], new: Sequence[Any]) -> Shift | None:
    if old == new:
        return None
    name = _INDEX.sub("[]", path)
    if not old or not new:
        return Shift(path=name, old=_shown(old), new=_shown(new), size=1.0)
    if all(map(is_number, old)) and all(map(is_number, new)):
        return _number_shift(name, old, new)
    if {_plain(value) for value in old} & {_plain(value) for value in new}:
        return None
    return Shift(path=name, old=_shown(old), new=_shown(new), size=1.0)


def allowance(path: str, values: Iterable[float]) -> tuple[float, float]:
    """Return what numbers may scatter without having moved: a share of them, and around nothing.

    Args:
        path: where in the evidence they lie; its last key ends in the unit.
        values: the numbers.

    Units: the second is in the key's own.
    """
    unit = UNITS.get(unit_of(path.rpartition(".")[2]))
    return _floor(unit, values), unit.noise if unit is not None else 0.0


def _number_shift(name: str, old: Sequence[float], new: Sequence[float]) -> Shift | None:
    floor, noise = allowance(name, (*old, *new))
    before, after = median(old), median(new)
    old_low, old_high = _widened(old, before, floor)
    new_low, new_high = _widened(new, after, floor)
    gap = max(new_low - old_high, old_low - new_high)
    if gap <= noise:
        return None
    size = abs(after - before) / max(abs(before), abs(after))
    return Shift(path=name, old=_range(old), new=_range(new), size=size)


def _widened(values: Sequence[float], middle: float, floor: float) -> tuple[float, float]:
    return (
        min(*values, middle - abs(middle) * floor / 2),
        max(*values, middle + abs(middle) * floor / 2),
    )


def _floor(unit: Unit | None, values: Iterable[float]) -> float:
    if unit is not None and unit.scatter is not None:
        return unit.scatter
    return FLOAT_FLOOR if any(isinstance(value, float) for value in values) else 0.0


def _range(values: Sequence[float]) -> str:
    low, high = min(values), max(values)
    if low == high:
        return show(low)
    return f"{show(median(values))} ({show(low)} to {show(high)}, n = {len(values)})"


def volatile_paths(evidence: Mapping[str, Any]) -> tuple[str, ...]:
    """Return where evidence names a process, a reference, a port, a fun or an address.

    Such a value is another one in every run: no prediction can speak of it.
    """
    return tuple(
        _INDEX.sub("[]", path)
        for path, value in _leaves(dict(evidence), "")
        if _VOLATILE.search(show(value, 4000))
    )


def _plain(value: Any) -> str:
    return _VOLATILE.sub("<…>", show(value, 4000))


def _shown(values: Sequence[Any]) -> str:
    return " or ".join(dict.fromkeys(show(value) for value in values)) or "(missing)"


def _joined(known: Shift | None, shift: Shift) -> Shift:
    """Join the points of one series: the largest move stands for all of them."""
    if known is None:
        return shift
    largest = max(known, shift, key=lambda one: one.size)
    return Shift(
        path=largest.path,
        old=largest.old,
        new=largest.new,
        size=largest.size,
        points=known.points + 1,
    )
