"""The run file: a header, one line an observation as it is made, a footer.

Knows: the JSON Lines format and its models. Must not know: how evidence is made or judged.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from io import FileIO
from pathlib import Path
from typing import Self

import msgspec

from harness.errors import RunFileError, StorageError
from harness.run.model import FORMAT, Footer, Header, Line, Observation, Outcome, Run

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
