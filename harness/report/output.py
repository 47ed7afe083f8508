"""Write what was rendered: one file whole or not at all, a site without leftovers of an older one.

Knows: files. Must not know: what is in them.
"""

from __future__ import annotations

from collections.abc import Container, Iterable
from contextlib import suppress
from pathlib import Path

from harness.errors import InputError, StorageError
from harness.system.files import replace_file, rewrite_file

MANIFEST = ".beamproof-site"
"""The list of a site's files, kept beside them: the next site removes those it does not renew."""


def write_file(path: Path, content: bytes) -> None:
    """Write a file so that a reader never meets half of it; to a device or a pipe, as it comes.

    Raises:
        StorageError: the folder cannot be written, or the disk is full.
    """
    try:
        rewrite_file(path, content)
    except OSError as error:
        raise _cannot_write(path, error) from error


def write_site(folder: Path, files: Iterable[tuple[str, bytes]]) -> tuple[int, int]:
    """Write a site and remove the pages that an older one left in the same folder.

    Only files that an earlier call wrote are replaced or removed; anything else stays.

    Returns:
        How many files, and how many bytes.

    Raises:
        InputError: a file of the site would take the place of one that no earlier call wrote.
        StorageError: the folder cannot be written, or the disk is full.
    """
    size = 0
    written: set[str] = set()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        known = _manifest(folder)
        try:
            for name, content in files:
                _write(folder, name, content, known)
                written.add(name)
                size += len(content)
        except BaseException:  # or the next site would take this half for somebody else's files
            _list(folder, known | written)
            raise
        for name in known - written:
            _remove(folder, name)
        _list(folder, written)
    except OSError as error:
        raise _cannot_write(folder, error) from error
    return len(written), size


def _write(folder: Path, name: str, content: bytes, known: Container[str]) -> None:
    path = folder / name
    _refuse_foreign(path, name, known)
    path.parent.mkdir(parents=True, exist_ok=True)
    replace_file(path, content)


def _list(folder: Path, names: Iterable[str]) -> None:
    (folder / MANIFEST).write_text("".join(f"{name}\n" for name in sorted(names)))


def refuse_foreign(folder: Path, names: Iterable[str]) -> None:
    """Refuse a folder in which a file to be written stands that no earlier call wrote.

    `write_site` does so as it goes; called before, nothing at all is written.

    Raises:
        InputError: there is such a file.
    """
    known = _manifest(folder)
    for name in names:
        _refuse_foreign(folder / name, name, known)


def _refuse_foreign(path: Path, name: str, known: Container[str]) -> None:
    if name not in known and path.exists():
        raise InputError(
            f"{path} was not written by beamproof: it is not overwritten",
            hint="name another folder with --output, or remove the file",
        )


def _manifest(folder: Path) -> set[str]:
    try:
        return set((folder / MANIFEST).read_text().splitlines())
    except (FileNotFoundError, NotADirectoryError):
        return set()


def _remove(folder: Path, name: str) -> None:
    path = (folder / name).resolve()
    if not path.is_relative_to(folder.resolve()):  # a manifest that somebody else wrote
        return
    path.unlink(missing_ok=True)
    with suppress(OSError):  # other files are in it
        path.parent.rmdir()


def _cannot_write(path: Path, error: OSError) -> StorageError:
    return StorageError(
        f"cannot write {error.filename or path}: {error.strerror}",
        hint="name another place with --output",
    )
