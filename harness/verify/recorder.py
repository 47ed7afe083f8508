"""What becomes of an observation: judged, stored, shown; and whether more is wanted.

Knows: claims and findings, the run file. Must not know: runtimes, nodes, how anything is shown.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace

import msgspec

from harness.claims.model import Claim
from harness.collect.probes import ProbeStore
from harness.collect.runner import Decision
from harness.judge import judge
from harness.judge.drift import volatile_paths
from harness.judge.finding import Finding, Verdict
from harness.run.cells import CellId
from harness.run.file import RunWriter
from harness.run.model import Observation, Source


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
        keeps_all: keep every observation and all of its findings in memory; else those alone that
            somebody will look at, and of the others the verdict, as the run file has them.
    """

    claims: Mapping[str, Claim]
    writer: RunWriter
    on_finding: Callable[[Finding], None]
    sources: SourceKeeper | None = None
    fail_fast: bool = False
    keeps_all: bool = False
    findings: dict[CellId, Finding] = field(default_factory=dict)
    observations: list[Observation] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def decide(self, observation: Observation) -> Decision:
        """Judge every cell that an observation serves; store and show it once it is final.

        Raises:
            StorageError: it cannot be stored.
        """
        return self._finish(observation, takes=True)

    def repeat(self, observation: Observation) -> Decision:
        """Store an observation of a campaign's round once it is final; nothing of it is kept here.

        Raises:
            StorageError: it cannot be stored.
        """
        return self._finish(observation, takes=False)

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

    @property
    def stopped(self) -> bool:
        """Tell whether what was found so far says to stop."""
        return self.fail_fast and any(one.verdict in _BAD for one in self.findings.values())

    def _finish(self, observation: Observation, *, takes: bool) -> Decision:
        found = self._judged(observation)
        if any(map(judge.wants_more, found)):
            return Decision(more=True)
        with self._lock:
            if self.sources is not None:
                self.sources.keep(observation)
            self.writer.append(observation)
            if takes:
                self._take(observation, found)
        bad = any(finding.verdict in _BAD for finding in found)
        return Decision(keep=bad, go_on=not (self.fail_fast and bad))

    def _judged(self, observation: Observation) -> list[Finding]:
        cells = map(CellId, (*observation.cells, *observation.boundary))
        return [judge.judge(self.claims[cell.name], observation) for cell in cells]

    def _take(self, observation: Observation, found: Iterable[Finding]) -> None:
        kept = self.keeps_all or any(map(_is_worth_a_look, found))
        if kept:
            self.observations.append(observation)
        elif observation.taken_from is not None:
            self.observations.append(msgspec.structs.replace(observation, samples=(), args={}))
        for finding in found:
            self.on_finding(finding)
            self.findings[finding.cell] = finding if kept else _verdict_of(finding)


_BAD = (Verdict.REFUTED, Verdict.INCONCLUSIVE)
"""What is worth a look: skipped is what a machine lacks, and what does not hold out of range."""


def _is_worth_a_look(finding: Finding) -> bool:
    """Tell whether more than its verdict will be shown of a finding."""
    samples = finding.observation.samples if finding.observation is not None else ()
    return finding.verdict in _BAD or any(
        sample.leftovers or any(volatile_paths(sample.evidence or {})) for sample in samples
    )


def _verdict_of(finding: Finding) -> Finding:
    """Return a finding without what stands in the run file; most reasons are the same few."""
    reason = sys.intern(finding.reason)
    return replace(finding, reason=reason, observation=None, checks=(), rivals=())
