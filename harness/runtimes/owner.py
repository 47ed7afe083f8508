"""Whose a container or a VM is: the process that started it, told apart from a later one.

Knows: processes of this machine. Must not know: what they own.
"""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator
from functools import cache
from pathlib import Path

OWNER_VARIABLE = "BEAMPROOF_OWNER"
"""Environment variable that every VM of a run carries, and so does every peer that it starts."""

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
    for folder in Path("/proc").iterdir():
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
