"""What claims and rivals predict of numbers, as stretches of a number line that charts can draw.

Knows: predictions. Must not know: how anything is drawn.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from harness.claims.model import Claim
from harness.claims.predicates import Leaf, Op, Pattern, Predicate, Prediction, Table, is_number
from harness.report.evidence import rounded, unit_text
from harness.report.releases import labels
from harness.run.units import unit_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Band:
    """Hold the numbers that are predicted of one key: from `low` to `high`, an end open where None.

    `on` names the releases where they are not all; `rival` tells that a wrong belief predicts it.
    """

    path: str
    low: float | None
    high: float | None
    on: str = ""
    rival: bool = False

    @property
    def key(self) -> str:
        """Return the last key of the path, which ends in the unit."""
        return self.path.rpartition(".")[2]

    @property
    def ends(self) -> tuple[float, ...]:
        """Return the ends that are not open."""
        return tuple(dict.fromkeys(end for end in (self.low, self.high) if end is not None))

    @property
    def range_text(self) -> str:
        """Return the numbers in words with their unit, e.g. `0.8 to 1.2` or `at least 2 ms`."""
        unit = unit_text(self.path)
        if self.low is None or self.high is None:
            word = "at most" if self.low is None else "at least"
            return f"{word} {rounded(self.ends[0])}{unit}"
        if self.low == self.high:
            return f"{rounded(self.low)}{unit}"
        return f"{rounded(self.low)} to {rounded(self.high)}{unit}"

    @property
    def label(self) -> str:
        """Return what is said of it beside a chart, e.g. `rival: slower_ratio at most 1.2`."""
        on = f" ({self.on})" if self.on else ""
        return f"{'rival: ' if self.rival else ''}{self.path} {self.range_text}{on}"


def bands_of(claim: Claim, versions: Mapping[str, str]) -> tuple[Band, ...]:
    """Return everything that a claim and its rivals predict in numbers, the claim's own first.

    Args:
        claim: whose.
        versions: the full OTP version of each runtime that was observed.
    """
    on: dict[Band, list[str]] = {}
    for runtime, version in versions.items():
        rivals = [one for rival in claim.rivals_on(version) for one in rival.expect]
        for predictions, is_rival in ((claim.predictions_on(version), False), (rivals, True)):
            for band in _bands(predictions, rival=is_rival):
                names = on.setdefault(band, [])
                if runtime not in names:
                    names.append(runtime)
    found = (
        band if len(names) == len(versions) else _only(band, labels(names, versions))
        for band, names in on.items()
    )
    return tuple(sorted(found, key=lambda band: band.rival))


def _only(band: Band, on: str) -> Band:
    return Band(path=band.path, low=band.low, high=band.high, on=on, rival=band.rival)


def _bands(predictions: Iterable[Prediction], *, rival: bool) -> Iterator[Band]:
    for prediction in predictions:
        for path, leaf in _numeric(prediction.name, prediction.leaf):
            for low, high in _intervals(leaf):
                yield Band(path=path, low=low, high=high, rival=rival)


def _numeric(path: str, pattern: Pattern) -> Iterator[tuple[str, Leaf]]:
    """Yield the leaves of a pattern with their paths, those about elements of a list included."""
    if isinstance(pattern, Table):
        for key, inner in pattern.entries:
            yield from _numeric(f"{path}.{key}", inner)
        return
    yield path, pattern
    for predicate in pattern.predicates:
        if predicate.inner is not None and predicate.op in {Op.ALL, Op.ANY}:
            yield from _numeric(path, predicate.inner)


def _intervals(leaf: Leaf) -> Iterator[tuple[float | None, float | None]]:
    """Yield where the numbers lie that fulfil a leaf; nothing of one that is not about numbers."""
    low, high = -math.inf, math.inf
    for predicate in leaf.predicates:
        if predicate.op is Op.ONE_OF:
            for one in predicate.operand if isinstance(predicate.operand, list) else ():
                if is_number(one):
                    yield float(one), float(one)
            return
        least, most = _bounds(predicate)
        low, high = max(low, least), min(high, most)
    if (low, high) != (-math.inf, math.inf) and low <= high:
        yield (None if low == -math.inf else low, None if high == math.inf else high)


def _bounds(predicate: Predicate) -> tuple[float, float]:
    operand = predicate.operand
    if predicate.op is Op.BETWEEN and isinstance(operand, list):
        low, high = (float(one) for one in operand if is_number(one))
        return low, high
    if not is_number(operand) or predicate.op not in _OPEN:
        return -math.inf, math.inf
    below, above = _OPEN[predicate.op]
    return (
        -math.inf if below else operand - predicate.tolerance,
        math.inf if above else operand + predicate.tolerance,
    )


_OPEN: Final = {
    Op.EQUALS: (False, False),
    Op.APPROX: (False, False),
    Op.AT_LEAST: (False, True),
    Op.ABOVE: (False, True),
    Op.AT_MOST: (True, False),
    Op.BELOW: (True, False),
}
"""Which predicates of one number leave its lower and its upper end open."""


_WORDS = re.compile(r"[a-z0-9]+")
_OF_GROWTH = frozenset({"growth", "exponent"})


def is_exponent(band: Band) -> bool:
    """Tell whether a band says how steeply a curve rises."""
    return any(unit_of(key) == "exponent" for key in band.path.split("."))


def exponents_for(
    bands: Iterable[Band], path: str, y_key: str, y_keys: Sequence[str]
) -> Iterator[Band]:
    """Yield the bands that say how steeply one key of a series rises.

    An exponent is of a series that lies beside it or below; where the series has several keys, of
    the one that its own name holds, and of nothing where that is not one alone.
    """
    for band in filter(is_exponent, bands):
        keys = band.path.split(".")
        at = next(n for n, key in enumerate(keys) if unit_of(key) == "exponent")
        if path.split(".")[:at] != keys[:at]:
            continue
        named = set(_WORDS.findall("_".join(keys[at:]).replace("_", " "))) - _OF_GROWTH
        beside = _words(path)
        fitting = [key for key in y_keys if named <= _words(key) | beside]
        fewest = min((len(_words(key)) for key in fitting), default=0)
        nearest = [key for key in fitting if len(_words(key)) == fewest]
        if nearest == [y_key] and (named or len(y_keys) == 1):
            yield band


def _words(text: str) -> set[str]:
    return set(_WORDS.findall(text.replace("_", " ")))
