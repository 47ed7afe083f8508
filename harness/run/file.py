"""The run file: a header, one line an observation as it is made, a footer.

Knows: files of lines, who writes one, what became of it. Must not know: how a line is spelt, how
evidence is made or judged.
"""

from __future__ import annotations

import errno
import fcntl
import os
import stat
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from io import FileIO
from pathlib import Path
from typing import Self

import msgspec

from harness.errors import InputError, RunFileError, StorageError
from harness.run import lines
from harness.run.model import Damage, Footer, Header, Line, Note, Observation, Outcome, Run, Source
from harness.run.standing import distinct, standing

_NO_LOCKS_HERE = (errno.ENOLCK, errno.ENOTSUP, errno.ENOSYS)
"""File systems without locks: two writers are not noticed there."""


_SYNC_S = 0.25
"""How often the disk is waited for, which takes as long as several calls."""


class RunWriter:
    """Append a run to its file, one whole line at a time; use as a context manager.

    Nobody else can write to the file meanwhile. The header stands at the end once more: without one
    no other line means anything.

    Args:
        path: the run file.
        header: that of a run that goes on; a new run's is learnt when it is written.
    """

    def __init__(self, path: Path, header: Header | None = None) -> None:
        self.path = path
        self._header = header
        self.observations = 0
        self._synced = 0.0
        self._file: FileIO | None = None
        self._is_new = False

    def __enter__(self) -> Self:
        """Open the file, or make it.

        Raises:
            InputError: another process writes to it.
            StorageError: it cannot be written.
        """
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._is_new = not self.path.exists()
            self._file = self.path.open("a+b", buffering=0)
            _take(self._file, self.path)
            self.observations = _mend_end(self._file)
        except OSError as error:
            self._close()
            raise StorageError(
                f"cannot write the run file {self.path}: {error.strerror}",
                hint="name another folder with --runs DIR",
            ) from error
        except BaseException:
            self._close()
            raise
        return self

    def __exit__(self, *_exception: object) -> None:
        """Close the file; one in which nothing was written is no run, and is not left."""
        with suppress(OSError):
            if self._file is not None and _is_at(self._file, self.path):
                status = os.fstat(self._file.fileno())
                if self._is_new and stat.S_ISREG(status.st_mode) and status.st_size == 0:
                    self.path.unlink()
        self._close()

    def append(self, line: Line) -> None:
        """Write one line; the errors are those of `extend`."""
        self.extend((line,))

    def extend(self, several: Sequence[Line]) -> None:
        """Write lines, all at once.

        They outlive this process from then on. The disk is waited for now and then only: a
        machine that loses its power may lose the last of them, which `--resume` makes again.

        Raises:
            StorageError: the disk is full or gone; what was written before is kept.
            RunFileError: a line holds what could not be read back; nothing is written.
        """
        if self._file is None:
            raise StorageError(f"the run file {self.path} is not open")
        try:
            rest = b"".join(map(lines.encode, several))
            while rest:
                rest = rest[self._file.write(rest) :]
            self._sync(_SYNC_S)
        except OSError as error:
            raise StorageError(
                f"cannot write to {self.path}: {error.strerror};"
                f" {self.observations} observations before it are kept",
                hint=f"make room, then: beamproof verify --resume {self.path}",
            ) from error
        for line in several:
            self.observations += isinstance(line, Observation)
            if isinstance(line, Header):
                self._header = line

    def finish(self, footer: Footer) -> None:
        """Write the footer; where even that fails, the run simply stays incomplete.

        A file that somebody removed meanwhile is written again.

        Raises:
            StorageError: the run was complete, and the file does not say so.
        """
        try:
            if self._header is not None:
                self.append(self._header)
            self._synced = 0.0  # what is finished is on the disk
            self.append(footer)
            self._write_again_if_gone()
        except StorageError:
            if footer.outcome is Outcome.COMPLETE:
                raise

    def _sync(self, after_s: float) -> None:
        """Wait for the disk, unless that was done less than so many seconds ago."""
        now = time.monotonic()
        if self._file is not None and now - self._synced >= after_s:
            os.fsync(self._file.fileno())
            self._synced = now

    def _write_again_if_gone(self) -> None:
        if self._file is None or _is_at(self._file, self.path):
            return
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            size = os.fstat(self._file.fileno()).st_size
            self.path.write_bytes(os.pread(self._file.fileno(), size, 0))
        except OSError as error:
            raise StorageError(
                f"the run file {self.path} was removed meanwhile and cannot be written again:"
                f" {error.strerror}"
            ) from error

    def _close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None


