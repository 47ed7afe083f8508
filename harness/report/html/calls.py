"""What each release answered on a claim's page: the envelope of its observation.

Knows: findings and samples. Must not know: markup, what a claim predicts.
"""

from __future__ import annotations

import shlex
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from harness.claims.model import Claim
from harness.judge.finding import Finding, Verdict
from harness.judge.stability import stability
from harness.report.html.folding import pretty, same_evidence
from harness.report.phrases import duration, plural
from harness.report.releases import MANY, labels, stretches
from harness.run.model import Sample
from harness.run.repeat import repeat_command


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """Hold the envelope of one release's observation, or of neighbours that agree in all of it.

    `same_as` names the releases above that have the same evidence; `folded` tells that it is one
    of many, and nothing that needs a person.
    """

    runtimes: tuple[str, ...]
    name: str
    finding: Finding
    timing: str
    log: str
    leftovers: tuple[str, ...]
    failure: str
    samples: str
    same_as: str | None
    command: str
    rounds: str
    folded: bool

    @property
    def runtime(self) -> str:
        """Return the first of the releases."""
        return self.runtimes[0]


def calls(cells: Mapping[str, Finding]) -> Iterator[Call]:
    """Yield what the releases answered, in their order.

    Args:
        cells: a claim's findings by runtime.
    """
    if len(cells) > MANY:
        groups = [(one.runtimes, one.value) for one in stretches(cells.items(), key=_envelope)]
    else:
        groups = [((name,), finding) for name, finding in cells.items()]
    earlier: list[tuple[str, Sequence[Sample]]] = []
    for runtimes, finding in groups:
        samples = finding.observation.samples if finding.observation else ()
        name = labels(runtimes, cells)
        twin = next((names for names, other in earlier if same_evidence(other, samples)), None)
        if twin is None and samples:
            earlier.append((name, samples))
        yield Call(
            runtimes=runtimes,
            name=name,
            finding=finding,
            timing=_timing(samples),
            log=_log(samples),
            leftovers=tuple(dict.fromkeys(left for one in samples for left in one.leftovers)),
            failure=_failure(samples),
            samples="" if twin else _samples_text(samples),
            same_as=twin if any(sample.evidence for sample in samples) else None,
            command=repeat_command(finding.cell),
            rounds=stability(finding),
            folded=len(groups) > MANY and finding.verdict in {Verdict.CONFIRMED, Verdict.SKIPPED},
        )


def _envelope(finding: Finding) -> Hashable:
    """Return what must be equal for two releases to be told together."""
    seen = finding.observation
    samples = seen.samples if seen else ()
    return (
        finding.verdict,
        finding.reason,
        _samples_text(samples),
        _failure(samples),
        _log(samples),
        tuple(left for one in samples for left in one.leftovers),
        seen.flags if seen else (),
        stability(finding),
    )


def _log(samples: Iterable[Sample]) -> str:
    return "".join(dict.fromkeys(sample.log for sample in samples)).rstrip()


def _samples_text(samples: Sequence[Sample]) -> str:
    trees = [sample.evidence for sample in samples if sample.evidence is not None]
    return "\n".join(pretty(tree) for tree in trees)


def _timing(samples: Sequence[Sample]) -> str:
    if not samples:
        return ""
    total = sum(sample.elapsed_us for sample in samples)
    inside = [sample.probe_us for sample in samples if sample.probe_us is not None]
    own = f", {duration(sum(inside))} of it in the probe" if inside else ""
    return f"{plural(len(samples), 'call')}, {duration(total)}{own}"


def _failure(samples: Sequence[Sample]) -> str:
    failure = next((one.failure for one in samples if one.failure is not None), None)
    if failure is None:
        return ""
    kind = f"{failure.error_class}: " if failure.error_class else ""
    return "\n".join([f"{kind}{failure.reason}", *(f"  at {line}" for line in failure.stacktrace)])


def call_text(claim: Claim) -> str:
    """Return the call as Erlang people write it, with the VM's flags and limits if it has any."""
    args = ", ".join(f"{key} => {pretty(value)}" for key, value in claim.args.items())
    around = [f"erl {shlex.join(claim.flags)}"] if claim.flags else []
    around += [str(claim.held)] if claim.held.given else []
    comment = f"  % {', '.join(around)}" if around else ""
    return f"{claim.module}:{claim.probe}(#{{{args}}}){comment}"
