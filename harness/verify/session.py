"""Where collecting and judging meet: what `beamproof verify` and the pytest plugin both do.

Knows: runtimes, nodes, claims and findings, and how a run becomes a file. Must not know: options
as they are typed, or how anything is shown.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from harness import __version__
from harness.claims.model import Claim, Skill
from harness.collect.probes import ProbeStore
from harness.collect.releases import Offered
from harness.collect.runner import Collector, Decision, Listener, Options, describe
from harness.collect.workshop import Workshop
from harness.judge import judge
from harness.judge.finding import Finding, Verdict
from harness.run.cells import CellId
from harness.run.file import RunWriter
from harness.run.model import (
    Footer,
    Header,
    LeftOutCell,
    Note,
    Observation,
    Outcome,
    Share,
    Source,
)
from harness.run.work import Work, shared
from harness.system.machine import machine_id
from harness.verify.plan import Matrix


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Hold what will run, before anything does."""

    skills: tuple[Skill, ...]
    matrix: Matrix
    releases: Offered
    workshop: Workshop
    seconds: Mapping[tuple[str, str], float] = field(default_factory=dict)
    """How long calls took in earlier runs."""
    share: Share | None = None
    """Which share of a larger whole it is."""


def header_for(plan: Plan, *, command: Sequence[str], options: Options) -> Header:
    """Return the header that opens the run file."""
    modules = sorted({cell.call.module for cell in plan.matrix.cells})
    return Header(
        run=plan.workshop.run,
        beamproof=__version__,
        started=_now(),
        command=tuple(command),
        seed=options.seed,
        isolated=options.isolate,
        share=plan.share,
        host=machine_id(),
        cells=tuple(str(cell.id) for cell in plan.matrix.cells if not cell.boundary),
        boundary=tuple(str(cell.id) for cell in plan.matrix.cells if cell.boundary),
        left_out=tuple(
            LeftOutCell(cell=str(out.cell), reason=out.reason) for out in plan.matrix.left_out
        ),
        claims_sha256={skill.name: skill.sha256 for skill in plan.skills},
        probes_sha256={module: plan.workshop.probes.source_sha256(module) for module in modules},
        runtimes=plan.releases.records(),
    )


@dataclass(slots=True, kw_only=True)
class SourceKeeper:
    """Write the sources of a probe into a run before its first observation, each once.

    Args:
        writer: the open run file.
        probes: where the sources are.
        written: those that the file holds already.
    """

    writer: RunWriter
    probes: ProbeStore
    written: list[Source] = field(default_factory=list)

    def keep(self, observation: Observation) -> None:
        """Write what an observation's probe is made of, unless it stands there.

        Raises:
            StorageError: it cannot be written.
        """
        if any(one.probe_sha256 == observation.probe_sha256 for one in self.written):
            return
        for one in self.probes.kept(observation.probe.partition(":")[0]):
            if one not in self.written:
                self.writer.append(one)
                self.written.append(one)


@dataclass(slots=True, kw_only=True)
class Recorder:
    """Store and judge every observation; steer the runner by its verdict.

    Args:
        claims: every claim by `skill/claim`.
        writer: the open run file.
        on_finding: what to show of a finding.
        sources: keeps those of the probes in the run file.
        fail_fast: stop at the first cell that is not confirmed.
    """

    claims: Mapping[str, Claim]
    writer: RunWriter
    on_finding: Callable[[Finding], None]
    sources: SourceKeeper | None = None
    fail_fast: bool = False
    findings: dict[CellId, Finding] = field(default_factory=dict)
    observations: list[Observation] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def decide(self, observation: Observation) -> Decision:
        """Judge every cell that an observation serves; store and show it once it is final.

        Raises:
            StorageError: it cannot be stored.
        """
        found = self._judged(observation)
        if any(map(judge.wants_more, found)):
            return Decision(more=True)
        with self._lock:
            if self.sources is not None:
                self.sources.keep(observation)
            self.writer.append(observation)
            self._take(observation, found)
        bad = any(finding.verdict in _BAD for finding in found)
        return Decision(keep=bad, go_on=not (self.fail_fast and bad))

    def take_over(self, observations: Iterable[Observation]) -> None:
        """Judge and store observations of other runs, but for those too short for their claims.

        Raises:
            StorageError: they cannot be stored.
        """
        judged = [(seen, self._judged(seen)) for seen in observations]
        final = [(seen, found) for seen, found in judged if not any(map(judge.wants_more, found))]
        with self._lock:
            for seen, _ in final:
                if self.sources is not None:
                    self.sources.keep(seen)
            self.writer.extend([seen for seen, _ in final])
            for seen, found in final:
                self._take(seen, found)

    def _judged(self, observation: Observation) -> list[Finding]:
        cells = map(CellId, (*observation.cells, *observation.boundary))
        return [judge.judge(self.claims[cell.name], observation) for cell in cells]

    def _take(self, observation: Observation, found: Iterable[Finding]) -> None:
        self.observations.append(observation)
        for finding in found:
            self.findings[finding.cell] = finding
            self.on_finding(finding)


_BAD = (Verdict.REFUTED, Verdict.INCONCLUSIVE)
"""What is worth a look: skipped is what a machine lacks, and what does not hold out of range."""


def observe(plan: Plan, recorder: Recorder, listener: Listener, options: Options) -> Footer:
    """Run the plan's calls and close the run file with a footer that says how it ended.

    Raises:
        KeyboardInterrupt: after nodes were ended and the footer was written.
        BeamproofError: the same, for a vanished runtime or a full disk.
    """
    collector = Collector(
        places=plan.releases.places(slots=options.jobs, isolate=options.isolate),
        steering=recorder,
        listener=listener,
        options=options,
        seconds=plan.seconds,
    )
    outcome, reason = Outcome.FAILED, None
    try:
        collector.run(_left_to_do(plan, recorder))
        for module, text in plan.workshop.probes.warnings.items():
            recorder.writer.append(Note(at=_now(), about=module, text=text))
        outcome = Outcome.COMPLETE
        if len(recorder.findings) < len(plan.matrix.cells):
            outcome, reason = Outcome.INTERRUPTED, "stopped by --fail-fast"
    except KeyboardInterrupt:
        outcome, reason = Outcome.INTERRUPTED, "interrupted"
        raise
    except BaseException as error:
        reason = describe(error)
        raise
    finally:
        footer = Footer(
            ended=_now(),
            outcome=outcome,
            observations=recorder.writer.observations,
            reason=reason,
        )
        recorder.writer.finish(footer)
    return footer


def _left_to_do(plan: Plan, recorder: Recorder) -> tuple[Work, ...]:
    """Return the works that nothing taken over stands for; none where that says to stop."""
    if recorder.fail_fast and any(one.verdict in _BAD for one in recorder.findings.values()):
        return ()
    return tuple(
        work
        for work in shared(plan.matrix.cells)
        if any(cell not in recorder.findings for cell in work.all_cells)
    )


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
