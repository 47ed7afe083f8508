"""What the machine has room for: memory and disk that calls with large limits may use up.

Knows: this machine, and limits. Must not know: which calls there are.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.bridge.channel import Limits

_MEMINFO = Path("/proc/meminfo")
_CGROUP = Path("/sys/fs/cgroup")


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """Hold how much memory and disk there is for calls that need a lot of it; None is unknown."""

    memory_bytes: int | None
    scratch_bytes: int | None

    def holds(self, large: Sequence[Limits]) -> bool:
        """Tell whether calls with these large limits may run at once; one always may."""
        return len(large) <= 1 or (
            _within(sum(each.memory_bytes for each in large), self.memory_bytes)
            and _within(sum(each.scratch_bytes for each in large), self.scratch_bytes)
        )


def is_large(limits: Limits) -> bool:
    """Tell whether limits are more than a call has that asks for none."""
    usual = Limits()
    return limits.memory_bytes > usual.memory_bytes or limits.scratch_bytes > usual.scratch_bytes


def room_here() -> Room:
    """Return what this machine has now; a container's limit counts where it is the smaller."""
    try:
        scratch_bytes = shutil.disk_usage(tempfile.gettempdir()).free
    except OSError:
        scratch_bytes = None
    known = [found for found in (_available_bytes(), _granted_bytes()) if found is not None]
    return Room(memory_bytes=min(known, default=None), scratch_bytes=scratch_bytes)


def _within(wanted: int, there: int | None) -> bool:
    return there is not None and wanted <= there


def _available_bytes() -> int | None:
    """Return what the kernel says is available. Source: proc_meminfo(5), `MemAvailable`."""
    try:
        lines = dict(line.split(":", 1) for line in _MEMINFO.read_text().splitlines())
        return int(lines["MemAvailable"].split()[0]) * 1024
    except (OSError, ValueError, KeyError):
        return None


def _granted_bytes() -> int | None:
    """Return what a control group leaves of its limit. Source: cgroups(7), `memory.max`."""
    try:
        limit = int((_CGROUP / "memory.max").read_text())
        return max(0, limit - int((_CGROUP / "memory.current").read_text()))
    except (OSError, ValueError):  # no such file, or "max"
        return None
