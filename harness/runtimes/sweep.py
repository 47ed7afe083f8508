"""Remove what crashed runs left behind: containers, VMs, temporary folders.

Knows: how each kind is recognised as nobody's. Must not know: why it was left.
"""

from __future__ import annotations

import contextlib
import os
import signal
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from harness.errors import BeamproofError
from harness.runtimes.debian import tree
from harness.runtimes.docker import engine
from harness.system import files, processes

_VM_FOLDERS = "beamproof-vm-*"
"""Scratch folders of VMs; the mark of a VM in its environment ends in its folder's name."""

_PEER_FOLDERS = "probe_peer-*"
"""Scratch folders of peers, `probe_peer-PID-NUMBER` after the VM that started them."""

_YOUNG_S = 60.0
"""A folder younger than this may belong to a VM that is just being started."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Leftovers:
    """Name what was left; containers by name, VMs by process id, folders by path.

    `problems` says what could not be looked at or removed.
    """

    containers: tuple[str, ...] = ()
    processes: tuple[int, ...] = ()
    folders: tuple[Path, ...] = ()
    problems: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.containers or self.processes or self.folders)


def find(cache_dir: Path, *, everything: bool = False) -> Leftovers:
    """Return what was left, touching nothing.

    Args:
        cache_dir: the cache.
        everything: take containers of living and of other machines' runs too.
    """
    containers, problem = _containers(everything=everything)
    return Leftovers(
        containers=containers,
        processes=processes.orphans(),
        folders=tuple(_folders(cache_dir)),
        problems=(problem,) if problem else (),
    )


def sweep(cache_dir: Path, *, everything: bool = False) -> Leftovers:
    """Remove what was left and return what was removed."""
    found = find(cache_dir, everything=everything)
    problems = list(found.problems)
    for pid in found.processes:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    removed = tuple(name for name in found.containers if _removed(name, problems))
    folders = [folder for folder in found.folders if not _in_cache(folder, cache_dir)]
    for folder in folders:
        files.remove_tree(folder)
    swept = files.sweep_stale(tree.root(cache_dir))
    return Leftovers(
        containers=removed,
        processes=found.processes,
        folders=(*swept, *folders),
        problems=tuple(problems),
    )


def _containers(*, everything: bool) -> tuple[tuple[str, ...], str]:
    if not engine.state().answers:
        return (), ""
    from harness.runtimes.docker import container  # noqa: PLC0415 - imports the docker package

    try:
        return container.leftovers(everything=everything), ""
    except BeamproofError as error:
        return (), error.message


def _removed(name: str, problems: list[str]) -> bool:
    from harness.runtimes.docker import container  # noqa: PLC0415 - imports the docker package

    try:
        container.remove(name)
    except BeamproofError as error:
        problems.append(error.message)
        return False
    return True


def _folders(cache_dir: Path) -> Iterator[Path]:
    yield from files.abandoned(tree.root(cache_dir))
    temporary = Path(tempfile.gettempdir())
    for folder in filter(_is_ours, temporary.glob(_PEER_FOLDERS)):
        pid = folder.name.split("-")[1]
        if pid.isdecimal() and not processes.exists(int(pid)):
            yield folder
    in_use = processes.scratch_folders()
    for folder in filter(_is_ours, temporary.glob(_VM_FOLDERS)):
        if folder.name not in in_use and time.time() - folder.stat().st_mtime > _YOUNG_S:
            yield folder


def _is_ours(folder: Path) -> bool:
    return folder.is_dir() and not folder.is_symlink() and folder.stat().st_uid == os.getuid()


def _in_cache(folder: Path, cache_dir: Path) -> bool:
    return folder.is_relative_to(tree.root(cache_dir))
