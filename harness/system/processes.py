"""Processes of this machine: whose one is, what it may use, and ending what it started.

Knows: processes, their environments, and the one mark that a VM and all that it starts carry.
Must not know: what a VM is. It reads /proc itself: psutil reckons a process's start by the clock
on the wall, and a clock that is put back would make every living run look dead.
"""

from __future__ import annotations

import contextlib
import os
import platform
import resource
import signal
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from harness.errors import UnmetNeedError

MARK_VARIABLE = "BEAMPROOF_VM"
"""Environment variable that every VM of a run carries, and so does whatever it starts: whose it
is and which, `owner/name/scratch folder`."""

_PROC = Path("/proc")
_ROUNDS = 5
_PARTS = 3
_START_TIME_FIELD = 19
"""Field `starttime` of /proc/PID/stat, counted after the command's closing bracket."""


@cache
def own() -> str:
    """Return the name of this process, `host:pid:starttime`."""
    return f"{platform.node()}:{os.getpid()}:{_start_time(os.getpid())}"


def is_gone(owner: str) -> bool:
    """Tell whether an owner has ended; one of another machine counts as alive."""
    parts = owner.rsplit(":", maxsplit=2)
    if len(parts) != _PARTS or parts[0] != platform.node() or not parts[1].isdecimal():
        return False
    if not parts[2]:  # it was started where there is no /proc
        return not exists(int(parts[1]))
    return _start_time(int(parts[1])) != parts[2]


def mark(name: str, scratch: str = "") -> str:
    """Return the value of `MARK_VARIABLE` for a VM of this process."""
    return f"{own()}/{name}/{scratch}"


def orphans() -> tuple[int, ...]:
    """Return the VMs and peers whose owner has ended, by process id."""
    return tuple(sorted(pid for pid, value in _marks() if is_gone(value.partition("/")[0])))


def scratch_folders() -> frozenset[str]:
    """Return the names of the scratch folders of all VMs of this user that live."""
    return frozenset(value.rpartition("/")[2] for _, value in _marks())


def _marks() -> Iterator[tuple[int, str]]:
    """Yield the processes that carry a mark, each with it; none where there is no /proc."""
    start = f"{MARK_VARIABLE}=".encode()
    for pid in _processes():
        for entry in _environment(pid):
            if entry.startswith(start):
                yield pid, entry[len(start) :].decode(errors="replace")


def _environment(pid: int) -> list[bytes]:
    try:
        return (_PROC / str(pid) / "environ").read_bytes().split(b"\0")
    except OSError:
        return []  # another user's, or it has just ended


def exists(pid: int) -> bool:
    """Tell whether there is such a process, whoever's it is."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True  # another user's
    return True


def _start_time(pid: int) -> str:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    return stat.rpartition(")")[2].split()[_START_TIME_FIELD]


def limit_memory(pid: int, limit: int) -> None:
    """Hold a process, and what it starts, to so many bytes of writable memory each.

    Address space is no measure: a VM reserves gigabytes that it never touches.
    Source: RLIMIT_DATA in getrlimit(2).
    """
    if not hasattr(resource, "prlimit"):
        return  # only Linux sets limits from outside
    with contextlib.suppress(OSError, ValueError):  # it has ended, or a lower limit is in force
        resource.prlimit(pid, resource.RLIMIT_DATA, (limit, limit))


@contextlib.contextmanager
def on_cpus(count: int | None) -> Iterator[None]:
    """Have what this thread starts within run on so many of its CPUs; None changes nothing.

    The mask is the thread's own, and a child has it before its first instruction: a VM counts its
    CPUs once, when it starts, which is too early for a mask that is set from outside.
    Source: sched_setaffinity(2).

    Raises:
        UnmetNeedError: there are fewer, or this system has no such masks.
    """
    if count is None:
        yield
        return
    if not hasattr(os, "sched_setaffinity"):
        raise UnmetNeedError("this system holds no process to a set of CPUs")
    before = os.sched_getaffinity(0)
    if len(before) < count:
        raise UnmetNeedError(f"the claim needs {count} CPUs, this machine gives {len(before)}")
    os.sched_setaffinity(0, sorted(before)[:count])
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def kill_marked(value: str) -> None:
    """Kill every process with this mark; peers leave their VM's session."""
    if not value:
        return
    for _ in range(_ROUNDS):
        found = marked(value)
        if not found:
            return
        for pid in found:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)


def marked(value: str) -> tuple[int, ...]:
    """Return the processes with this mark, this one excepted."""
    entry = f"{MARK_VARIABLE}={value}".encode()
    return tuple(pid for pid in _processes() if pid != os.getpid() and entry in _environment(pid))


def _processes() -> list[int]:
    try:
        return [int(entry.name) for entry in _PROC.iterdir() if entry.name.isdecimal()]
    except OSError:
        return []  # no /proc here: what outlives its VM's process group is not found
