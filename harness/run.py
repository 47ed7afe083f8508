"""The run file: a header, one line an observation as it is made, a footer.

Knows: the JSON Lines format and its models. Must not know: how evidence is made or judged.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from enum import StrEnum
from io import FileIO
from pathlib import Path
from typing import Any, Self

import msgspec

from harness.errors import RunFileError, StorageError

FORMAT = 1
"""Version of the run file's format; a reader refuses a newer one."""

Evidence = dict[str, Any]
"""What a probe returned: plain JSON values by key."""


class _Model(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Share the options of every model of the run file."""


class Build(_Model, frozen=True, kw_only=True):
    """Identify the VM that ran, as it answered itself.

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


class RuntimeRecord(_Model, frozen=True, kw_only=True):
    """Say which release was used in which way.

    `origin` is the image reference, the folder of the install or the package name; `digest` the
    image's id or the package's version; `build` is absent when no node of it ever started.
    """

    name: str
    release: int
    way: str
    origin: str
    digest: str | None = None
    build: Build | None = None


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

_decoder = msgspec.json.Decoder(Line)
_encoder = msgspec.json.Encoder()


class RunWriter:
    """Append a run to its file, one flushed line at a time; use as a context manager."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: FileIO | None = None
        self._observations = 0

    def __enter__(self) -> Self:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            _drop_cut_line(self.path)
            self._file = self.path.open("ab", buffering=0)
        except OSError as error:
            raise StorageError(
                f"cannot write the run file {self.path}: {error.strerror}",
                hint="name another folder with --runs DIR",
            ) from error
        return self

    def __exit__(self, *_exception: object) -> None:
        if self._file is not None:
            self._file.close()

    def append(self, line: Line) -> None:
        """Write one line through to the disk.

        Raises:
            StorageError: the disk is full or gone; what was written before is kept.
        """
        if self._file is None:
            raise StorageError(f"the run file {self.path} is not open")
        try:
            rest = _encoder.encode(line) + b"\n"
            while rest:
                rest = rest[self._file.write(rest) :]
            os.fsync(self._file.fileno())
        except OSError as error:
            raise StorageError(
                f"cannot write to {self.path}: {error.strerror};"
                f" {self._observations} observations before it are kept",
                hint=f"make room, then: beamproof verify --resume {self.path}",
            ) from error
        self._observations += isinstance(line, Observation)

    def finish(self, footer: Footer) -> None:
        """Write the footer; where even that fails, the run simply stays incomplete.

        Raises:
            StorageError: the run was complete, and the file does not say so.
        """
        try:
            self.append(footer)
        except StorageError:
            if footer.outcome is Outcome.COMPLETE:
                raise


def _drop_cut_line(path: Path) -> None:
    """Cut off what a crash left of a line, so that the next line starts on its own."""
    if path.is_file() and path.stat().st_size:
        content = path.read_bytes()
        if not content.endswith(b"\n"):
            os.truncate(path, content.rfind(b"\n") + 1)


def read_run(path: Path) -> Run:
    """Read a run file, also one whose last line was cut short by a crash.

    Returns:
        The run; `footer` is None when it was never closed, and of two observations of one cell
        (a resumed run) the later stands.

    Raises:
        RunFileError: the file is missing, of a newer format, or not a run file.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise RunFileError(f"cannot read the run file {path}: {error.strerror}") from error
    return assemble(path, _parse(path, content))


def assemble(path: Path, lines: Iterable[Line]) -> Run:
    """Build a run from its lines in file order."""
    header: Header | None = None
    footer: Footer | None = None
    observations: dict[str, Observation] = {}
    for line in lines:
        if isinstance(line, Header):
            header = header or line
        elif isinstance(line, Observation):
            observations[line.cell] = line
            footer = None
        else:
            footer = line
    if header is None:
        raise RunFileError(f"{path} has no header: it is not a run file")
    return Run(path=path, header=header, observations=tuple(observations.values()), footer=footer)


def _parse(path: Path, content: bytes) -> Iterable[Line]:
    lines = content.split(b"\n")
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            yield _decoder.decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            if number == len(lines):  # no newline after it: the write that a crash cut short
                return
            raise _unreadable(path, number, line, error) from error


def _unreadable(path: Path, number: int, line: bytes, error: Exception) -> RunFileError:
    try:
        found = msgspec.json.decode(line).get("format")
    except (msgspec.DecodeError, UnicodeDecodeError, AttributeError):
        found = None
    if isinstance(found, int) and found > FORMAT:
        return RunFileError(
            f"{path} is of run format {found}; this beamproof reads up to {FORMAT}",
            hint="update beamproof",
        )
    return RunFileError(f"{path}:{number}: not a line of a run file: {error}")
