"""Where collecting and judging meet: what `beamproof verify` and the pytest plugin both do.

Knows: runtimes, nodes, claims and findings, and how a run becomes a file. Must not know: options
as they are typed, or how anything is shown.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from harness import __version__
from harness.claims.model import Claim, Skill
from harness.collect.releases import Releases
from harness.collect.runner import Collector, Listener, Options, describe
from harness.collect.workshop import Workshop
from harness.judge import finding as finding_
from harness.judge import judge
from harness.judge.finding import Finding
from harness.run.cells import CellId
from harness.run.file import RunWriter
from harness.run.model import Footer, Header, LeftOutCell, Note, Observation, Outcome
from harness.verify.plan import Matrix


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Hold what will run, before anything does."""

    skills: tuple[Skill, ...]
    matrix: Matrix
    releases: Releases
    workshop: Workshop


def header_for(plan: Plan, *, command: Sequence[str], seed: int | None) -> Header:
    """Return the header that opens the run file."""
    modules = sorted({cell.call.module for cell in plan.matrix.cells})
    return Header(
        run=plan.workshop.run,
        beamproof=__version__,
        started=_now(),
        command=tuple(command),
        seed=seed,
        cells=tuple(cell.id for cell in plan.matrix.cells),
        left_out=tuple(
            LeftOutCell(cell=out.cell, reason=out.reason) for out in plan.matrix.left_out
        ),
        claims_sha256={skill.name: skill.sha256 for skill in plan.skills},
        probes_sha256={module: plan.workshop.probes.source_sha256(module) for module in modules},
        runtimes=plan.releases.records(),
    )


@dataclass(slots=True, kw_only=True)
class Recorder:
    """Store and judge every observation; steer the runner by its verdict.

    Args:
        claims: every claim by `skill/claim`.
        writer: the open run file.
        on_finding: what to show of a finding.
        fail_fast: stop at the first cell that is not confirmed.
    """

    claims: Mapping[str, Claim]
    writer: RunWriter
    on_finding: Callable[[Finding], None]
    fail_fast: bool = False
    findings: list[Finding] = field(default_factory=list)

    def enough(self, observation: Observation) -> bool:
        """Tell whether no further sample would decide more."""
        return judge.enough(self._claim(observation), observation)

    def failed(self, observation: Observation) -> bool:
        """Tell whether the cell is not confirmed."""
        return self._judge(observation).verdict is not finding_.Verdict.CONFIRMED

    def accept(self, observation: Observation) -> bool:
        """Store, judge and show an observation; return whether to go on."""
        self.writer.append(observation)
        finding = self._judge(observation)
        self.findings.append(finding)
        self.on_finding(finding)
        return not (self.fail_fast and finding.verdict is not finding_.Verdict.CONFIRMED)

    def _judge(self, observation: Observation) -> Finding:
        return judge.judge(self._claim(observation), observation)

    def _claim(self, observation: Observation) -> Claim:
        return self.claims[CellId(observation.cells[0]).name]


def collect(plan: Plan, recorder: Recorder, listener: Listener, options: Options) -> None:
    """Run the plan's cells and close the run file with a footer that says how it ended.

    Raises:
        KeyboardInterrupt: after nodes were ended and the footer was written.
        BeamproofError: the same, for a vanished runtime or a full disk.
    """
    collector = Collector(
        runtimes=plan.releases.runtimes,
        nodes=plan.releases.nodes,
        workshop=plan.workshop,
        steering=recorder,
        listener=listener,
        options=options,
    )
    outcome, reason = Outcome.FAILED, None
    try:
        collector.collect(plan.matrix.cells)
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
            ended=_now(), outcome=outcome, observations=len(recorder.findings), reason=reason
        )
        recorder.writer.finish(footer)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
