"""What a VM that is a process may use, and what it started that must not outlive it.

Knows: processes of this machine. Must not know: what a VM is.
"""

from __future__ import annotations

import contextlib
import os
import resource
import signal
from pathlib import Path

_PROC = Path("/proc")
_ROUNDS = 5


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
