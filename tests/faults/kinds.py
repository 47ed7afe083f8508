"""The kinds of faults that meet VMs as processes, and the command itself.

Each says what is done, when it may be done, and which exit codes the README has for it.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from random import Random

from harness.errors import DamagedError, ExitCode
from harness.system.files import read_sealed
from tests.faults.checks import VERDICTS
from tests.faults.command import (
    END_S,
    Command,
    Output,
    Place,
    handles_signals,
    has_observed,
)

Fault = Callable[[Command, Random], bool]
"""Do it, and tell whether it took place: what it was meant for may have ended."""

Prepared = Callable[[Path, Place, Random], AbstractContextManager[Place]]
"""Make a folder ready for a command, and clear away afterwards."""

Check = Callable[[Command], Iterator[str]]


@contextlib.contextmanager
def _as_it_is(_folder: Path, place: Place, _chance: Random) -> Iterator[Place]:
    yield place


def _nothing(_command: Command) -> Iterator[str]:
    return iter(())


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """Describe a kind of fault.

    `ready` tells from when on it can take place; `prepared` comes before the command, `mended`
    once it has ended; `resumed` kinds go on with the run afterwards. `by_sweep` kinds may leave
    what `beamproof sweep` removes.
    """

    fault: Fault
    codes: frozenset[int]
    ready: Callable[[Command], bool] = handles_signals
    options: tuple[str, ...] = ()
    output: Output | None = None
    to_head: bool = False
    prepared: Prepared = _as_it_is
    mended: Check = _nothing
    resumed: bool = False
    by_sweep: bool = False
    end_s: float = END_S


def _to_a_vm(number: int) -> Fault:
    def fault(command: Command, chance: Random) -> bool:
        vms = command.vms()
        return bool(vms) and _sent(chance.choice(vms), number)

    return fault


def _sent(pid: int, number: int) -> bool:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return False
    return True


def _stop_and_go_on(command: Command, chance: Random) -> bool:
    vms = command.vms()
    if not vms or not _sent(pid := chance.choice(vms), signal.SIGSTOP):
        return False
    time.sleep(0.3)
    _sent(pid, signal.SIGCONT)
    return True


def to_the_command(number: int, times: int = 1, apart_s: float = 0.0) -> Fault:
    """Return what sends a signal to the command, once or again and again."""

    def fault(command: Command, _chance: Random) -> bool:
        if not command.is_going():
            return False
        for _ in range(times):
            command.process.send_signal(number)  # to one that has ended it sends nothing
            time.sleep(apart_s)
        return True

    return fault


def cut(command: Command, chance: Random) -> bool:
    """Cut the run file somewhere, as a full disk or a crash of the machine would."""
    command.process.kill()
    command.process.wait(END_S)
    if (file := command.run_file()) is None:
        return False
    os.truncate(file, chance.randrange(file.stat().st_size))
    return True


def _reader_leaves(command: Command, _chance: Random) -> bool:
    going = command.is_going()
    if command.process.stdout is not None:
        command.process.stdout.close()
    return going


def _second_writer(command: Command, _chance: Random) -> bool:
    """Try to go on with the run while the command is writing it."""
    if (file := command.run_file()) is None or not command.is_going():
        return False
    line = [sys.executable, "-m", "harness", "verify", "--resume", str(file)]
    done = subprocess.run(
        line, cwd=command.folder, env=command.environment(), capture_output=True, check=False
    )
    if not command.is_going():
        return False  # it may have come after the end of the first
    if done.returncode != ExitCode.BAD_INPUT or b"is being written by another" not in done.stderr:
        with (command.folder / "said").open("ab") as said:
            said.write(b"Traceback: a second writer was let in\n" + done.stderr)
    return True


def _from_the_start(_command: Command, _chance: Random) -> bool:
    """Do nothing more: what was prepared is the fault."""
    return True


def _told(words: str) -> Check:
    """Return what looks whether the command said these words."""

    def check(command: Command) -> Iterator[str]:
        if words not in command.said():
            yield f"it does not say {words!r}: {command.said()[-300:]}"

    return check


def _damaged(change: Callable[[bytes, Random], bytes]) -> Prepared:
    """Return what damages the compiled probe, and any others, in a cache of the command's own."""

    @contextlib.contextmanager
    def prepared(folder: Path, place: Place, chance: Random) -> Iterator[Place]:
        own = folder / "cache"
        shutil.copytree(place.environment["BEAMPROOF_CACHE"], own)
        beams = sorted((own / "probes").glob("*.beam"))
        for beam in beams:
            if beam.name.startswith("steady-") or chance.random() < 1 / 2:
                beam.write_bytes(change(beam.read_bytes(), chance))
        environment = {**place.environment, "BEAMPROOF_CACHE": str(own)}
        yield Place(options=place.options, environment=environment)

    return prepared


