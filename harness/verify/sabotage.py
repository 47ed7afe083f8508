"""Sabotaged probes on live VMs: each variant compiled alone, its claims judged on what it says.

Knows: variants, releases, the collector, the judge. Must not know: how variants are written or
shown, or how nodes are dealt out.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace

from harness.claims.model import Claim, Skill
from harness.claims.sabotage import Variant
from harness.collect.place import Here
from harness.collect.releases import Releases
from harness.collect.runner import Collector, Decision, Options
from harness.collect.workshop import Workshop
from harness.errors import InfrastructureError
from harness.judge import judge
from harness.judge.finding import Finding
from harness.judge.sabotage import Fate, SabotageReport, Trial, fate, unmet_rivals
from harness.run.cells import Cell, CellId, Column
from harness.run.model import Observation
from harness.run.work import Work, shared
from harness.runtimes import Runtime
from harness.verify.plan import why_left_out


@dataclass(slots=True, kw_only=True)
class Saboteur:
    """Run variants of one skill's probes on all releases and judge their claims.

    A variant on a release is to the collector what a release is: a runtime of its own name, whose
    nodes get the probes that were changed.

    Args:
        skill: whose claims.
        releases: the runtimes.
        workshop: what nodes share; each variant gets its own store of probes.
        jobs: how many nodes work at once.
        on_trial: what to show of each trial as it is judged.
    """

    skill: Skill
    releases: Releases
    workshop: Workshop
    jobs: int
    on_trial: Callable[[Trial], None]
    _findings: dict[CellId, Finding] = field(default_factory=dict)
    _without_node: dict[str, str] = field(default_factory=dict)
    _tried: dict[str, tuple[Column, Variant]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def run(self, variants: Sequence[Variant], claims: Sequence[Claim]) -> SabotageReport:
        """Try every variant on every release, with the plain probe beside it as control.

        Args:
            variants: what is tried.
            claims: the claims that are looked at; variants may name others, too.

        Raises:
            KeyboardInterrupt: all nodes have been ended.
        """
        columns = [column for column in self.releases.columns() if column.reason is None]
        named = {name for variant in variants for name in variant.claims}
        changed = (_changed(variant).items() for variant in variants)
        self.workshop.probes.expect(source for sources in changed for source in sources)
        self._observe(self._plain(columns, variants, claims))
        self._observe(self._sabotaged(columns, variants, claims))
        return SabotageReport(
            skill=self.skill.name,
            trials=tuple(self._trials(self.releases.columns(), variants, claims)),
            bare=tuple(claim.id for claim in claims if claim.id not in named),
            unmet=tuple(self._unmet(claims)),
        )

    def decide(self, observation: Observation) -> Decision:
        """Judge the claims of a call; tell of them once no more samples are wanted."""
        cells = [CellId(cell) for cell in observation.cells]
        found = {cell: judge.judge(self._claim(cell), observation) for cell in cells}
        if any(map(judge.wants_more, found.values())):
            return Decision(more=True)
        with self._lock:
            self._findings |= found
        for cell in cells:
            if cell.runtime in self._tried:
                column, variant = self._tried[cell.runtime]
                self.on_trial(self._trial(variant, self._claim(cell), column))
        return Decision()

    def work_started(self, work: Work) -> None:
        """Show nothing of what has only begun."""

    def _claim(self, cell: CellId) -> Claim:
        return next(claim for claim in self.skill.claims if claim.id == cell.claim)

    def _plain(
        self, columns: Sequence[Column], variants: Sequence[Variant], claims: Sequence[Claim]
    ) -> Iterator[Cell]:
        """Yield the cells whose claims some variant is about, as they are."""
        for column in columns:
            named = {name for variant in _about(column, variants) for name in variant.claims}
            yield from _cells(column.name, _on(column, claims), named)

    def _sabotaged(
        self, columns: Sequence[Column], variants: Sequence[Variant], claims: Sequence[Claim]
    ) -> Iterator[Cell]:
        for column in columns:
            for variant in _about(column, variants):
                runtime = self._runtime(column, variant)
                self._tried[runtime.name] = (column, variant)
                self.workshop.others.add(runtime, self.releases.builds[column.name])
                yield from _cells(runtime.name, _on(column, claims), set(variant.claims))

    def _observe(self, cells: Iterable[Cell]) -> None:
        """Have the collector do what cells ask for, variants on nodes of their own."""
        works = shared(cells)
        here = Here(
            runtimes={
                **self.releases.runtimes,
                **{name: self._runtime(*tried) for name, tried in self._tried.items()},
            },
            nodes=self.releases.nodes,
            workshop=self.workshop,
            workshops={name: self._changed_workshop(one) for name, (_, one) in self._tried.items()},
            slots=self.jobs,
        )
        collector = Collector(places=[here], steering=self, listener=self, options=Options())
        with suppress(InfrastructureError):  # one node that does not start costs one variant
            collector.run(works)
        self._without_node |= {name: error.message for name, error in collector.gone.items()}

    def _runtime(self, column: Column, variant: Variant) -> Runtime:
        runtime = self.releases.runtimes[column.name]
        return replace(runtime, label="-".join(filter(None, (runtime.label, variant.id))))

    def _changed_workshop(self, variant: Variant) -> Workshop:
        probes = self.workshop.probes.with_changed(_changed(variant))
        return replace(self.workshop, probes=probes)

    def _trials(
        self, columns: Sequence[Column], variants: Sequence[Variant], claims: Sequence[Claim]
    ) -> Iterator[Trial]:
        for variant in variants:
            for claim in claims:
                if claim.id in variant.claims:
                    yield from (self._told(variant, claim, column) for column in columns)

    def _told(self, variant: Variant, claim: Claim, column: Column) -> Trial:
        reason = why_left_out(claim, column)
        if reason is None and not variant.applies_to(_version(column)):
            reason = f"the variant is about OTP {variant.otp}"
        if reason is None:
            return self._trial(variant, claim, column)
        return _trial_of(variant, claim, column.name, Fate.UNTRIED, reason)

    def _trial(self, variant: Variant, claim: Claim, column: Column) -> Trial:
        changed = self._runtime(column, variant).name
        plain, sabotaged = (
            self._findings.get(CellId.of(claim.skill, claim.id, name))
            for name in (column.name, changed)
        )
        if plain is not None and sabotaged is not None:
            return _trial_of(variant, claim, column.name, *fate(plain, sabotaged))
        missing = column.name if plain is None else changed
        reason = self._without_node.get(missing, "it was never reached")
        return _trial_of(variant, claim, column.name, Fate.UNPROVEN, reason)

    def _unmet(self, claims: Sequence[Claim]) -> Iterator[tuple[str, str]]:
        """Yield each rival, by its claim, that the evidence of no variant has fulfilled."""
        for claim in claims:
            tried = [
                (_version(self._tried[cell.runtime][0]), finding)
                for cell, finding in self._findings.items()
                if cell.runtime in self._tried and cell.claim == claim.id
            ]
            yield from ((claim.id, statement) for statement in unmet_rivals(claim, tried))


def _changed(variant: Variant) -> dict[str, bytes]:
    return {name: text.encode() for name, text in variant.sources.items()}


def _trial_of(variant: Variant, claim: Claim, runtime: str, what: Fate, reason: str) -> Trial:
    return Trial(
        skill=claim.skill,
        variant=variant.id,
        clause=variant.clause,
        claim=claim.id,
        runtime=runtime,
        fate=what,
        reason=reason,
    )


def _about(column: Column, variants: Iterable[Variant]) -> list[Variant]:
    return [variant for variant in variants if variant.applies_to(_version(column))]


def _on(column: Column, claims: Iterable[Claim]) -> list[Claim]:
    return [claim for claim in claims if why_left_out(claim, column) is None]


def _version(column: Column) -> str:
    return column.otp_version or str(column.release)


def _cells(runtime: str, claims: Iterable[Claim], wanted: Container[str]) -> Iterator[Cell]:
    for claim in claims:
        if claim.id in wanted:
            yield Cell(id=CellId.of(claim.skill, claim.id, runtime), call=claim.call())
