"""What each page says, as plain values for the templates.

Knows: views, folding, charts. Must not know: markup (that is in the templates).
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from harness.authoring.probe_then import ProbeThen
from harness.claims.model import Claim
from harness.claims.predicates import is_number
from harness.judge.compare import Comparison
from harness.judge.finding import Finding, Verdict
from harness.judge.stability import stability
from harness.judge.trend import ClaimTrend, Point
from harness.judge.view import NEEDS_ATTENTION, WORST_FIRST, ClaimView, RunView, SkillView
from harness.report.html import series
from harness.report.html.folding import (
    Folds,
    RivalFolds,
    Row,
    evidence_rows,
    fold_checks,
    fold_rivals,
    group,
    pretty,
    same_evidence,
)
from harness.report.html.links import Links
from harness.report.phrases import duration, labels, plural, seconds_of
from harness.run.model import Build, Sample
from harness.run.repeat import repeat_command

_MOST_CHARTS = 6

TILES = (
    (Verdict.REFUTED, "#not-confirmed"),
    (Verdict.INCONCLUSIVE, "#not-confirmed"),
    (Verdict.CONFIRMED, "#skills"),
    (Verdict.SKIPPED, "#skipped"),
)
"""The four counts at the top of the front page, and where each leads."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Hold the releases on which a claim is not confirmed for one and the same reason."""

    verdict: Verdict
    on: str
    first: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """Hold a claim that is not confirmed: the worst verdict, the releases, every reason once."""

    claim: Claim
    verdict: Verdict
    on: str
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """Hold the envelope of one release's observation."""

    runtime: str
    finding: Finding
    timing: str
    log: str
    leftovers: tuple[str, ...]
    failure: str
    samples: str
    same_as: str | None
    command: str
    rounds: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimPage:
    """Hold everything that a claim's page shows."""

    view: ClaimView
    reasons: tuple[tuple[str, Finding], ...]
    predictions: tuple[Folds, ...]
    rivals: tuple[RivalFolds, ...]
    evidence: tuple[Row, ...]
    columns: tuple[str, ...]
    plots: tuple[series.Plot, ...]
    calls: tuple[Call, ...]
    probe: ProbeThen
    probe_link: str | None
    claim_link: str | None
    call_text: str
    trend: ClaimTrend | None
    trend_plots: tuple[series.Plot, ...]


def troubles(view: RunView) -> tuple[Trouble, ...]:
    """Return what is not confirmed, a claim at a time, the refuted first; not what is skipped."""
    found = (_trouble(one) for skill in view.skills for one in skill.claims)
    return tuple(
        sorted((one for one in found if one.parts), key=lambda one: WORST_FIRST.index(one.verdict))
    )


def _trouble(one: ClaimView) -> Trouble:
    parts = tuple(
        Part(verdict=finding.verdict, on=on, first=finding.cell, reason=finding.reason)
        for on, finding in _grouped(one)
        if finding.verdict in NEEDS_ATTENTION
    )
    return Trouble(
        claim=one.claim,
        verdict=one.worst,
        on=labels(name for name, found in one.cells.items() if found.verdict in NEEDS_ATTENTION),
        parts=tuple(sorted(parts, key=lambda part: WORST_FIRST.index(part.verdict))),
    )


def skipped(view: RunView) -> tuple[tuple[str, str, int], ...]:
    """Return runtime, reason and count of what was skipped."""
    found: dict[tuple[str, str], int] = {}
    for finding in view.findings:
        if finding.verdict is Verdict.SKIPPED:
            key = (finding.cell.runtime, finding.reason)
            found[key] = found.get(key, 0) + 1
    return tuple((labels([runtime]), why, count) for (runtime, why), count in found.items())


def worst_first(skills: Iterable[SkillView]) -> list[SkillView]:
    """Return the skills, those with the worst verdicts first, else in their order."""

    def weight(skill: SkillView) -> tuple[int, ...]:
        counts = skill.counts()
        return tuple(-counts[verdict] for verdict in NEEDS_ATTENTION)

    return sorted(skills, key=weight)


def tally(skill: SkillView) -> list[tuple[Verdict, int]]:
    """Return the counts of a skill's verdicts, the worst first."""
    counts = skill.counts()
    return [(verdict, counts[verdict]) for verdict in WORST_FIRST]


def table_of(plot: series.Plot) -> Iterable[tuple[str, list[str]]]:
    """Yield the rows of a plot's numbers: x, then y of every curve."""
    curves = [dict(curve.points) for curve in plot.curves]
    for x in sorted({x for curve in curves for x in curve}):
        yield f"{x:.10g}", [f"{curve[x]:.10g}" if x in curve else "" for curve in curves]


def _grouped(view: ClaimView) -> list[tuple[str, Finding]]:
    return group(view.cells.items(), lambda finding: (finding.verdict, finding.reason))


def claim_page(
    view: ClaimView, *, probe: ProbeThen, trend: ClaimTrend | None, links: Links
) -> ClaimPage:
    """Gather what a claim's page shows."""
    samples = {
        runtime: finding.observation.samples
        for runtime, finding in view.cells.items()
        if finding.observation is not None
    }
    first = {
        labels([runtime]): own[0].evidence
        for runtime, own in samples.items()
        if own and own[0].evidence is not None
    }
    return ClaimPage(
        view=view,
        reasons=tuple(_grouped(view)),
        predictions=fold_checks({name: one.checks for name, one in view.cells.items()}),
        rivals=fold_rivals(view.cells),
        evidence=evidence_rows(samples),
        columns=tuple(samples),
        plots=series.plots(first, tuple(predicted_numbers(view.claim)))[:_MOST_CHARTS],
        calls=tuple(_calls(view)),
        probe=probe,
        probe_link=_probe_link(probe, links),
        claim_link=links.to(view.claim.path, view.claim.line),
        call_text=call_text(view.claim),
        trend=trend,
        trend_plots=trend_plots(trend) if trend else (),
    )


