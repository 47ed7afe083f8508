"""What each page says, as plain values for the templates.

Knows: views, folding, charts. Must not know: markup (that is in the templates).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from harness.authoring.probe_then import ProbeThen
from harness.claims.model import Claim
from harness.judge.compare import Comparison
from harness.judge.finding import Finding, Verdict
from harness.judge.trend import ClaimTrend
from harness.judge.view import NEEDS_ATTENTION, WORST_FIRST, ClaimView, RunView, SkillView
from harness.report.evidence import KeyRanges, differing
from harness.report.html import series
from harness.report.html.bands import bands_of
from harness.report.html.calls import Call, call_text, calls
from harness.report.html.folding import (
    Folds,
    RivalFolds,
    Table,
    evidence_table,
    fold_checks,
    fold_rivals,
    group,
)
from harness.report.html.links import Links
from harness.report.html.over_time import History, history
from harness.report.html.strips import Strip, strips
from harness.report.phrases import plural
from harness.report.releases import MANY, label, labels, newest_of_each_release
from harness.run.model import Build, Note, Run

_MOST_CHARTS = 6
_MOST_STRIPS = 12

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
class Reason:
    """Hold a verdict with the releases that came to it, and why."""

    finding: Finding
    on: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimPage:
    """Hold everything that a claim's page shows."""

    view: ClaimView
    reasons: tuple[Reason, ...]
    ranges: tuple[KeyRanges, ...]
    strips: tuple[Strip, ...]
    predictions: tuple[Folds, ...]
    rivals: tuple[RivalFolds, ...]
    evidence: Table
    plots: tuple[series.Plot, ...]
    undrawn: int
    calls: tuple[Call, ...]
    folded: int
    probe: ProbeThen
    probe_link: str | None
    claim_link: str | None
    call_text: str
    history: History | None
    notes: tuple[str, ...]


def troubles(view: RunView) -> tuple[Trouble, ...]:
    """Return what is not confirmed, a claim at a time, the refuted first; not what is skipped."""
    found = (_trouble(one) for skill in view.skills for one in skill.claims)
    return tuple(
        sorted((one for one in found if one.parts), key=lambda one: WORST_FIRST.index(one.verdict))
    )


def _trouble(one: ClaimView) -> Trouble:
    parts = tuple(
        Part(verdict=finding.verdict, on=on, first=finding.cell, reason=finding.reason)
        for on, finding in group(one.cells.items(), lambda found: (found.verdict, found.reason))
        if finding.verdict in NEEDS_ATTENTION
    )
    return Trouble(
        claim=one.claim,
        verdict=one.worst,
        on=labels(
            (name for name, found in one.cells.items() if found.verdict in NEEDS_ATTENTION),
            one.cells,
        ),
        parts=tuple(sorted(parts, key=lambda part: WORST_FIRST.index(part.verdict))),
    )


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


def _reasons(view: ClaimView) -> tuple[Reason, ...]:
    """Return the verdicts with their releases, the worst first; of too many reasons the first."""
    found = group(view.cells.items(), lambda one: (one.verdict, one.reason))
    if len(found) <= MANY:
        made = [Reason(finding=one, on=on, text=one.reason) for on, one in found]
    else:
        alike = group(view.cells.items(), lambda one: one.verdict)
        made = [
            Reason(finding=one, on=on, text=f"{one.reason} ({_others(found, one)})")
            for on, one in alike
        ]
    return tuple(sorted(made, key=lambda one: WORST_FIRST.index(one.finding.verdict)))


def _others(found: Iterable[tuple[str, Finding]], first: Finding) -> str:
    count = sum(one.verdict is first.verdict for _, one in found) - 1
    return f"and {plural(count, 'other reason')}: see below, release by release"


def claim_page(
    view: ClaimView,
    *,
    probe: ProbeThen,
    trend: ClaimTrend | None,
    links: Links,
    noted: Iterable[Note] = (),
) -> ClaimPage:
    """Gather what a claim's page shows."""
    seen = {
        runtime: finding.observation
        for runtime, finding in view.cells.items()
        if finding.observation is not None
    }
    versions = {name: one.build.otp_version for name, one in seen.items() if one.build}
    predicted = bands_of(view.claim, versions)
    with_evidence = [
        name for name, one in seen.items() if one.samples and one.samples[0].evidence is not None
    ]
    drawn = newest_of_each_release(with_evidence)
    ranges = differing(view.cells)
    answers = tuple(calls(view.cells))
    first = {label(name): seen[name].samples[0].evidence or {} for name in drawn}
    return ClaimPage(
        view=view,
        reasons=_reasons(view),
        ranges=ranges,
        strips=strips(ranges[:_MOST_STRIPS], tuple(view.cells)),
        predictions=fold_checks({name: one.checks for name, one in view.cells.items()}),
        rivals=fold_rivals(view.cells),
        evidence=evidence_table({name: one.samples for name, one in seen.items()}),
        plots=series.plots(first, predicted)[:_MOST_CHARTS],
        undrawn=len(with_evidence) - len(drawn),
        calls=answers,
        folded=sum(len(call.runtimes) for call in answers if call.folded),
        probe=probe,
        probe_link=_probe_link(probe, links),
        claim_link=links.to(view.claim.path, view.claim.line),
        call_text=call_text(view.claim),
        history=history(trend, predicted) if trend else None,
        notes=tuple(
            _noted((one for one in noted if one.about == view.claim.module), tuple(view.cells))
        ),
    )


def notes(run: Run) -> tuple[str, ...]:
    """Return what a run notes beside its cells: of its VMs, then of modules and the like."""
    of_vms = [(note, record.name) for record in run.header.runtimes for note in record.notes]
    names = [record.name for record in run.header.runtimes]
    return (
        *(f"{on}: {note}" for on, note in _by_text(of_vms, names)),
        *_noted(run.notes, names),
    )


def _noted(found: Iterable[Note], names: Sequence[str]) -> Iterator[str]:
    """Yield notes with what they are about, and once for all releases that they are of."""
    texts = [(f"{note.about}: {note.text}", note.runtime or "") for note in found]
    for on, text in _by_text(texts, names):
        yield f"{on}: {text}" if on else text


def _by_text(found: Iterable[tuple[str, str]], names: Sequence[str]) -> Iterator[tuple[str, str]]:
    alike: dict[str, list[str]] = {}
    for text, runtime in found:
        alike.setdefault(text, []).append(runtime)
    for text, on in alike.items():
        yield labels(filter(None, on), names), text


def _probe_link(then: ProbeThen, links: Links) -> str | None:
    """Return where others read the probe; not of a source that is another one today."""
    if then.probe is None or then.path is None or then.changed:
        return None
    return links.to(then.path, then.probe.line)


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
