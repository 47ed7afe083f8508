"""How much a sentence's look alone speaks for its truth: a score that questions are balanced by.

Knows: sentences, true ones and wrong ones. Must not know: questions, claims.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import exp

from harness.report.export.sentences import marks

Score = Callable[[str], float]

_EPOCHS = 40
_RATE = 0.2
_DECAY = 0.002


def learn(true: Sequence[str], wrong: Sequence[str]) -> Score:
    """Return what scores a sentence: the higher, the more it looks like the true ones.

    It is the logarithm of the odds that a logistic regression gives; the same for equal input.
    """
    seen = [(marks(one), 1.0) for one in true] + [(marks(one), 0.0) for one in wrong]
    turns = [seen[at] for at in _shuffled(len(seen))]
    weights: dict[str, float] = {}
    for epoch in range(_EPOCHS):
        rate = _RATE / (1 + epoch / 4)
        for found, truth in turns:
            pull = rate * (truth - 1 / (1 + exp(-_sum(found, weights))))
            for mark, value in found.items():
                weights[mark] = weights.get(mark, 0.0) * (1 - _DECAY * rate) + pull * value
    return lambda sentence: _sum(marks(sentence), weights)


def _sum(found: dict[str, float], weights: dict[str, float]) -> float:
    total = sum(value * weights.get(mark, 0.0) for mark, value in found.items())
    return max(-30.0, min(30.0, total))


def _shuffled(count: int) -> list[int]:
    """Return the numbers below a count in an order that mixes them, always the same."""
    return sorted(range(count), key=lambda at: (at * 7919) % 10007)
