"""Where collecting and judging meet: what `beamproof verify` and the pytest plugin both do.

Knows: runtimes, nodes, claims and findings, and how a run becomes a file. Must not know: options
as they are typed, or how anything is shown.
"""

from __future__ import annotations

import hashlib
import secrets
import shutil
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

import msgspec

from harness import __version__, judge
from harness.bridge.compile import ProbeStore
from harness.claims import Claim, Skill
from harness.errors import BeamproofError, RuntimeMissingError
from harness.judge import Finding
from harness.lane import Workshop
from harness.matrix import Column, Matrix
from harness.native import NativeStore
from harness.node import Node
from harness.plan import Need
from harness.run import (
    Build,
    Footer,
    Header,
    LeftOutCell,
    Observation,
    Outcome,
    RuntimeRecord,
    RunWriter,
)
from harness.runner import Collector, Listener, Options, describe
from harness.runtimes import Resolved, Runtime, RuntimeOptions, Way, resolve


@dataclass(slots=True)
class Releases:
    """Hold the releases of one invocation: those that can be had, each with a node, and why not.

    Use as a context manager: nodes that nobody took are closed at the end.
    """

    resolved: tuple[Resolved, ...]
    nodes: dict[str, Node] = field(default_factory=dict)
    builds: dict[str, Build] = field(default_factory=dict)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the nodes that nobody took."""
        for node in self.nodes.values():
            node.close()
        self.nodes.clear()

    @property
    def runtimes(self) -> dict[str, Runtime]:
        """Return the runtimes that can be had, by name."""
        return {item.runtime.name: item.runtime for item in self.resolved if item.runtime}

    def columns(self) -> tuple[Column, ...]:
        """Return the columns of the matrix, missing releases included."""
        return tuple(self._column(item) for item in self.resolved)

    def _column(self, item: Resolved) -> Column:
        if item.runtime is None:
            return Column(name=f"otp{item.release}", release=item.release, reason=item.reason)
        build = self.builds[item.runtime.name]
        return Column(
            name=item.runtime.name,
            release=item.release,
            otp_version=build.otp_version,
            unmet=unmet_needs(item.runtime, build),
        )

    def records(self) -> tuple[RuntimeRecord, ...]:
        """Return what the header of the run says of every runtime."""
        return tuple(
            msgspec.structs.replace(runtime.record(), build=self.builds.get(name))
            for name, runtime in self.runtimes.items()
        )


_CORES_NEEDED = 2


def unmet_needs(runtime: Runtime, build: Build) -> Mapping[Need, str]:
    """Return the needs that this machine cannot meet for a runtime, each with the reason."""
    unmet: dict[Need, str] = {}
    if build.schedulers_online < _CORES_NEEDED:
        unmet[Need.CORES] = f"the claim needs 2 schedulers, the VM has {build.schedulers_online}"
    if shutil.which("cc") is None:
        unmet[Need.NIF] = "the claim needs a NIF and there is no C compiler (cc) on the PATH"
    if runtime.way is not Way.DOCKER:
        unmet[Need.DOCKER] = "the claim needs a container's limits: --runtime docker"
    return unmet


def open_releases(
    releases: Sequence[int],
    way: str,
    options: RuntimeOptions,
    workshop: Workshop,
    progress: Callable[[str], None],
) -> Releases:
    """Find every release and start one node of each, to learn what it really is.

    Raises:
        RuntimeMissingError: a VM was found but does not start.
    """
    opened = Releases(resolved=resolve(releases, way=way, options=options, progress=progress))
    runtimes = list(opened.runtimes.values())
    try:
        with ThreadPoolExecutor(max(1, len(runtimes))) as pool:
            starts = [pool.submit(_open_node, runtime, workshop) for runtime in runtimes]
            for runtime, start in zip(runtimes, starts, strict=True):
                node = start.result()
                opened.nodes[runtime.name] = node
                opened.builds[runtime.name] = node.build
    except BaseException:
        opened.close()
        raise
    return opened


def _open_node(runtime: Runtime, workshop: Workshop) -> Node:
    node = Node(runtime.launcher, name=workshop.node_name(runtime.name), probes=workshop.probes)
    try:
        node.open()
    except BeamproofError as error:
        raise RuntimeMissingError(
            f"{runtime.name} ({runtime.way}, {runtime.origin}) was found but does not start:"
            f" {error.message}",
            hint="beamproof doctor says what is missing",
        ) from error
    return node


def require(releases: Releases) -> None:
    """Refuse to go on without every release that was asked for.

    Raises:
        RuntimeMissingError: names each missing release with its reason.
    """
    missing = [f"OTP {item.release}: {item.reason}" for item in releases.resolved if item.reason]
    if missing:
        raise RuntimeMissingError(
            "a release that was asked for cannot be had:\n  " + "\n  ".join(missing),
            hint="without --strict its column is skipped",
        )


def workshop_for(run: str, probes_dir: Path, cache_dir: Path) -> Workshop:
    """Return what the lanes of one run share."""
    return Workshop(
        run=run,
        probes=ProbeStore(probes_dir, cache_dir / "probes"),
        native=NativeStore(sources=probes_dir / "c_src", cache=cache_dir / "native"),
    )


def new_run_id() -> str:
    """Return a name that sorts by time and that no other run has."""
    return f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{secrets.token_hex(2)}"


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
        claims_sha256={skill.name: _sha256(skill.path) for skill in plan.skills},
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
        return self._judge(observation).verdict is not judge.Verdict.CONFIRMED

    def accept(self, observation: Observation) -> bool:
        """Store, judge and show an observation; return whether to go on."""
        self.writer.append(observation)
        finding = self._judge(observation)
        self.findings.append(finding)
        self.on_finding(finding)
        return not (self.fail_fast and finding.verdict is not judge.Verdict.CONFIRMED)

    def _judge(self, observation: Observation) -> Finding:
        return judge.judge(self._claim(observation), observation)

    def _claim(self, observation: Observation) -> Claim:
        return self.claims[f"{observation.skill}/{observation.claim}"]


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


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
