"""The cache folder: locks, temporary folders, and how a finished folder takes its place.

Knows: files. Must not know: what is kept in them.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import shutil
import stat
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from harness.errors import BeamproofError, DamagedError, StorageError

LOCK_TIMEOUT_S = 900.0
"""How long one install waits for another of the same release."""

_POLL_S = 0.1
_TEMP_PREFIX = ".tmp-"
_DIGEST_BYTES = 32
_MODE = 0o644


@contextmanager
def locked(root: Path, name: str, *, waiting: Callable[[], None] | None = None) -> Iterator[None]:
    """Hold the lock `name` below `root`; the kernel frees it when its holder dies.

    Args:
        root: the folder of the locks; made if it is not there.
        name: what is locked.
        waiting: called once when another process holds the lock.

    Raises:
        StorageError: the folder cannot be written, or the other holder does not end in time.
    """
    with storage_errors(root):
        root.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(root / f"{name}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        _acquire(descriptor, root / f"{name}.lock", waiting)
        yield
    finally:
        os.close(descriptor)


@contextmanager
def temporary(root: Path, name: str) -> Iterator[Path]:
    """Make a temporary folder beside the finished ones and remove it at the end.

    It may only be made while the lock `name` is held: that is how `stale` knows a leftover.
    """
    with storage_errors(root):
        folder = Path(tempfile.mkdtemp(prefix=f"{_TEMP_PREFIX}{name}-", dir=root))
    try:
        yield folder
    finally:
        remove_tree(folder)


def stale(root: Path, name: str) -> tuple[Path, ...]:
    """Return the temporary folders of `name`; whoever holds its lock may remove them."""
    return tuple(sorted(root.glob(f"{_TEMP_PREFIX}{name}-*")))


def sweep_stale(root: Path) -> tuple[Path, ...]:
    """Remove the temporary folders whose makers are gone, and return them."""
    swept: list[Path] = []
    for folder in _temporaries(root):
        with _try_lock(root, _lock_name(folder)) as ours:
            if ours and folder.exists():
                remove_tree(folder)
                swept.append(folder)
    return tuple(swept)


def abandoned(root: Path) -> tuple[Path, ...]:
    """Return the temporary folders whose makers are gone, touching nothing."""
    found: list[Path] = []
    for folder in _temporaries(root):
        with _try_lock(root, _lock_name(folder)) as ours:
            if ours:
                found.append(folder)
    return tuple(found)


def remove_tree(folder: Path) -> None:
    """Remove a folder, also one whose own folders forbid it."""
    if folder.is_symlink() or not folder.exists():
        folder.unlink(missing_ok=True)
        return
    for parent, _, _ in os.walk(folder):
        Path(parent).chmod(0o700)
    shutil.rmtree(folder, ignore_errors=True)


def write_whole(path: Path, content: bytes) -> None:
    """Write a file of the cache whole or not at all.

    Raises:
        StorageError: the disk is full or the folder cannot be written.
    """
    with storage_errors(path.parent):
        replace_file(path, content)


def replace_file(path: Path, content: bytes, *, mode: int = _MODE) -> None:
    """Write a file so that a reader sees the old content or the new, never a part.

    Whatever has that name is replaced; for what a user may name see `rewrite_file`.

    Raises:
        OSError: it cannot be written; what stood there stands.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        Path(name).chmod(mode)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def rewrite_file(path: Path, content: bytes) -> None:
    """Write a file that somebody named, as `replace_file` does.

    The target of a link is replaced, and keeps who may do what with it. What is no file, such as a
    device or a pipe, is written to and stays.

    Raises:
        OSError: it cannot be written; a file that stood there stands.
    """
    if path.exists() and not path.is_file():  # asked of the link: /dev/stdout leads to no name
        with path.open("wb") as stream:
            stream.write(content)
        return
    target = path.resolve()
    mode = stat.S_IMODE(target.stat().st_mode) if target.exists() else None
    replace_file(target, content, mode=mode or _MODE)


def write_sealed(path: Path, content: bytes) -> None:
    """Write a file whole, with the digest by which `read_sealed` knows that it still is."""
    write_whole(path, hashlib.sha256(content).digest() + content)


def read_sealed(path: Path) -> bytes | None:
    """Return what `write_sealed` wrote; None where there is no such file.

    Raises:
        DamagedError: the file is there, and is not what was written.
    """
    try:
        sealed = path.read_bytes()
    except OSError:
        return None
    digest, content = sealed[:_DIGEST_BYTES], sealed[_DIGEST_BYTES:]
    if hashlib.sha256(content).digest() != digest:
        raise DamagedError(f"{path} is damaged")
    return content


def seal(folder: Path) -> str:
    """Return a digest of every file below a folder by name, size and time of its last change.

    It takes milliseconds where reading would take a second: what a crash, a full disk or a program
    does to a file changes it; what a failing disk does, does not (see `content_digest`).
    """
    digest = hashlib.sha256()
    for name, path in _below(folder):
        status = path.lstat()
        digest.update(f"{name}\0{status.st_size}\0{status.st_mtime_ns}\0".encode())
    return digest.hexdigest()


def content_digest(folder: Path) -> str:
    """Return a digest of every file below a folder by name and content, links by their target."""
    digest = hashlib.sha256()
    for name, path in _below(folder):
        content = os.fsencode(path.readlink()) if path.is_symlink() else path.read_bytes()
        digest.update(name.encode() + b"\0" + hashlib.sha256(content).digest())
    return digest.hexdigest()


def _below(folder: Path) -> Iterator[tuple[str, Path]]:
    """Yield every file below a folder with its name from there, in one order."""
    for parent, folders, names in os.walk(folder):
        links = [name for name in folders if Path(parent, name).is_symlink()]
        folders[:] = sorted(set(folders) - set(links))
        for name in sorted((*names, *links)):
            path = Path(parent, name)
            yield os.fsencode(path.relative_to(folder)).decode("latin-1"), path


@contextmanager
def storage_errors(folder: Path) -> Iterator[None]:
    """Turn what the file system refuses below `folder` into a message with a next step.

    Raises:
        StorageError: the disk is full or the folder cannot be written.
    """
    try:
        yield
    except BeamproofError:
        raise
    except OSError as error:
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            raise StorageError(
                f"the disk of {folder} is full",
                hint="make room (beamproof otp remove NN), or name another folder in"
                " BEAMPROOF_CACHE",
            ) from error
        raise StorageError(
            f"cannot write below {error.filename or folder}: {error.strerror}",
            hint="name a folder that you may write in BEAMPROOF_CACHE",
        ) from error


def _acquire(descriptor: int, path: Path, waiting: Callable[[], None] | None) -> None:
    deadline = time.monotonic() + LOCK_TIMEOUT_S
    told = False
    while not _flock(descriptor):
        if waiting is not None and not told:
            waiting()
            told = True
        if time.monotonic() > deadline:
            raise StorageError(
                f"another beamproof has held {path} for {LOCK_TIMEOUT_S:.0f} s",
                hint=f"see who does: fuser {path}",
            )
        time.sleep(_POLL_S)


def _flock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _temporaries(root: Path) -> tuple[Path, ...]:
    return tuple(sorted(root.glob(f"{_TEMP_PREFIX}*")))


def _lock_name(folder: Path) -> str:
    return folder.name.removeprefix(_TEMP_PREFIX).rpartition("-")[0]


@contextmanager
def _try_lock(root: Path, name: str) -> Iterator[bool]:
    descriptor = os.open(root / f"{name}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        yield _flock(descriptor)
    finally:
        os.close(descriptor)
