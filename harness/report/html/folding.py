"""Fold what is equal on several releases, so that equal values are shown once.

Knows: findings and evidence. Must not know: HTML.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from harness.judge.finding import Check, Finding
from harness.report.evidence import flatten, found_text, spread, summary
from harness.report.releases import MANY, labels, stretches
from harness.run.model import Sample

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Fold:
    """Hold one prediction with what was found on the releases that agree; `on` names them."""

    check: Check
    on: str
    found: str


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
    """Hold a value that `width` neighbouring columns share."""

    text: str
    width: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """Hold one key of the evidence over all columns; `same` if all have the same value."""

    path: str
    spans: tuple[Span, ...]
    same: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Hold evidence side by side: a column a release, or several that agree in all of it.

    `long` has what is too wide for columns instead: for each key its values with their releases.
    """

    columns: tuple[str, ...] = ()
    rows: tuple[Row, ...] = ()
    long: tuple[tuple[str, tuple[tuple[str, str], ...]], ...] = ()


def group(
    items: Iterable[tuple[str, _T]], key: Callable[[_T], object], among: Iterable[str] = ()
) -> list[tuple[str, _T]]:
    """Join releases whose values have the same key.

    Args:
        items: by runtime.
        key: what makes two values equal.
        among: all runtimes that there are, where the items leave some out.

    Returns:
        Each value once with its releases as people say them, in order of first appearance.
    """
    items = list(items)
    everything = (*among, *(runtime for runtime, _ in items))
    found: dict[object, tuple[list[str], _T]] = {}
    for runtime, item in items:
        found.setdefault(key(item), ([], item))[0].append(runtime)
    return [(labels(runtimes, everything), item) for runtimes, item in found.values()]


def fold_checks(checks: Mapping[str, Sequence[Check]]) -> tuple[Folds, ...]:
    """Fold the checks of several releases, path by path.

    Args:
        checks: by runtime, all that there are.
    """
    by_path: dict[str, list[tuple[str, Check]]] = {}
    for runtime, own in checks.items():
        for check in own:
            by_path.setdefault(check.path, []).append((runtime, check))
    return tuple(
        Folds(path=path, folds=tuple(_folds(items, tuple(checks))))
        for path, items in by_path.items()
    )


def _folds(items: Sequence[tuple[str, Check]], among: Sequence[str]) -> list[Fold]:
    """Fold equal findings; where too many are left, those that came to the same."""
    found = [
        Fold(check=check, on=on, found=found_text(check))
        for on, check in group(items, _check_key, among)
    ]
    if len(found) > MANY:
        found = [
            Fold(check=check, on=on, found=_span(check, items))
            for on, check in group(items, _outcome_key, among)
        ]
    return sorted(found, key=lambda one: one.check.holds is True)


def _check_key(check: Check) -> object:
    return check.predicted, check.found_text, check.holds, check.note


def _outcome_key(check: Check) -> object:
    return check.predicted, check.holds, check.note


def _span(check: Check, items: Iterable[tuple[str, Check]]) -> str:
    """Return what the checks that came to the same found: from the least to the most."""
    alike = [one for _, one in items if _outcome_key(one) == _outcome_key(check)]
    return spread([one.value for one in alike], check.path, [found_text(one) for one in alike])


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
        contradicted=labels((name for name, one in own.items() if one.contradicted), findings),
        alive=labels((name for name, one in own.items() if not one.contradicted), findings),
        rows=fold_checks(
            {name: (rival.by,) if rival.by else rival.checks for name, rival in own.items()}
        ),
    )


def evidence_table(samples: Mapping[str, Sequence[Sample]]) -> Table:
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
    paths = tuple(dict.fromkeys(path for values in flat.values() for path in values))
    if len(flat) <= MANY:
        columns = [(labels([name]), values) for name, values in flat.items()]
    else:
        folded = stretches(flat.items(), key=_texts)
        columns = [(labels(one.runtimes, flat), one.value) for one in folded]
    if len(columns) > MANY:
        return Table(long=tuple((path, _by_release(path, flat)) for path in paths))
    return Table(
        columns=tuple(name for name, _ in columns),
        rows=tuple(
            _row(path, [values.get(path, ("", [])) for _, values in columns]) for path in paths
        ),
    )


def _texts(flat: _Flat) -> tuple[tuple[str, str], ...]:
    return tuple((path, text) for path, (text, _) in flat.items())


def _by_release(path: str, flat: Mapping[str, _Flat]) -> tuple[tuple[str, str], ...]:
    """Return a key's values with their releases; of too many the span that they lie in."""
    known = [(name, values[path]) for name, values in flat.items() if path in values]
    found = stretches(((name, text) for name, (text, _) in known))
    if len(found) <= MANY:
        return tuple((labels(one.runtimes, flat), one.value) for one in found)
    values = [value for _, (_, own) in known for value in own]
    text = spread(values, path, [text for _, (text, _) in known])
    return ((labels((name for name, _ in known), flat), text),)


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
        flat[path] = (summary(values, path), values)
    return flat


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
