"""What the rounds of a campaign add to the finding of a cell.

Knows: findings of one cell, one a round. Must not know: how rounds are run, or shown.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from harness.judge.finding import Finding, Verdict

_BAD = (Verdict.REFUTED, Verdict.INCONCLUSIVE)


def over_rounds(first: Finding, rounds: Sequence[Finding]) -> Finding:
    """Return the finding of a cell that was observed again and again.

    Args:
        first: that of the run itself.
        rounds: those of its repetitions, in the order in which they were made.

    Returns:
        The worst of them, as one round in a thousand that breaks a law refutes it; where they
        differ the reason says in how many, and in which first. `rounds` counts the verdicts.
    """
    if not rounds:
        return first
    every = (first, *rounds)
    counts = Counter(one.verdict for one in every)
    worst = next((verdict for verdict in _BAD if counts[verdict]), first.verdict)
    at = next(number for number, one in enumerate(every) if one.verdict is worst)
    found = replace(every[at], rounds=dict(counts))
    if len(counts) == 1:
        return found
    where = f"flaky: {worst} in {counts[worst]} of {len(every)} rounds, the first is {at + 1}"
    return replace(found, reason=f"{where}: {found.reason}")


def stability(finding: Finding) -> str:
    """Return the counts of a cell's rounds in words, e.g. `39 confirmed, 1 refuted`."""
    return ", ".join(
        f"{finding.rounds[verdict]} {verdict}" for verdict in Verdict if verdict in finding.rounds
    )
