"""A second release for a probe that wants two: the command of another VM of the same run.

Knows: runtimes that started, the bridge's code for each. Must not know: what a probe does with a
second VM, or how one is started.

Only a VM that is a process of this machine can start another one beside it: in a container there
is one release.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field

from harness.bridge.boot import LENT
from harness.bridge.channel import ProcessLauncher
from harness.errors import UnmetNeedError
from harness.run.cells import Json, release_order
from harness.run.model import Build
from harness.runtimes import Runtime


@dataclass(frozen=True, slots=True, kw_only=True)
class _Other:
    name: str
    release: int
    erts_version: str
    erl: str


@dataclass(slots=True)
class Others:
    """Hold the releases of a run that can be started as a program; safe to share among threads."""

    _started: dict[str, _Other] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, runtime: Runtime, build: Build) -> None:
        """Take note of a runtime that started."""
        if isinstance(runtime.launcher, ProcessLauncher):
            other = _Other(
                name=runtime.name,
                release=runtime.release,
                erts_version=build.erts_version,
                erl=str(runtime.launcher.erl),
            )
            with self._lock:
                self._started[runtime.name] = other

    def unmet(self, name: str) -> str | None:
        """Return why a runtime has no second release beside it, None if it has one."""
        with self._lock:
            own = self._started.get(name)
            if own is None:
                return "the claim needs a second release beside its VM: trees only"
            if all(other.release == own.release for other in self._started.values()):
                return "the claim needs a second release in the run: name one more with --otp"
            return None

    def arguments(self, name: str, bridges: Mapping[str, bytes]) -> dict[str, Json | bytes]:
        """Return what a probe is handed beside its own arguments.

        Args:
            name: the runtime of the probe; it gets the nearest release, the older of two.
            bridges: the bridge's code, by ERTS version, as `ProbeStore.bridge_beams` has it.

        Returns:
            `other_otp_release`, `other_erl` (its program), `other_bridge_for` (the name under
            which a VM of it looks for its code) and `other_bridge`.

        Raises:
            UnmetNeedError: there is no second release.
        """
        reason = self.unmet(name)
        if reason is not None:
            raise UnmetNeedError(reason)
        with self._lock:
            own = self._started[name].release
            found = min(
                (one for one in self._started.values() if one.release != own),
                key=lambda one: (abs(one.release - own), one.release, release_order(one.name)),
            )
        key = next(key for key in (found.erts_version, LENT + found.erts_version) if key in bridges)
        return {
            "other_otp_release": found.release,
            "other_erl": found.erl,
            "other_bridge_for": key,
            "other_bridge": bridges[key],
        }
