"""What a runtime is: one OTP release made available one way.

Knows: names and where things lie. Must not know: how any of the ways works.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from harness.bridge.channel import Launcher
from harness.run.model import RuntimeRecord


class Way(StrEnum):
    """Name the ways a release can be had, in the order in which `auto` tries them."""

    DOCKER = "docker"
    HOST = "host"
    DEBIAN = "debian"


@dataclass(frozen=True, slots=True, kw_only=True)
class RuntimeOptions:
    """Say where runtimes may come from.

    Args:
        image: a container image to use instead of the ones by release.
        otp_roots: folders with a `bin/erl`, before any that are found by themselves.
        cache_dir: where package trees and what was learnt about installs are kept.
        offline: neither fetch packages nor pull images.
    """

    image: str | None = None
    otp_roots: tuple[Path, ...] = ()
    cache_dir: Path
    offline: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Runtime:
    """Hold one release made available one way, ready to start VMs.

    `origin` is the image reference, the folder of the install or the package; `digest` the
    image's id or the package's version.
    """

    release: int
    way: Way
    origin: str
    digest: str | None = None
    launcher: Launcher = field(repr=False, compare=False)

    @property
    def name(self) -> str:
        """Return the name that cells carry, e.g. `otp27`."""
        return f"otp{self.release}"

    def record(self) -> RuntimeRecord:
        """Return what a run file keeps; the build is filled in once a node has answered."""
        return RuntimeRecord(
            name=self.name,
            release=self.release,
            way=self.way.value,
            origin=self.origin,
            digest=self.digest,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolved:
    """Hold the runtime of a release that was asked for, or the reason why there is none."""

    release: int
    runtime: Runtime | None = None
    reason: str | None = None
