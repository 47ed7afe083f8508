"""What is said of a run after its findings: slow calls, rounds, what was taken over.

Knows: runs and findings. Must not know: how findings are shown.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from harness.judge.finding import Finding
from harness.report.phrases import plural, took
from harness.run.model import Observation, Run

_MOST_RUNS = 3


def duration_lines(run: Run, count: int) -> Iterator[str]:
    """Yield the calls that took longest, all their samples together, the slowest first."""
    slowest = sorted(run.observations, key=_elapsed_us, reverse=True)[:count]
    if slowest:
        yield f"slowest {plural(len(slowest), 'call')} of {len(run.observations)}"
    for seen in slowest:
        samples = f", {len(seen.samples)} samples" if len(seen.samples) > 1 else ""
        cells = (*seen.cells, *seen.boundary)
        more = f" +{len(cells) - 1}" if len(cells) > 1 else ""
        yield f"  {_elapsed_us(seen) / 1e6:8.2f} s  {cells[0]}{more}{samples}"


def stability_lines(findings: Iterable[Finding]) -> Iterator[str]:
    """Yield how often the cells of a campaign were observed, and how many were always alike."""
    rounds = [finding.rounds for finding in findings if finding.rounds]
    if not rounds:
        yield "no call was repeated: calls of time never are, and others want more time"
        return
    times = sorted(sum(counts.values()) for counts in rounds)
    stable = sum(len(counts) == 1 for counts in rounds)
    often = f"{times[0]}" if times[0] == times[-1] else f"{times[0]} to {times[-1]}"
    cells = plural(len(rounds), "cell")
    yield f"stability: {stable} of {cells} always alike, in {often} rounds each"


def reuse_lines(run: Run) -> Iterator[str]:
    """Yield how much of a run was taken over from which others, and how old it is."""
    taken = [seen for seen in run.observations if seen.taken_from is not None]
    whence = list(dict.fromkeys(str(seen.taken_from) for seen in taken))
    every = run.footer.observations if run.footer else len(run.observations)
    if not taken:
        return
    more = len(whence) - _MOST_RUNS
    named = ", ".join(whence[:_MOST_RUNS]) + (f" and {more} more" if more > 0 else "")
    oldest = took(min(seen.at for seen in taken), run.header.started)
    yield (
        f"taken over: {len(taken)} of {plural(every, 'call')}, made by {named}"
        f" up to {oldest} before; without --reuse they are called again"
    )


def _elapsed_us(seen: Observation) -> int:
    return sum(sample.elapsed_us for sample in seen.samples)
