"""The kinds of faults that meet what lies on disk: run files, the cache, full disks, trees."""

from __future__ import annotations

import contextlib
import itertools
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random

from harness.errors import DamagedError, ExitCode
from harness.runtimes.debian import tree
from harness.system.files import read_sealed
from tests.faults.checks import VERDICTS
from tests.faults.command import END_S, Command, Place, environment_of, has_observed
from tests.faults.kind import Check, Kind, Prepared, from_the_start, told

CACHE = "BEAMPROOF_CACHE"
_INSTALL_S = 300.0
_MOST_INODES = 16
_FILLING_S = 2.0
_WRITTEN = frozenset({ExitCode.REFUTED})


def cut(command: Command, chance: Random) -> bool:
    """Cut the run file somewhere, as a full disk or a crash of the machine would."""
    command.process.kill()
    command.process.wait(END_S)
    if (file := command.run_file()) is None:
        return False
    os.truncate(file, chance.randrange(file.stat().st_size))
    return True


# --- The cache ---------------------------------------------------------------------------------


def _with_own_cache(folder: Path, place: Place) -> Place:
    shutil.copytree(place.environment[CACHE], folder / "cache", dirs_exist_ok=True)
    environment = {**place.environment, CACHE: str(folder / "cache")}
    return Place(options=place.options, environment=environment)


def _damaged(change: Callable[[bytes, Random], bytes]) -> Prepared:
    """Return what damages the compiled probe, and any others, in a cache of the command's own."""

    @contextlib.contextmanager
    def prepared(folder: Path, place: Place, chance: Random) -> Iterator[Place]:
        own = _with_own_cache(folder, place)
        for beam in sorted((folder / "cache" / "probes").glob("*.beam")):
            if beam.name.startswith("steady-") or chance.random() < 1 / 2:
                beam.write_bytes(change(beam.read_bytes(), chance))
        yield own

    return prepared


def _cache_is_mended(command: Command) -> Iterator[str]:
    yield from told("steady-")(command)
    yield from told("is damaged; it is compiled again")(command)
    for beam in (command.folder / "cache" / "probes").glob("steady-*.beam"):
        try:
            read_sealed(beam)
        except DamagedError as error:
            yield f"it stays damaged: {error}"


def _flipped(content: bytes, chance: Random) -> bytes:
    at = chance.randrange(len(content))
    return content[:at] + bytes([content[at] ^ 1 << chance.randrange(8)]) + content[at + 1 :]


