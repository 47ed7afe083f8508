"""Fold what is equal on several releases, so that equal values are shown once.

Knows: findings and evidence. Must not know: HTML.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any, TypeVar

from harness.claims.predicates import is_number, show
from harness.judge.finding import Check, Finding
from harness.report.phrases import labels
from harness.run.model import Sample

_T = TypeVar("_T")

_LONGEST_LIST = 200
"""Characters of a list in the table; the samples below it have all of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fold:
    """Hold one prediction with what was found on the releases that agree; `on` names them."""

    check: Check
    on: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Folds:
    """Hold one prediction's path with all its folds, the ones that do not hold first."""

    path: str
    folds: tuple[Fold, ...]

    @property
    def predicted(self) -> str | None:
        """Return the prediction where it is the same on all releases."""
        texts = {fold.check.predicted for fold in self.folds}
        return texts.pop() if len(texts) == 1 else None


@dataclass(frozen=True, slots=True, kw_only=True)
class RivalFolds:
    """Hold a rival, where it is contradicted and where not, and the values that decide it."""

    statement: str
    contradicted: str
    alive: str
    rows: tuple[Folds, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """Hold a value that `width` neighbouring releases share."""

    text: str
    width: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """Hold one key of the evidence over all releases; `same` if all have the same value."""

    path: str
    spans: tuple[Span, ...]
    same: bool


def group(items: Iterable[tuple[str, _T]], key: Callable[[_T], object]) -> list[tuple[str, _T]]:
    """Join releases whose values have the same key.

    Returns:
        Each value once with its releases as people say them, in order of first appearance.
    """
    found: dict[object, tuple[list[str], _T]] = {}
    for runtime, item in items:
        found.setdefault(key(item), ([], item))[0].append(runtime)
    return [(labels(runtimes), item) for runtimes, item in found.values()]


def fold_checks(checks: Mapping[str, Sequence[Check]]) -> tuple[Folds, ...]:
    """Fold the checks of several releases, path by path.

    Args:
        checks: by runtime.
    """
    by_path: dict[str, list[tuple[str, Check]]] = {}
    for runtime, own in checks.items():
        for check in own:
            by_path.setdefault(check.path, []).append((runtime, check))
    return tuple(
        Folds(
            path=path,
            folds=tuple(
                Fold(check=check, on=on)
                for on, check in sorted(
                    group(items, _check_key), key=lambda one: one[1].holds is True
                )
            ),
        )
        for path, items in by_path.items()
    )


def _check_key(check: Check) -> object:
    return check.predicted, check.found_text, check.holds, check.note


def fold_rivals(findings: Mapping[str, Finding]) -> tuple[RivalFolds, ...]:
    """Fold the rivals of one claim; of each the very check that contradicts it, or all of them."""
    statements = dict.fromkeys(
        rival.statement for finding in findings.values() for rival in finding.rivals
    )
    return tuple(_fold_rival(statement, findings) for statement in statements)


def _fold_rival(statement: str, findings: Mapping[str, Finding]) -> RivalFolds:
    own = {
        runtime: rival
        for runtime, finding in findings.items()
        for rival in finding.rivals
        if rival.statement == statement
    }
    return RivalFolds(
        statement=statement,
        contradicted=labels(name for name, rival in own.items() if rival.contradicted),
        alive=labels(name for name, rival in own.items() if not rival.contradicted),
        rows=fold_checks(
            {name: (rival.by,) if rival.by else rival.checks for name, rival in own.items()}
        ),
    )


def evidence_rows(samples: Mapping[str, Sequence[Sample]]) -> tuple[Row, ...]:
    """Lay the evidence of several releases side by side, a row a key, equal neighbours joined.

    Args:
        samples: by runtime; those without evidence leave their cells empty.
    """
    flat: dict[str, _Flat] = {}
    before: Sequence[Sample] = ()
    values: _Flat = {}
    for runtime, own in samples.items():
        if not before or not same_evidence(before, own):  # most releases agree in everything
            before, values = own, _flat_samples(own)
        flat[runtime] = values
    paths = dict.fromkeys(path for values in flat.values() for path in values)
    return tuple(
        _row(path, [values.get(path, ("", [])) for values in flat.values()]) for path in paths
    )


_Flat = dict[str, tuple[str, list[Any]]]
"""By path the text to show and the values behind it, one a sample."""


def same_evidence(one: Sequence[Sample], other: Sequence[Sample]) -> bool:
    """Tell whether two observations have the same evidence, sample by sample."""
    return [sample.evidence for sample in one] == [sample.evidence for sample in other]


def _row(path: str, found: Sequence[tuple[str, list[Any]]]) -> Row:
    spans: list[Span] = []
    before: tuple[str, list[Any]] | None = None
    for one in found:
        if one == before:
            spans[-1] = Span(text=one[0], width=spans[-1].width + 1)
        else:
            spans.append(Span(text=one[0], width=1))
        before = one
    return Row(path=path, spans=tuple(spans), same=len(spans) == 1)


def _flat_samples(samples: Sequence[Sample]) -> _Flat:
    trees = [flatten(sample.evidence) for sample in samples if sample.evidence is not None]
    flat: _Flat = {}
    for path in dict.fromkeys(path for tree in trees for path in tree):
        values = [tree[path] for tree in trees if path in tree]
        flat[path] = (_summary(values), values)
    return flat


def flatten(value: Any, path: str = "") -> dict[str, Any]:
    """Return nested maps as one, its keys joined with dots."""
    if not isinstance(value, dict) or not value:
        return {path: value}
    flat: dict[str, Any] = {}
    for key, inner in value.items():
        flat |= flatten(inner, f"{path}.{key}" if path else str(key))
    return flat


def _summary(values: Sequence[Any]) -> str:
    """Return the value of one sample, or the median of several numbers with their range."""
    first = values[0]
    if len(values) == 1:
        return _short(first)
    if all(map(is_number, values)) and len({*values}) > 1:
        low, middle, high = min(values), median(values), max(values)
        return f"{_short(middle)} ({_short(low)} to {_short(high)}, n = {len(values)})"
    texts = list(dict.fromkeys(_short(value) for value in values))
    return _short(first) if len(texts) == 1 else " or ".join(texts[:4])


_FIGURES = 4
"""Figures of a number that is no count: more say nothing of what was measured."""


def _short(value: Any) -> str:
    if isinstance(value, str):
        return value
    if type(value) is int:  # most values are, and `show` has more to think of
        return str(value)
    if isinstance(value, list) and value and all(isinstance(one, dict) for one in value):
        return f"{len(value)} rows of {', '.join(map(str, value[0]))}"
    if isinstance(value, float):
        return f"{value:.{_FIGURES}g}"
    return show(value, _LONGEST_LIST)


def pretty(value: Any) -> str:
    """Return a value as indented JSON, small lists and maps on one line."""
    return "\n".join(_lines(value, ""))


_ONE_LINE = 88
_encode = json.JSONEncoder(ensure_ascii=False).encode


def _lines(value: Any, indent: str) -> Iterable[str]:
    flat = _encode(value)
    if len(flat) + len(indent) <= _ONE_LINE or not isinstance(value, dict | list) or not value:
        yield indent + flat
        return
    opening, closing = "{}" if isinstance(value, dict) else "[]"
    yield indent + opening
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for number, (key, inner) in enumerate(items):
        comma = "," if number + 1 < len(value) else ""
        own = list(_lines(inner, indent + "  "))
        if isinstance(value, dict):
            own[0] = f"{indent}  {_encode(key)}: {own[0].lstrip()}"
        own[-1] += comma
        yield from own
    yield indent + closing
