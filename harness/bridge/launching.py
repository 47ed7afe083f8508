"""Launch VMs as processes of this machine, each marked with whose it is.

Knows: the environment that a VM and its peers share. Must not know: pipes or releases.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from harness import processes
from harness.bridge.channel import Channel, Launcher, Limits


@dataclass(frozen=True, slots=True)
class OwnedLauncher:
    """Start VMs by another launcher, with the name of this process in their environment.

    `beamproof sweep` knows by it which VMs outlived their run; peers inherit it.
    """

    launcher: Launcher

    def start(
        self, *, name: str, flags: Sequence[str], env: Mapping[str, str], limits: Limits
    ) -> Channel:
        """Start a VM that waits for its first frame."""
        marked = {**env, processes.OWNER_VARIABLE: processes.own()}
        return self.launcher.start(name=name, flags=flags, env=marked, limits=limits)
