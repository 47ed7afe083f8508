"""The words of a run: header, observations, samples, footer, and the VM that ran.

Knows: the models of the run file. Must not know: how a run is written, made or judged.
"""

from __future__ import annotations

import base64
import zlib
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import Any

import msgspec

from harness.run.cells import CellId

FORMAT = 4
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


class Share(_Model, frozen=True, kw_only=True):
    """Say which share of the calls a run took: the `number`-th, counted from 1, `of` so many.

    `balanced_by` is a hash of the durations by which the calls were dealt out; None is by count.
    `claims` are all that were asked for, `skill/claim`, and `runtimes` all on which, those of other
    shares included.
    """

    number: int
    of: int
    balanced_by: str | None = None
    claims: tuple[str, ...] = ()
    runtimes: tuple[str, ...] = ()


class Header(_Model, frozen=True, kw_only=True, tag="header", tag_field="kind"):
    """Open a run: what was asked for, with which sources, on which runtimes.

    `boundary` are cells outside the range of their claim, run to see that it does not hold there;
    they are not among `cells`. `isolated` tells that every call had a node of its own; `share` that
    the run is one of several that make a whole; `host` is a hash of the machine that ran it.
    """

    format: int = FORMAT
    run: str
    beamproof: str
    started: str
    command: tuple[str, ...]
    seed: int | None = None
    cells: tuple[str, ...]
    boundary: tuple[str, ...] = ()
    left_out: tuple[LeftOutCell, ...] = ()
    isolated: bool = False
    share: Share | None = None
    host: str | None = None
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
    """Hold what one call of a probe on one runtime yielded: every sample with its envelope.

    `call` is the name of the call, `cells` those that it serves, `boundary` further ones that lie
    outside the range of their claim. `node` is `shared` or `fresh`, `timeout_s` seconds a call;
    `held` are the limits that the claim asked for and the node had: `cpus` in CPU seconds a second,
    `cpuset` in CPUs, `memory_mib` in MiB. `taken_from` is the run that made it, where that is
    another one; `worker` the address of that of a cluster which did. `round` counts the repetitions
    of a campaign from 1; None is the run itself.
    """

    call: str
    cells: tuple[str, ...]
    boundary: tuple[str, ...] = ()
    runtime: str
    probe: str
    probe_sha256: str
    args: dict[str, Any] = msgspec.field(default_factory=dict)
    flags: tuple[str, ...] = ()
    held: dict[str, float] = msgspec.field(default_factory=dict)
    needs: tuple[str, ...] = ()
    node: str = "shared"
    timeout_s: float | None = None
    at: str
    build: Build | None = None
    taken_from: str | None = None
    worker: str | None = None
    round: int | None = None
    samples: tuple[Sample, ...]

    @property
    def failed(self) -> bool:
        """Tell whether a sample has no evidence."""
        return any(sample.failure is not None for sample in self.samples)


class Note(_Model, frozen=True, kw_only=True, tag="note", tag_field="kind"):
    """Tell what a reader should know and no cell says, e.g. a warning of a compiler.

    `about` is what it is about (a module), `runtime` where; None is everywhere.
    """

    at: str
    about: str
    text: str
    runtime: str | None = None


class Source(_Model, frozen=True, kw_only=True, tag="source", tag_field="kind"):
    """Keep one source file of the probes as it was when the run was made.

    `text` is the file, packed by `pack`; `sha256` that of the file itself. `probe_sha256`, of a
    module of probes only, is what its observations name; `uses` are the hashes of the other files
    that it uses, by name.
    """

    name: str
    sha256: str
    text: str
    probe_sha256: str | None = None
    uses: dict[str, str] = {}

    @classmethod
    def pack(cls, content: bytes) -> str:
        """Return a file's content as text: zlib in base64."""
        return base64.b64encode(zlib.compress(content, 9)).decode()

    def unpack(self) -> bytes:
        """Return the file's content.

        Raises:
            ValueError: the text is not what `pack` made.
        """
        try:
            return zlib.decompress(base64.b64decode(self.text))
        except zlib.error as error:
            raise ValueError(f"{self.name}: {error}") from error


class Outcome(StrEnum):
    """Say how a run ended."""

    COMPLETE = "complete"
    INTERRUPTED = "interrupted"
    FAILED = "failed"


class Footer(_Model, frozen=True, kw_only=True, tag="footer", tag_field="kind"):
    """Close a run: a file without it is half a run.

    `observations` is how many the file holds, those before a resume included.
    """

    ended: str
    outcome: Outcome
    observations: int
    reason: str | None = None


class Damage(_Model, frozen=True, kw_only=True):
    """Name a line of a run file that is not as it was written; the reader went on without it."""

    line: int
    reason: str


class Run(_Model, frozen=True, kw_only=True, dict=True):
    """Hold one run as read from its file; `path` is where it lies.

    An observation names only the cells for which no later one stands. `repeats` are those of the
    rounds of a campaign, in the order in which they were made.
    """

    path: Path
    header: Header
    observations: tuple[Observation, ...]
    notes: tuple[Note, ...] = ()
    sources: tuple[Source, ...] = ()
    footer: Footer | None = None
    damaged: tuple[Damage, ...] = ()
    repeats: tuple[Observation, ...] = ()

    @cached_property
    def by_cell(self) -> dict[CellId, Observation]:
        """Return the observation of each cell, in the order in which they were made."""
        return {CellId(cell): seen for seen in self.observations for cell in seen.cells}

    @cached_property
    def by_boundary_cell(self) -> dict[CellId, Observation]:
        """Return the observation of each cell outside the range of its claim."""
        return {CellId(cell): seen for seen in self.observations for cell in seen.boundary}

    @cached_property
    def rounds(self) -> dict[CellId, list[Observation]]:
        """Return the observations of each cell that the rounds of a campaign made."""
        found: dict[CellId, list[Observation]] = {}
        for seen in self.repeats:
            for cell in (*seen.cells, *seen.boundary):
                found.setdefault(CellId(cell), []).append(seen)
        return found

    def source_of(self, seen: Observation) -> Source | None:
        """Return the source of the probe that gave an observation; old formats keep none."""
        name = f"{seen.probe.partition(':')[0]}.erl"
        return self._sources.get((name, seen.probe_sha256))

    @cached_property
    def _sources(self) -> dict[tuple[str, str], Source]:
        return {(one.name, one.probe_sha256): one for one in self.sources if one.probe_sha256}

    @property
    def missing(self) -> tuple[CellId, ...]:
        """Return the planned cells, boundary cells last, that nobody observed."""
        return tuple(
            CellId(cell)
            for planned, seen in (
                (self.header.cells, self.by_cell),
                (self.header.boundary, self.by_boundary_cell),
            )
            for cell in planned
            if cell not in seen
        )

    @property
    def complete(self) -> bool:
        """Tell whether the footer says that all was observed, and nothing of it is lost."""
        closed = self.footer is not None and self.footer.outcome is Outcome.COMPLETE
        return closed and not (self.damaged and self.missing)


Line = Header | Observation | Note | Source | Footer
"""One line of a run file."""