@contextlib.contextmanager
def _damaged_tree(folder: Path, place: Place, chance: Random) -> Iterator[Place]:
    """Damage a file of a package tree that only the campaign uses."""
    cache = Path(place.environment[CACHE])
    line = [sys.executable, "-m", "harness", "otp", "install", "27"]
    environment = environment_of(folder, place)
    subprocess.run(line, env=environment, check=True, capture_output=True, timeout=_INSTALL_S)
    there = tree.found(cache, 27)
    assert there is not None
    files = sorted(path for path in (there.folder / "tree").rglob("*") if _is_whole(path))
    file = chance.choice(files)
    if chance.random() < 1 / 2:
        file.unlink()
    else:
        os.truncate(file, file.stat().st_size // 2)
    options = ("--runtime", "debian", "--otp", "27")
    yield Place(options=options, environment=place.environment)


def _is_whole(path: Path) -> bool:
    return path.is_file() and not path.is_symlink() and path.stat().st_size > 0


def _tree_is_mended(command: Command) -> Iterator[str]:
    yield from told("its tree is damaged; it is made again")(command)
    there = tree.found(Path(command.place.environment[CACHE]), 27)
    if there is None or tree.is_damaged(there, thoroughly=True):
        yield "its tree stays damaged"


def without_mirror() -> str:
    """Return why no package tree can be fetched here, empty when one can."""
    return "" if shutil.which("apt-get") else "there is no apt-get"


# --- Full disks --------------------------------------------------------------------------------


def _small_disk(name: str, option: Callable[[Random], str]) -> Prepared:
    """Return what mounts a disk that is too small at a folder of the command."""

    @contextlib.contextmanager
    def prepared(folder: Path, place: Place, chance: Random) -> Iterator[Place]:
        with mounted(folder / name, option(chance)):
            yield place

    return prepared


@contextlib.contextmanager
def _full_cache(folder: Path, place: Place, _chance: Random) -> Iterator[Place]:
    """Have a cache that lacks the compiled probe, and no room for it."""
    source = Path(place.environment[CACHE])
    kept = [path for path in source.rglob("*") if path.is_file() and "steady" not in path.name]
    pages = sum(-(-path.stat().st_size // 4096) for path in kept)
    with mounted(folder / "cache", f"size={pages * 4 + 8}k"):
        for path in kept:
            target = folder / "cache" / path.relative_to(source)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, target)
        with contextlib.suppress(OSError), (folder / "cache" / "filling").open("wb") as filling:
            while True:
                filling.write(bytes(512))
                filling.flush()
        environment = {**place.environment, CACHE: str(folder / "cache")}
        yield Place(options=place.options, environment=environment)


def _no_room_for_another(command: Command, chance: Random) -> bool:
    """Kill a VM, and take the room of its scratch folder before the next one has it."""
    if not (vms := command.vms()):
        return False
    with contextlib.suppress(ProcessLookupError):
        os.kill(chance.choice(vms), signal.SIGKILL)
    numbers = itertools.count()
    until = time.monotonic() + _FILLING_S
    while time.monotonic() < until and command.is_going():
        with contextlib.suppress(OSError):
            (command.folder / "tmp" / f"filling-{next(numbers)}").touch()
    return True


def _nothing_was_kept(command: Command) -> Iterator[str]:
    """Look whether there really was no room: else nothing was tried."""
    kept = (command.folder / "cache" / "probes").glob("steady-*")
    yield from (f"there was room for {path.name}" for path in kept if path.stat().st_size)


@contextlib.contextmanager
def mounted(at: Path, option: str) -> Iterator[None]:
    """Mount a disk in memory."""
    at.mkdir(exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", option, "tmpfs", str(at)], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(at)], check=True)


def _room_is_made(at: str, option: str) -> Check:
    """Return what looks whether the lack of room was told, and ends it."""

    def mended(command: Command) -> Iterator[str]:
        yield from told("No space left on device")(command)
        subprocess.run(["mount", "-o", f"remount,{option}", str(command.folder / at)], check=True)

    return mended


def without_small_disk() -> str:
    """Return why no small disk can be mounted here, empty when one can."""
    if os.geteuid() != 0:
        return "only root mounts a small disk"
    if shutil.which("mount") is None:
        return "there is no mount"
    return ""


FULL_DISKS: dict[str, Kind] = {
    "disk of the runs full, resumed": Kind(
        fault=from_the_start,
        codes=frozenset({ExitCode.FAILURE}),
        prepared=_small_disk("runs", lambda chance: f"size={chance.randrange(2, 10) * 4}k"),
        mended=_room_is_made("runs", "size=4m"),
        resumed=True,
    ),
    "disk of the cache full": Kind(
        fault=from_the_start, codes=_WRITTEN, prepared=_full_cache, mended=_nothing_was_kept
    ),
    "disk of scratch folders full": Kind(
        fault=_no_room_for_another,
        codes=VERDICTS | {ExitCode.RUNTIME_MISSING, ExitCode.FAILURE},
        ready=has_observed,
        prepared=_small_disk("tmp", lambda _chance: f"nr_inodes={_MOST_INODES}"),
    ),
}

TREES: dict[str, Kind] = {
    "cache: tree damaged": Kind(
        fault=from_the_start,
        codes=_WRITTEN,
        prepared=_damaged_tree,
        mended=_tree_is_mended,
        end_s=_INSTALL_S,
    ),
}

KINDS: dict[str, Kind] = {
    "run file cut, resumed": Kind(
        fault=cut,
        codes=frozenset({-signal.SIGKILL}),
        ready=has_observed,
        resumed=True,
        by_sweep=True,
    ),
    **{
        f"cache: beams {name}": Kind(
            fault=from_the_start,
            codes=_WRITTEN,
            prepared=_damaged(change),
            mended=_cache_is_mended,
        )
        for name, change in {
            "cut": lambda content, chance: content[: chance.randrange(len(content))],
            "zeroed": lambda content, _chance: bytes(len(content)),
            "with one bit flipped": _flipped,
        }.items()
    },
}
"""Faults by kind, those that any machine can have; `FULL_DISKS` and `TREES` want more."""