def refuse_if_written(path: Path) -> None:
    """Refuse a run that another process still writes to.

    Raises:
        InputError: it does.
    """
    if path.is_file():
        with path.open("rb", buffering=0) as file:
            _take(file, path)


def _take(file: FileIO, path: Path) -> None:
    """Hold the file's lock until it is closed; the kernel frees it when its holder dies."""
    try:
        fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise InputError(
            f"{path} is being written by another beamproof",
            hint="wait for it to end, or end it with Ctrl-C; then: --resume again",
        ) from error
    except OSError as error:
        if error.errno not in _NO_LOCKS_HERE:
            raise


def _is_at(file: FileIO, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except OSError:
        return False


def _mend_end(file: FileIO) -> int:
    """Cut off what a crash left of a line, so that the next one starts on its own.

    A last line that lacks only its line end gets it.

    Returns:
        How many observations the file holds.
    """
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        return 0
    file.seek(0)
    content = file.readall()
    whole, _, rest = content.rpartition(b"\n")
    if rest:
        try:
            lines.decode(rest, sums=True)
            file.write(b"\n")
            whole = content
        except RunFileError:
            file.truncate(len(whole) + (len(whole) > 0))
    return sum(b'{"kind":"observation"' in text for text in whole.split(b"\n"))


def read_run(path: Path) -> Run:
    """Read a run file, also one whose last line was cut short by a crash.

    Returns:
        The run; `footer` is None when it was never closed, and of two observations of one cell
        (a resumed run) the later stands. Lines that are not as they were written are named in
        `damaged`.

    Raises:
        RunFileError: the file is missing, of a newer format, or not a run file.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise RunFileError(f"cannot read the run file {path}: {error.strerror}") from error
    damaged: list[Damage] = []
    numbered = tuple(_parse(content, damaged))
    if damaged and not any(isinstance(line, Header) for _, line in numbered):
        raise RunFileError(f"{path}:{damaged[0].line}: {damaged[0].reason}")
    run = assemble(path, (line for _, line in numbered), damaged)
    return msgspec.structs.replace(run, damaged=(*damaged, *_gone(run, numbered)))


def assemble(path: Path, read: Iterable[Line], damaged: Iterable[Damage] = ()) -> Run:
    """Build a run from its lines in file order."""
    header: Header | None = None
    footer: Footer | None = None
    notes: list[Note] = []
    sources: list[Source] = []
    observations: list[Observation] = []
    for line in read:
        match line:
            case Header():
                header = header or line
            case Observation():
                observations.append(line)
                footer = None
            case Note():
                notes.append(line)
            case Source():
                sources.append(line)
            case Footer():
                footer = line
    if header is None:
        raise RunFileError(f"{path} has no header: it is not a run file")
    return Run(
        path=path,
        header=header,
        observations=standing(one for one in observations if one.round is None),
        repeats=tuple(one for one in observations if one.round is not None),
        notes=tuple(notes),
        sources=distinct(sources),
        footer=footer,
        damaged=tuple(damaged),
    )


def _parse(content: bytes, damaged: list[Damage]) -> Iterable[tuple[int, Line]]:
    """Yield the lines that can be read, with their numbers; note those that cannot."""
    texts = content.split(b"\n")
    header: Header | None = None
    for number, text in enumerate(texts, start=1):
        if not text.strip():
            continue
        try:
            line = lines.decode(text, sums=header is not None and header.format > 1)
        except RunFileError as error:
            if number < len(texts):  # else a write that a crash cut short: that is no damage
                damaged.append(Damage(line=number, reason=error.message))
            continue
        if isinstance(line, Header):
            header = line
        yield number, line


def _gone(run: Run, numbered: Sequence[tuple[int, Line]]) -> Iterable[Damage]:
    """Tell of observations that the last footer counts and the file does not hold any more."""
    if run.footer is None or run.header.format == 1:  # format 1 counted those of one sitting
        return
    held = sum(isinstance(line, Observation) for _, line in numbered)
    if held + len(run.damaged) < run.footer.observations:
        reason = f"it counts {run.footer.observations} observations, the file holds {held}"
        yield Damage(line=numbered[-1][0], reason=reason)
