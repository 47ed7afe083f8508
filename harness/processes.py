"""Processes of this machine: whose one is, what it may use, and ending what it started.

Knows: processes and their environments. Must not know: what a VM is.
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

OWNER_VARIABLE = "BEAMPROOF_OWNER"
"""Environment variable that every VM of a run carries, and so does every peer that it starts."""

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
    return _start_time(int(parts[1])) != parts[2]


def orphans() -> tuple[int, ...]:
    """Return the VMs and peers whose owner has ended, by process id."""
    return tuple(sorted(pid for pid, owner in _carriers(OWNER_VARIABLE) if is_gone(owner)))


def environment_values(variable: str) -> frozenset[str]:
    """Return what a variable is set to in the processes of this user."""
    return frozenset(value for _, value in _carriers(variable))


def _carriers(variable: str) -> Iterator[tuple[int, str]]:
    """Yield the processes that carry a variable, each with its value."""
    marker = f"{variable}=".encode()
    for folder in _PROC.iterdir():
        if not folder.name.isdecimal():
            continue
        try:
            environment = (folder / "environ").read_bytes().split(b"\0")
        except OSError:
            continue  # another user's, or it has just ended
        for entry in environment:
            if entry.startswith(marker):
                yield int(folder.name), entry[len(marker) :].decode(errors="replace")


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
    with contextlib.suppress(OSError, ValueError):  # it has ended, or a lower limit is in force
        resource.prlimit(pid, resource.RLIMIT_DATA, (limit, limit))


def kill_marked(mark: str) -> None:
    """Kill every process with this entry in its environment; peers leave their VM's session."""
    if not mark:
        return
    for _ in range(_ROUNDS):
        found = marked(mark)
        if not found:
            return
        for pid in found:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)


def marked(mark: str) -> tuple[int, ...]:
    """Return the processes with this entry in their environment, this one excepted."""
    entry = mark.encode()
    found: list[int] = []
    for pid in _processes():
        try:
            environment = (_PROC / str(pid) / "environ").read_bytes()
        except OSError:
            continue  # another user's, or it has just ended
        if entry in environment.split(b"\0") and pid != os.getpid():
            found.append(pid)
    return tuple(found)


def _processes() -> list[int]:
    try:
        return [int(entry.name) for entry in _PROC.iterdir() if entry.name.isdecimal()]
    except OSError:
        return []
