"""Sabotaged probes on live VMs: each variant compiled alone, its claims judged on what it says.

Knows: variants, releases, lanes, the judge. Must not know: how variants are written or shown.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace

from harness.claims.model import Claim, Skill
from harness.claims.sabotage import Variant
from harness.collect.lane import Lane
from harness.collect.releases import Releases
from harness.collect.workshop import Workshop
from harness.errors import InfrastructureError
from harness.judge import judge
from harness.judge.finding import Finding
from harness.judge.sabotage import Fate, SabotageReport, Trial, fate, unmet_rivals
from harness.run import work as run_work
from harness.run.cells import Cell, CellId, Column, Need, ProbeCall
from harness.run.model import Observation
from harness.system.waiting import await_all
from harness.verify.plan import why_left_out


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Hold one call and the claims that are judged on what it gives."""

    call: ProbeCall
    claims: tuple[Claim, ...]

    @property
    def exclusive(self) -> bool:
        """Tell whether nothing else may run meanwhile."""
        return self.call.timing or Need.MEMORY in self.call.needs


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """Hold what one node does in turn: calls of one variant (None: as they are) on one release."""

    runtime: str
    variant: Variant | None
    groups: tuple[Group, ...]


Key = tuple[str, str | None, str]
"""Runtime, variant (None: the plain probe), claim."""