def _probe_link(then: ProbeThen, links: Links) -> str | None:
    """Return where others read the probe; not of a source that is another one today."""
    if then.probe is None or then.path is None or then.changed:
        return None
    return links.to(then.path, then.probe.line)


def predicted_numbers(claim: Claim) -> Iterable[tuple[str, float]]:
    """Yield every number that the claim predicts outright, with its path."""
    for prediction in claim.expect:
        for predicate in prediction.leaf.predicates:
            operand = predicate.operand
            for number in operand if isinstance(operand, list) else [operand]:
                if is_number(number):
                    yield prediction.name, float(number)


def call_text(claim: Claim) -> str:
    """Return the call as Erlang people write it, with the VM's flags and limits if it has any."""
    args = ", ".join(f"{key} => {pretty(value)}" for key, value in claim.args.items())
    around = [f"erl {shlex.join(claim.flags)}"] if claim.flags else []
    around += [str(claim.held)] if claim.held.given else []
    comment = f"  % {', '.join(around)}" if around else ""
    return f"{claim.module}:{claim.probe}(#{{{args}}}){comment}"


def _calls(view: ClaimView) -> Iterable[Call]:
    earlier: list[tuple[str, Sequence[Sample]]] = []
    for runtime, finding in view.cells.items():
        samples = finding.observation.samples if finding.observation else ()
        twin = next((name for name, other in earlier if same_evidence(other, samples)), None)
        if twin is None and samples:
            earlier.append((runtime, samples))
        yield Call(
            runtime=runtime,
            finding=finding,
            timing=_timing(samples),
            log="".join(dict.fromkeys(sample.log for sample in samples)).rstrip(),
            leftovers=tuple(dict.fromkeys(left for one in samples for left in one.leftovers)),
            failure=_failure(samples),
            samples="" if twin else _samples_text(samples),
            same_as=twin if any(sample.evidence for sample in samples) else None,
            command=repeat_command(finding.cell),
            rounds=stability(finding),
        )


def _samples_text(samples: Sequence[Sample]) -> str:
    trees = [sample.evidence for sample in samples if sample.evidence is not None]
    return "\n".join(pretty(tree) for tree in trees)


def _timing(samples: Sequence[Sample]) -> str:
    if not samples:
        return ""
    total = sum(sample.elapsed_us for sample in samples)
    inside = [sample.probe_us for sample in samples if sample.probe_us is not None]
    calls = f"{len(samples)} calls" if len(samples) > 1 else "1 call"
    own = f", {duration(sum(inside))} of it in the probe" if inside else ""
    return f"{calls}, {duration(total)}{own}"


def _failure(samples: Sequence[Sample]) -> str:
    failure = next((one.failure for one in samples if one.failure is not None), None)
    if failure is None:
        return ""
    kind = f"{failure.error_class}: " if failure.error_class else ""
    return "\n".join([f"{kind}{failure.reason}", *(f"  at {line}" for line in failure.stacktrace)])


def trend_plots(trend: ClaimTrend) -> tuple[series.Plot, ...]:
    """Return a plot a key figure that moved, its value by run, every release in it."""
    return tuple(
        series.Plot(
            path=path,
            x_key="run",
            y_key=path.rpartition(".")[2],
            curves=tuple(
                _over_time(labels([runtime]), points, path)
                for runtime, points in trend.points.items()
                if runtime in rows
            ),
            dates=True,
        )
        for path, rows in trend.figures().items()
        if any(len({value for _, value in values}) > 1 for values in rows.values())
    )[:_MOST_CHARTS]


def _over_time(label: str, points: Sequence[Point], path: str) -> series.Curve:
    """Return a figure by the time of its run: it breaks where a run has none."""
    at, breaks = [], []
    for point in points:
        if path in point.figures:
            at.append((seconds_of(point.started), point.figures[path], point.run))
        elif at:
            breaks.append(len(at))
    return series.Curve(
        label=label,
        points=tuple((x, y) for x, y, _ in at),
        breaks=frozenset(breaks) | series.long_gaps([x for x, _, _ in at]),
        runs=tuple(run for _, _, run in at),
    )


def host_of(build: Build) -> str:
    """Return the machine that a VM ran on, in words."""
    return (
        f"{build.system_architecture}, kernel {build.host_kernel},"
        f" {plural(build.host_cores, 'core')}"
    )


@lru_cache(maxsize=64)
def build_of(build: Build) -> str:
    """Return the VM's build in one line."""
    jit = "JIT" if build.jit else "no JIT"
    schedulers = plural(build.schedulers_online, "scheduler")
    return f"OTP {build.otp_version}, ERTS {build.erts_version}, {jit}, {schedulers}"


def hosts(view: RunView) -> tuple[str, ...]:
    """Return the machines that the run was made on, each once."""
    builds = (record.build for record in view.records.values())
    return tuple(dict.fromkeys(host_of(build) for build in builds if build is not None))


def headline(comparison: Comparison) -> Mapping[str, int]:
    """Return the counts of what changed, by the words of the front page."""
    worse = sum(change.direction == "worse" for change in comparison.verdicts)
    lost = sum(one.confirmed for one in comparison.lost)
    better = sum(change.direction == "better" for change in comparison.verdicts)
    return {
        "lost their proof": lost,
        "got worse": worse,
        "got better": better,
        "changed otherwise": len(comparison.verdicts) - worse - better,
        "moved within the verdict": len(comparison.moved),
        "new": len(comparison.added),
        "gone": len(comparison.gone),
    }
