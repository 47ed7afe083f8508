"""The debian way: a release's packages, fetched into the user's cache and made to run from there.

Knows: the life of a package tree - fetched, unpacked, patched, started once, put in its place.
Must not know: apt (`packages`) or ELF (`tree`).

A tree is whole when its manifest is there: it is written last. What an interrupted install leaves
lies in a temporary folder that the next install or `beamproof sweep` removes.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import msgspec

from harness.errors import InputError, RuntimeMissingError, StorageError
from harness.runtimes import table, vm
from harness.runtimes.debian import apt, mirror, unpack
from harness.system import files

KEEP_FREE_BYTES = 600 * 1024 * 1024
"""Room that an install wants: index, packages and the tree, with as much again to spare."""

_MANIFEST = "manifest.json"
_FORBIDDEN = frozenset('":;$`\\\n\t{}*?[]')


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """Say what an installed tree is made of.

    `place` is the folder it was made to run from; `packages` are file names in `debs/`; `seal` and
    `content` are what its files were when it had started once, see `files`; trees from before
    that was noted have none.
    """

    release: int
    suite: str
    version: str
    otp_version: str
    place: str
    packages: tuple[str, ...]
    seal: str = ""
    content: str = ""


class Tree(msgspec.Struct, frozen=True, kw_only=True):
    """Hold an installed tree: its folder and its manifest."""

    folder: Path
    manifest: Manifest

    @property
    def erl(self) -> Path:
        """Return the program that starts its VM."""
        return self.folder / "tree" / unpack.ERLANG / "bin" / "erl"

    @property
    def debs(self) -> tuple[Path, ...]:
        """Return the package files it was made from."""
        return tuple(self.folder / "debs" / name for name in self.manifest.packages)


def root(cache_dir: Path) -> Path:
    """Return the folder that holds the trees."""
    return cache_dir / "otp"


def installed(cache_dir: Path, release: int) -> Tree | None:
    """Return the installed tree of a release, if it is whole and where it was made to run."""
    there = found(cache_dir, release)
    return None if there is None or is_damaged(there) else there


def is_damaged(there: Tree, *, thoroughly: bool = False) -> bool:
    """Tell whether a file of a tree is not what it was when its VM first started.

    Args:
        there: the tree.
        thoroughly: read every file, not only the sizes and times.
    """
    sealed = there.manifest.seal
    changed = bool(sealed) and files.seal(there.folder / "tree") != sealed
    if changed or not thoroughly or not there.manifest.content:
        return changed
    return files.content_digest(there.folder / "tree") != there.manifest.content


def found(cache_dir: Path, release: int) -> Tree | None:
    """Return the tree of a release that is where it was made to run, damaged or not."""
    folder = root(cache_dir).resolve() / f"debian-{release}"
    try:
        manifest = msgspec.json.decode((folder / _MANIFEST).read_bytes(), type=Manifest)
    except (OSError, msgspec.DecodeError):
        return None
    if manifest.place != str(folder):
        return None
    return Tree(folder=folder, manifest=manifest)


def install(
    cache_dir: Path,
    release: int,
    *,
    progress: Callable[[str], None],
    source: mirror.Source | None = None,
) -> Tree:
    """Fetch a release's packages and make them run; at once when they are there already.

    Raises:
        RuntimeMissingError: Debian has no such release, or this machine no way to fetch it.
        InfrastructureError: the mirror does not answer, or the VM does not start.
        StorageError: the cache cannot be written or is full.
    """
    if (there := installed(cache_dir, release)) is not None:
        return there
    row = table.find(release)
    if row.debian is None:
        raise RuntimeMissingError(
            f"Debian has no packages of OTP {release}",
            hint="it has " + ", ".join(map(str, table.packaged())),
        )
    base = root(cache_dir).resolve()
    _check_place(base)
    _check_runs(next(path for path in (base, *base.parents) if path.exists()))

    def tell(message: str) -> None:
        progress(f"OTP {release}: {message}")

    def waiting() -> None:
        tell("another install of it is under way; waiting for that")

    with files.locked(base, str(release), waiting=waiting):
        if (there := installed(cache_dir, release)) is not None:
            return there
        if found(cache_dir, release) is not None:
            tell("its tree is damaged; it is made again")
        started = time.monotonic()
        made = _make(base, row, source or mirror.find_source(), tell)
        tell(f"ready after {time.monotonic() - started:.1f} s ({made.manifest.version})")
        return made


def remove(cache_dir: Path, release: int) -> bool:
    """Remove the tree of a release, whole or not, and tell whether there was one."""
    base = root(cache_dir).resolve()
    folder = base / f"debian-{release}"
    if not folder.exists():
        return False
    with files.locked(base, str(release)):
        # the manifest first: what is left by an interruption is no install any more
        (folder / _MANIFEST).unlink(missing_ok=True)
        files.remove_tree(folder)
    return True


def _make(
    base: Path, row: table.Release, source: mirror.Source, tell: Callable[[str], None]
) -> Tree:
    for leftover in files.stale(base, str(row.otp)):
        files.remove_tree(leftover)
    _check_room(base)
    final = base / f"debian-{row.otp}"
    files.remove_tree(final)
    with files.temporary(base, str(row.otp)) as work, files.storage_errors(base):
        debs = apt.fetch(row.debian or "", source, work / "apt", progress=tell)
        made = work / "made"
        (made / "debs").mkdir(parents=True)
        debs = tuple(deb.rename(made / "debs" / deb.name) for deb in debs)
        tell(f"unpacking {len(debs)} packages")
        unpack.unpack(debs, made / "tree")
        unpack.make_runnable(made / "tree", final / "tree")
        made.rename(final)
    return _finish(final, row, debs)


def _finish(final: Path, row: table.Release, debs: tuple[Path, ...]) -> Tree:
    """Start the VM once in its place; only then write the manifest."""
    try:
        said = _ask(final, row)
        manifest = Manifest(
            release=row.otp,
            suite=row.debian or "",
            version=_version(debs),
            otp_version=said.version,
            place=str(final),
            packages=tuple(deb.name for deb in debs),
            seal=files.seal(final / "tree"),
            content=files.content_digest(final / "tree"),
        )
        files.write_whole(final / _MANIFEST, msgspec.json.encode(manifest))
    except BaseException:
        files.remove_tree(final)
        raise
    return Tree(folder=final, manifest=manifest)


def _ask(final: Path, row: table.Release) -> vm.Identity:
    said = vm.ask(final / "tree" / unpack.ERLANG / "bin" / "erl")
    if said.release != row.otp:
        raise RuntimeMissingError(
            f"Debian {row.debian} now has OTP {said.version} instead of {row.otp}",
            hint="correct harness/runtimes/otp.toml",
        )
    return said


def _version(debs: tuple[Path, ...]) -> str:
    """Return the version of erlang-base, from its file's name."""
    for deb in debs:
        name, _, rest = deb.name.partition("_")
        if name == "erlang-base":
            return rest.rpartition("_")[0].replace("%3a", ":")
    return "unknown"


def _check_place(base: Path) -> None:
    if found := sorted(_FORBIDDEN & set(str(base))):
        raise InputError(
            f"no VM runs from {base}: its name holds {' '.join(map(repr, found))}",
            hint="name another folder in BEAMPROOF_CACHE",
        )


def _check_runs(base: Path) -> None:
    if base.exists() and os.statvfs(base).f_flag & os.ST_NOEXEC:
        raise RuntimeMissingError(
            f"no program runs from {base}: it is mounted noexec",
            hint="name a folder on another disk in BEAMPROOF_CACHE",
        )


def _check_room(base: Path) -> None:
    free = shutil.disk_usage(base).free
    if free < KEEP_FREE_BYTES:
        raise StorageError(
            f"{base} has {free >> 20} MiB of room; an install wants {KEEP_FREE_BYTES >> 20} MiB",
            hint="make room, or name another folder in BEAMPROOF_CACHE",
        )