@dataclass(slots=True, kw_only=True)
class Saboteur:
    """Run variants of one skill's probes on all releases and judge their claims.

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
    _findings: dict[Key, Finding] = field(default_factory=dict)
    _without_node: dict[tuple[str, str | None], str] = field(default_factory=dict)
    _lanes: list[Lane] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _stop: threading.Event = field(default_factory=threading.Event)

    def run(self, variants: Sequence[Variant], claims: Sequence[Claim]) -> SabotageReport:
        """Try every variant on every release, with the plain probe beside it as control.

        Args:
            variants: what is tried.
            claims: the claims that are looked at; variants may name others, too.

        Raises:
            KeyboardInterrupt: all nodes have been ended.
        """
        columns = [column for column in self.releases.columns() if column.reason is None]
        plain = [work for column in columns for work in self._plain(column, variants, claims)]
        self._do(plain)
        changed = [work for column in columns for work in _changed(column, variants, claims)]
        self._do(changed)
        named = {name for variant in variants for name in variant.claims}
        return SabotageReport(
            skill=self.skill.name,
            trials=tuple(self._trials(self.releases.columns(), variants, claims)),
            bare=tuple(claim.id for claim in claims if claim.id not in named),
            unmet=tuple(self._unmet(claims)),
        )

    def _plain(
        self, column: Column, variants: Sequence[Variant], claims: Sequence[Claim]
    ) -> Iterator[Work]:
        """Deal the calls as they are to the nodes of a release."""
        named = {name for variant in _about(column, variants) for name in variant.claims}
        named_here = [claim for claim in _on(column, claims) if claim.id in named]
        groups = _groups(named_here, column.name)
        for start in range(min(self.jobs, len(groups))):
            own = groups[start :: self.jobs]
            yield Work(runtime=column.name, variant=None, groups=tuple(own))

    def _do(self, works: Sequence[Work]) -> None:
        """Do works side by side, those that must be alone one after the other at the end."""
        shared = [part for work in works if (part := _part(work, exclusive=False))]
        alone = [part for work in works if (part := _part(work, exclusive=True))]
        for batch, at_once in ((shared, self.jobs), (alone, 1)):
            with ThreadPoolExecutor(at_once, thread_name_prefix="sabotage") as pool:
                futures = [pool.submit(self._work, work) for work in batch]
                try:
                    await_all(futures)
                except BaseException:
                    self._end_everything()
                    raise

    def _work(self, work: Work) -> None:
        if self._stop.is_set():
            return
        try:
            with self._lane(work) as lane:
                for group in work.groups:
                    if self._stop.is_set():
                        return
                    self._observe(lane, work, group)
        except InfrastructureError as error:  # one node that does not start costs one variant
            with self._lock:
                self._without_node[(work.runtime, _id(work.variant))] = error.message

    def _lane(self, work: Work) -> Lane:
        workshop = self.workshop
        if work.variant is not None:
            changed = {name: text.encode() for name, text in work.variant.sources.items()}
            workshop = replace(workshop, probes=workshop.probes.with_changed(changed))
        with self._lock:
            ready = None if work.variant else self.releases.nodes.pop(work.runtime, None)
            lane = Lane(self.releases.runtimes[work.runtime], workshop, ready)
            self._lanes.append(lane)
        return lane

    def _observe(self, lane: Lane, work: Work, group: Group) -> None:
        first = group.claims[0]
        cell = CellId.of(first.skill, first.id, work.runtime)
        asked = run_work.Work(runtime=work.runtime, call=group.call, cells=(cell,))

        def wants_more(observation: Observation) -> bool:
            return not self._stop.is_set() and not all(
                judge.enough(claim, observation) for claim in group.claims
            )

        observation = lane.observe(asked, wants_more)
        for claim in group.claims:
            finding = judge.judge(claim, observation)
            with self._lock:
                self._findings[(work.runtime, _id(work.variant), claim.id)] = finding
            if work.variant is not None and not self._stop.is_set():
                self.on_trial(self._trial(work.variant, claim, work.runtime))

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
            return self._trial(variant, claim, column.name)
        return _trial_of(variant, claim, column.name, Fate.UNTRIED, reason)

    def _trial(self, variant: Variant, claim: Claim, runtime: str) -> Trial:
        plain = self._findings.get((runtime, None, claim.id))
        sabotaged = self._findings.get((runtime, variant.id, claim.id))
        if plain is not None and sabotaged is not None:
            return _trial_of(variant, claim, runtime, *fate(plain, sabotaged))
        of = None if plain is None else variant.id
        reason = self._without_node.get((runtime, of), "it was never reached")
        return _trial_of(variant, claim, runtime, Fate.UNPROVEN, reason)

    def _unmet(self, claims: Sequence[Claim]) -> Iterator[tuple[str, str]]:
        """Yield each rival, by its claim, that the evidence of no variant has fulfilled."""
        versions = {column.name: _version(column) for column in self.releases.columns()}
        for claim in claims:
            tried = [
                (versions[runtime], finding)
                for (runtime, variant, name), finding in self._findings.items()
                if variant is not None and name == claim.id
            ]
            yield from ((claim.id, statement) for statement in unmet_rivals(claim, tried))

    def _end_everything(self) -> None:
        self._stop.set()
        with self._lock:
            lanes = list(self._lanes)
        for lane in lanes:
            lane.kill()


def _id(variant: Variant | None) -> str | None:
    return None if variant is None else variant.id


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


def _changed(
    column: Column, variants: Sequence[Variant], claims: Sequence[Claim]
) -> Iterator[Work]:
    for variant in _about(column, variants):
        named = [claim for claim in _on(column, claims) if claim.id in variant.claims]
        groups = _groups(named, column.name)
        if groups:
            yield Work(runtime=column.name, variant=variant, groups=tuple(groups))


def _about(column: Column, variants: Iterable[Variant]) -> list[Variant]:
    return [variant for variant in variants if variant.applies_to(_version(column))]


def _on(column: Column, claims: Iterable[Claim]) -> list[Claim]:
    return [claim for claim in claims if why_left_out(claim, column) is None]


def _version(column: Column) -> str:
    return column.otp_version or str(column.release)


def _groups(claims: Sequence[Claim], runtime: str) -> list[Group]:
    """Put claims together that ask for the same call, as a run does."""
    asked = {CellId.of(claim.skill, claim.id, runtime): claim for claim in claims}
    works = run_work.shared(Cell(id=cell, call=claim.call()) for cell, claim in asked.items())
    return [
        Group(call=work.call, claims=tuple(asked[cell] for cell in work.cells)) for work in works
    ]


def _part(work: Work, *, exclusive: bool) -> Work | None:
    groups = tuple(group for group in work.groups if group.exclusive is exclusive)
    return replace(work, groups=groups) if groups else None
