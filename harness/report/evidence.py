"""Values of evidence as people read them: few figures, with their unit, equal releases together.

Knows: evidence, checks, units. Must not know: any format.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from harness.claims.predicates import is_number, show
from harness.judge.drift import volatile_paths
from harness.judge.finding import Check, Finding
from harness.report.releases import Stretch, stretches
from harness.run.model import Sample
from harness.run.units import UNITS, unit_of

_FIGURES = 4
"""Figures of a number that is no count: more say nothing of what was measured."""

_FEW = 4
"""Different values that are told, of those that are no numbers."""

_LONGEST = 200
"""Characters of a list beside others; the samples have all of it."""

_BESIDE_NUMBERS = frozenset({"bits", "bytes", "words", "ns", "us", "ms", "s", "percent"})
"""Units that are written behind a number; the others say in their key what is counted."""


def flatten(value: Any, path: str = "") -> dict[str, Any]:
    """Return nested maps as one, its keys joined with dots."""
    if not isinstance(value, dict) or not value:
        return {path: value}
    flat: dict[str, Any] = {}
    for key, inner in value.items():
        flat |= flatten(inner, f"{path}.{key}" if path else str(key))
    return flat


def unit_text(path: str) -> str:
    """Return the unit that is written behind the numbers of a key, blank before it, or nothing."""
    unit = unit_of(path.rpartition(".")[2])
    return f" {UNITS[unit].shown}" if unit in _BESIDE_NUMBERS else ""


def rounded(value: float, exact: Iterable[object] = ()) -> str:
    """Return a number as it is read: a count whole, anything else to four figures.

    Args:
        value: the number.
        exact: limits that it is held against; it is not rounded onto one that it is not.
    """
    if isinstance(value, int):
        return str(value)
    text = f"{value:.{_FIGURES}g}"
    if any(float(text) == limit != value for limit in exact if is_number(limit)):
        return repr(value)
    return text


def short(value: Any) -> str:
    """Return a value in one short line, without its unit."""
    if isinstance(value, str):
        return value
    if is_number(value):
        return rounded(value)
    if isinstance(value, list) and value and all(isinstance(one, dict) for one in value):
        return f"{len(value)} rows of {', '.join(map(str, value[0]))}"
    return show(value, _LONGEST)


def summary(values: Sequence[Any], path: str) -> str:
    """Return the value of one sample, or the median of several numbers with their range."""
    first = values[0]
    unit = unit_text(path) if is_number(first) else ""
    if all(map(is_number, values)) and len({*values}) > 1:
        low, middle, high = min(values), median(values), max(values)
        return f"{short(middle)}{unit} ({short(low)} to {short(high)}, n = {len(values)})"
    texts = list(dict.fromkeys(f"{short(value)}{unit}" for value in values))
    return " or ".join(texts[:_FEW])


def spread(values: Sequence[Any], path: str, texts: Sequence[str]) -> str:
    """Return many values in one short line: from the least to the most, or the first few.

    Args:
        values: what was found.
        path: of what, for the unit.
        texts: the values as they are told one by one.
    """
    if values and all(map(is_number, values)):
        low, high = short(min(values)), short(max(values))
        return f"{low}{unit_text(path)}" if low == high else f"{low} to {high}{unit_text(path)}"
    different = list(dict.fromkeys(texts))
    if len(different) <= _FEW:
        return " or ".join(different)
    return f"{len(different)} different values, e.g. {different[0]}"


def found_text(check: Check) -> str:
    """Return what a check found: rounded, but not onto what it is held against; with its unit."""
    limits = list(_limits(check))
    interval = check.interval
    if interval is None:
        if not is_number(check.value):
            return check.found_text
        return f"{rounded(check.value, limits)}{unit_text(check.path)}"
    text = f"{rounded(interval.median, limits)}{unit_text(check.path)}"
    if interval.low != interval.high:
        text += f" [{rounded(interval.low, limits)}, {rounded(interval.high, limits)}]"
    return f"{text}, n = {interval.samples}"


def _limits(check: Check) -> Iterator[object]:
    for predicate in check.prediction.leaf.predicates:
        operand = predicate.operand
        yield from operand if isinstance(operand, list) else [operand]


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRanges:
    """Hold a key of the evidence whose value differs by release: a stretch of releases a value.

    `predicted` tells that the claim speaks of it.
    """

    path: str
    predicted: bool
    stretches: tuple[Stretch[str], ...]

    @property
    def text(self) -> str:
        """Return it in one line, e.g. `24-25: 64 bytes; since 26: 65 bytes`."""
        return "; ".join(f"{one.on}: {one.value}" for one in self.stretches)


def differing(cells: Mapping[str, Finding]) -> tuple[KeyRanges, ...]:
    """Return the keys whose value is another one on some release, what is predicted first.

    What is measured scatters anyway, and so do sizes that nothing predicts exactly: they are not
    among them, nor is what no two runs have in common (names of processes, addresses).

    Args:
        cells: a claim's findings by runtime, in the order of the releases.
    """
    flat = {name: _exact_values(finding) for name, finding in cells.items()}
    predicted = dict.fromkeys(check.path for one in cells.values() for check in one.checks)
    paths = dict.fromkeys(path for values in flat.values() for path in values)
    found = (_ranges(path, flat, predicted=path in predicted) for path in paths)
    return tuple(sorted(filter(None, found), key=lambda one: not one.predicted))


def _ranges(
    path: str, flat: Mapping[str, Mapping[str, str]], *, predicted: bool
) -> KeyRanges | None:
    unit = UNITS.get(unit_of(path.rpartition(".")[2]))
    if unit is not None and unit.scatter is not None and not predicted:
        return None
    items = [(name, values.get(path)) for name, values in flat.items()]
    known = [
        Stretch(on=one.on, runtimes=one.runtimes, value=one.value)
        for one in stretches(items)
        if one.value is not None
    ]
    if len({one.value for one in known}) < 2:  # noqa: PLR2004 (one value does not differ)
        return None
    return KeyRanges(path=path, predicted=predicted, stretches=tuple(known))


def _exact_values(finding: Finding) -> dict[str, str]:
    """Return the values that are the same in every sample, and exact, with their units."""
    samples: Sequence[Sample] = finding.observation.samples if finding.observation else ()
    trees = [flatten(one.evidence) for one in samples if one.evidence is not None]
    if not trees:
        return {}
    volatile = {path for one in samples for path in volatile_paths(one.evidence or {})}
    return {
        path: f"{short(value)}{unit_text(path) if is_number(value) else ''}"
        for path, value in trees[0].items()
        if path not in volatile
        and _is_exact(path, value)
        and all(path in tree and tree[path] == value for tree in trees)
    }


_LONGEST_DRAWN = 60
"""Characters of a value that is told release by release."""


def _is_exact(path: str, value: Any) -> bool:
    unit = UNITS.get(unit_of(path.rpartition(".")[2]))
    if isinstance(value, float) or (unit is not None and unit.measured):
        return False
    return isinstance(value, str | int | list) and len(short(value)) <= _LONGEST_DRAWN
