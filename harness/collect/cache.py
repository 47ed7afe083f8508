"""A folder of what was compiled or built, which forgets what nobody has used for long.

Knows: files, when each was used last. Must not know: what is in them.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from harness.errors import StorageError
from harness.system import files

_DAY_S = 86_400.0
_UNUSED_S = 30 * _DAY_S
"""What was not used for so long is forgotten."""

_MOST_BYTES = 128 * 1024**2
"""Where there is more, what was used longest ago is forgotten as well."""

_IN_USE_S = _DAY_S
"""What was used so lately is never forgotten: this run or another one may need it."""

_NOTED_S = 3_600.0
"""That a file is used is noted once in so long."""


class Cache:
    """Keep files by key, each with a seal; safe to share among threads and processes.

    Args:
        folder: where they lie; None keeps nothing.
        ending: of their names.
    """

    def __init__(self, folder: Path | None, ending: str) -> None:
        self._folder = folder
        self._ending = ending
        self._is_pruned = False

    def keys(self, pattern: str) -> Iterator[str]:
        """Yield the keys that fit a pattern."""
        if self._folder is not None:
            yield from (path.stem for path in self._folder.glob(f"{pattern}{self._ending}"))

    def read(self, key: str) -> bytes | None:
        """Return what is kept, None of what is not.

        Raises:
            DamagedError: it is not what was written.
        """
        if self._folder is None:
            return None
        path = self._folder / f"{key}{self._ending}"
        content = files.read_sealed(path)
        if content is not None:
            _note_use(path)
        return content

    def write(self, key: str, content: bytes) -> None:
        """Keep something, and forget what has not been used for long."""
        if self._folder is None:
            return
        with suppress(StorageError):  # a cache that cannot be written only costs time
            files.write_sealed(self._folder / f"{key}{self._ending}", content)
            if not self._is_pruned:
                self._is_pruned = True
                prune(self._folder)


def _note_use(path: Path) -> None:
    with suppress(OSError):  # of another user, or gone
        if time.time() - path.stat().st_mtime > _NOTED_S:
            os.utime(path)


def prune(folder: Path, *, most_bytes: int = _MOST_BYTES) -> None:
    """Remove files that were not used for long, and of too many those used longest ago.

    What was used within a day stays, whatever there is.
    """
    now = time.time()
    found = sorted(_used(folder))
    size = sum(length for _, length, _ in found)
    for used, length, path in found:
        unused_s = now - used
        if unused_s <= _IN_USE_S or (unused_s <= _UNUSED_S and size <= most_bytes):
            return
        with suppress(OSError):
            path.unlink()
            size -= length


def _used(folder: Path) -> Iterator[tuple[float, int, Path]]:
    """Yield when each file was used last, its size and path."""
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            with suppress(OSError):  # another process was faster
                status = entry.stat(follow_symlinks=False)
                if entry.is_file(follow_symlinks=False):
                    yield status.st_mtime, status.st_size, Path(entry.path)