def _cache_is_mended(command: Command) -> Iterator[str]:
    yield from _told("steady-")(command)
    yield from _told("is damaged; it is compiled again")(command)
    for beam in (command.folder / "cache" / "probes").glob("steady-*.beam"):
        try:
            read_sealed(beam)
        except DamagedError as error:
            yield f"it stays damaged: {error}"


def _flipped(content: bytes, chance: Random) -> bytes:
    at = chance.randrange(len(content))
    return content[:at] + bytes([content[at] ^ 1 << chance.randrange(8)]) + content[at + 1 :]


@contextlib.contextmanager
def _small_disk(folder: Path, place: Place, chance: Random) -> Iterator[Place]:
    """Mount so small a disk for the runs that it is full before the run has ended."""
    (runs := folder / "runs").mkdir()
    size = f"size={chance.randrange(2, 10) * 4}k"
    subprocess.run(["mount", "-t", "tmpfs", "-o", size, "tmpfs", str(runs)], check=True)
    try:
        yield place
    finally:
        subprocess.run(["umount", "--lazy", str(runs)], check=True)


def _room_is_made(command: Command) -> Iterator[str]:
    yield from _told("No space left on device")(command)
    runs = command.folder / "runs"
    subprocess.run(["mount", "-o", "remount,size=4m", str(runs)], check=True)


def without_small_disk() -> str:
    """Return why no small disk can be mounted here, empty when one can."""
    if os.geteuid() != 0:
        return "only root mounts a small disk"
    if shutil.which("mount") is None:
        return "there is no mount"
    return ""


_DIED = VERDICTS | {ExitCode.RUNTIME_MISSING}
_WRITTEN = frozenset({ExitCode.REFUTED})
_FULL = "standard output cannot be written"
DISK_FULL = "disk of the runs full, resumed"


def _has_vm(command: Command) -> bool:
    return bool(command.vms())


def _vm(number: int) -> Kind:
    return Kind(fault=_to_a_vm(number), codes=_DIED, ready=_has_vm)


def signalled(number: int, times: int = 1, apart_s: float = 0.0) -> Kind:
    """Return a kind that ends the command by a signal."""
    return Kind(
        fault=to_the_command(number, times, apart_s), codes=VERDICTS | frozenset({128 + number})
    )


KINDS: dict[str, Kind] = {
    "vm: KILL": _vm(signal.SIGKILL),
    "vm: SEGV": _vm(signal.SIGSEGV),
    "vm: TERM": _vm(signal.SIGTERM),
    "vm: stopped, goes on": Kind(fault=_stop_and_go_on, codes=VERDICTS, ready=_has_vm),
    "vm: stopped for good": Kind(
        fault=_to_a_vm(signal.SIGSTOP),
        codes=VERDICTS,
        ready=has_observed,
        options=("--timeout", "2"),
    ),
    "command: INT": signalled(signal.SIGINT),
    "command: TERM": signalled(signal.SIGTERM),
    "command: HUP": signalled(signal.SIGHUP),
    "command: INT ten times": signalled(signal.SIGINT, 10),
    "command: INT three times, apart": signalled(signal.SIGINT, 3, 0.15),
    "command: a second writer": Kind(fault=_second_writer, codes=_WRITTEN, ready=has_observed),
    "command: KILL, resumed": Kind(
        fault=to_the_command(signal.SIGKILL),
        codes=frozenset({-signal.SIGKILL}),
        ready=has_observed,
        resumed=True,
        by_sweep=True,
    ),
    "run file cut, resumed": Kind(
        fault=cut,
        codes=frozenset({-signal.SIGKILL}),
        ready=has_observed,
        resumed=True,
        by_sweep=True,
    ),
    "output: its reader leaves": Kind(fault=_reader_leaves, codes=_WRITTEN, output=subprocess.PIPE),
    "output: | head": Kind(fault=_from_the_start, codes=_WRITTEN, to_head=True),
    "output: closed": Kind(fault=_from_the_start, codes=_WRITTEN, output="-"),
    "output: /dev/full": Kind(
        fault=_from_the_start, codes=_WRITTEN, output="/dev/full", mended=_told(_FULL)
    ),
    "output: /dev/full, all true": Kind(
        fault=_from_the_start,
        codes=frozenset({ExitCode.FAILURE}),
        options=("--claim", "true-*"),
        output="/dev/full",
        mended=_told(_FULL),
    ),
    DISK_FULL: Kind(
        fault=_from_the_start,
        codes=frozenset({ExitCode.FAILURE}),
        prepared=_small_disk,
        mended=_room_is_made,
        resumed=True,
    ),
    **{
        f"cache: beams {name}": Kind(
            fault=_from_the_start,
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
"""Faults by kind."""

SHORT = (
    "vm: KILL",
    "vm: stopped, goes on",
    "command: INT",
    "command: TERM",
    "command: HUP",
    "command: INT ten times",
    "command: a second writer",
    "command: KILL, resumed",
    "run file cut, resumed",
    "output: | head",
    "output: /dev/full, all true",
    "cache: beams with one bit flipped",
)
"""The kinds of which the short form has one fault each."""
