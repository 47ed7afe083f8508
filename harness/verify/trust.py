"""Whose probes are about to run, and with whose rights.

Knows: which way keeps a probe from the machine. Must not know: what a probe does.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from harness.folders import default_probes_dir, own_probes_dir

CONTAINED = "docker"
"""The way whose VMs can reach nothing of the machine."""


def note_on_strangers(probes: Path, ways: Iterable[str], folder: Path) -> str | None:
    """Return what to say before probes of somebody else run with the user's own rights.

    Args:
        probes: the folder of the probes.
        ways: how the VMs of the run were made available.
        folder: where the user works; what lies in it is the user's own.

    Returns:
        None for one's own probes, and where every VM is in a container.
    """
    place = probes.resolve()
    known = (folder, default_probes_dir(), own_probes_dir())
    if any(place.is_relative_to(one.resolve()) for one in known):
        return None
    free = sorted({way for way in ways if way != CONTAINED})
    if not free:
        return None
    return (
        f"the probes of {probes} come from outside this project and run with your own rights"
        f" ({', '.join(free)}): --runtime docker keeps them from this machine"
    )
