"""The confidence interval of a median, without an assumption about the distribution.

Knows: order statistics. Must not know: evidence, predictions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import comb
from statistics import median

CONFIDENCE = 0.95
"""Wanted probability that the interval holds the median of the distribution."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MedianInterval:
    """Hold the interval from one order statistic to its mirror image.

    Units: those of the samples; `confidence` is the probability that the interval holds the
    median, lower than `CONFIDENCE` only where too few samples exist for it (below 6).
    """

    low: float
    median: float
    high: float
    confidence: float
    samples: int


def median_interval(values: Sequence[float]) -> MedianInterval:
    """Return the narrowest symmetric order-statistic interval of at least `CONFIDENCE`.

    Below 6 samples no such interval exists and the whole range is returned.

    Raises:
        ValueError: there are no values.

    Source: the number of samples below the median is binomial with p = 1/2, so the interval from
        the k-th smallest to the k-th largest misses it with probability 2 P(B < k).
    """
    if not values:
        raise ValueError("a median needs at least one value")
    ordered = sorted(values)
    count = len(ordered)
    rank, confidence = _rank(count)
    return MedianInterval(
        low=ordered[rank - 1],
        median=_median(ordered),
        high=ordered[count - rank],
        confidence=confidence,
        samples=count,
    )


def _median(ordered: Sequence[float]) -> float:
    try:
        return median(ordered)
    except OverflowError:  # halves of integers that no float can hold
        return sum(map(int, ordered[(len(ordered) - 1) // 2 : len(ordered) // 2 + 1])) // 2


@lru_cache(maxsize=1024)
def _rank(count: int) -> tuple[int, float]:
    """Return the highest rank k whose interval is still sure enough, and how sure it is."""
    below = 1  # ways to get fewer than k heads in `count` throws, here k = 1
    rank, total = 1, 1 << count
    confidence = 1 - 2 * below / total if count > 1 else 0.0
    while rank < count // 2:
        below += comb(count, rank)
        sure = 1 - 2 * below / total
        if sure < CONFIDENCE:
            break
        rank, confidence = rank + 1, sure
    return rank, confidence
