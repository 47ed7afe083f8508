"""Somebody who answers questions and understands nothing: by length, position and hedging words.

Knows: how choices look, beside each other. Must not know: what any of them says, claims.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from math import exp

from harness.report.export.sentences import marks

Question = tuple[Sequence[str], int]
"""The choices, and which of them is true."""

Marks = dict[str, float]
Choose = Callable[[Sequence[str]], int]

_EPOCHS = 25
_RATE = 0.25
_DECAY = 0.01


def seen(choices: Sequence[str]) -> list[Marks]:
    """Return what is seen of each choice: by itself, and against the others."""
    lengths = [len(one) for one in choices]
    order = sorted(range(len(choices)), key=lambda at: (lengths[at], at))
    middle = sum(lengths) / len(lengths)
    found = []
    for at, one in enumerate(choices):
        its = marks(one)
        its[f"place {at}"] = 1.0
        its[f"rank {order.index(at)}"] = 1.0
        its["longer"] = lengths[at] / middle - 1
        its["apart"] = abs(lengths[at] / middle - 1)
        found.append(its)
    return found


def learn(questions: Sequence[Question]) -> Choose:
    """Return what chooses as these questions teach: a weight a mark, the largest sum is chosen.

    The weights are those of a conditional logistic regression; the same for equal input.
    """
    weights: Marks = {}
    turns = [(seen(choices), truth) for choices, truth in questions]
    for epoch in range(_EPOCHS):
        rate = _RATE / (1 + epoch / 2)
        for choices, truth in turns:
            for at, (its, chance) in enumerate(
                zip(choices, _chances(choices, weights), strict=True)
            ):
                pull = rate * ((at == truth) - chance)
                for mark, value in its.items():
                    weights[mark] = weights.get(mark, 0.0) * (1 - _DECAY * rate) + pull * value
    return lambda choices: _largest([_sum(its, weights) for its in seen(choices)])


def answered(questions: Sequence[Question], order: Sequence[int], parts: int) -> Iterator[bool]:
    """Yield for each question whether one that learnt from the other parts answers it.

    Args:
        questions: all of them.
        order: their places, as they are dealt out to the parts.
        parts: how many.
    """
    right: dict[int, bool] = {}
    for part in range(parts):
        tested = set(order[part::parts])
        choose = learn([questions[at] for at in order if at not in tested])
        right |= {at: choose(questions[at][0]) == questions[at][1] for at in tested}
    return (right[at] for at in range(len(questions)))


def _chances(choices: Sequence[Marks], weights: Marks) -> list[float]:
    sums = [_sum(its, weights) for its in choices]
    powers = [exp(one - max(sums)) for one in sums]
    whole = sum(powers)
    return [one / whole for one in powers]


def _sum(its: Marks, weights: Marks) -> float:
    return sum(value * weights.get(mark, 0.0) for mark, value in its.items())


def _largest(values: Sequence[float]) -> int:
    return max(range(len(values)), key=values.__getitem__)
