"""The words of a run: header, observations, samples, footer, and the VM that ran.

Knows: the models of the run file. Must not know: how a run is written, made or judged.
"""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Any

import msgspec

FORMAT = 1
"""Version of the run file's format; a reader refuses a newer one."""


Evidence = dict[str, Any]
"""What a probe returned: plain JSON values by key."""


class _Model(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Share the options of every model of the run file."""


class Build(_Model, frozen=True, kw_only=True):
    """Identify the VM that ran, as it answered itself.

    `has_compiler` tells whether it could compile its own probes.

    Units: `wordsize_bytes` bytes, `host_cores` and schedulers are counts.
    """

    otp_release: int
    otp_version: str
    erts_version: str
    emu_flavor: str
    jit: bool
    wordsize_bytes: int
    schedulers: int
    schedulers_online: int
    dirty_cpu_schedulers: int
    dirty_io_schedulers: int
    system_architecture: str
    host_kernel: str
    host_cores: int
    has_compiler: bool = True


class RuntimeRecord(_Model, frozen=True, kw_only=True):
    """Say which release was used in which way.

    `origin` is the image reference, the folder of the install or the package name; `digest` the
    image's id or the package's version; `build` is absent when no node of it ever started.
    `compiled_by` names the runtime that compiled bridge and probes where this one has no
    compiler; `surroundings` are what its VMs were given beside their flags (environment, limits,
    quotas); `notes` are sentences about it that a reader of its verdicts should know.
    """

    name: str
    release: int
    way: str
    origin: str
    digest: str | None = None
    build: Build | None = None
    compiled_by: str | None = None
    surroundings: dict[str, str] = {}
    notes: tuple[str, ...] = ()


class LeftOutCell(_Model, frozen=True, kw_only=True):
    """Name a cell that was not run, and why."""

    cell: str
    reason: str


class Header(_Model, frozen=True, kw_only=True, tag="header", tag_field="kind"):
    """Open a run: what was asked for, with which sources, on which runtimes."""

    format: int = FORMAT
    run: str
    beamproof: str
    started: str
    command: tuple[str, ...]
    seed: int | None = None
    cells: tuple[str, ...]
    left_out: tuple[LeftOutCell, ...] = ()
    claims_sha256: dict[str, str]
    probes_sha256: dict[str, str]
    runtimes: tuple[RuntimeRecord, ...]


class FailureKind(StrEnum):
    """Say why a call has no evidence; every one makes its cell inconclusive."""

    SETUP = "setup"
    CRASHED = "crashed"
    TIMEOUT = "timeout"
    NODE_DIED = "node_died"
    BAD_EVIDENCE = "bad_evidence"
    NOT_COMPILED = "not_compiled"
    NOT_STARTED = "not_started"
    UNMET_NEED = "unmet_need"


class Failure(_Model, frozen=True, kw_only=True):
    """Describe a call without evidence: kind, what the VM raised, the stack."""

    kind: FailureKind
    reason: str
    error_class: str | None = None
    stacktrace: tuple[str, ...] = ()


class Sample(_Model, frozen=True, kw_only=True):
    """Hold one call of a probe: its evidence or its failure, never both.

    Units: `elapsed_us` is microseconds from sending the call to its answer, `probe_us` those that
    the VM spent in the probe. `leftovers` names what the probe left in the VM, one text each.
    """

    evidence: Evidence | None = None
    failure: Failure | None = None
    elapsed_us: int
    probe_us: int | None = None
    node: str
    log: str = ""
    leftovers: tuple[str, ...] = ()


class Observation(_Model, frozen=True, kw_only=True, tag="observation", tag_field="kind"):
    """Hold what one cell yielded: every sample with its envelope."""

    cell: str
    skill: str
    claim: str
    runtime: str
    probe: str
    probe_sha256: str
    args: dict[str, Any] = msgspec.field(default_factory=dict)
    flags: tuple[str, ...] = ()
    at: str
    build: Build | None = None
    samples: tuple[Sample, ...]


class Outcome(StrEnum):
    """Say how a run ended."""

    COMPLETE = "complete"
    INTERRUPTED = "interrupted"
    FAILED = "failed"


class Footer(_Model, frozen=True, kw_only=True, tag="footer", tag_field="kind"):
    """Close a run: a file without it is half a run."""

    ended: str
    outcome: Outcome
    observations: int
    reason: str | None = None


class Run(_Model, frozen=True, kw_only=True):
    """Hold one run as read from its file; `path` is where it lies."""

    path: Path
    header: Header
    observations: tuple[Observation, ...]
    footer: Footer | None = None

    @property
    def complete(self) -> bool:
        """Tell whether every planned cell was observed and the footer says so."""
        return self.footer is not None and self.footer.outcome is Outcome.COMPLETE


Line = Header | Observation | Footer
"""One line of a run file."""
