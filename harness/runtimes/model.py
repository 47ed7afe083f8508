"""What a runtime is: one OTP release made available one way.

Knows: names and where things lie. Must not know: how any of the ways works.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from harness.bridge.channel import Launcher
from harness.run.model import RuntimeRecord

AUTO = "auto"
"""The name that stands for all ways, one after the other."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedImage:
    """Hold one line of a list of images; without a `version` its VM is asked for it."""

    reference: str
    version: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RuntimeOptions:
    """Say where runtimes may come from.

    Args:
        images: container images to use instead of the ones by release; each is a column.
        image_list: images to choose patch releases from, beside those that the engine has.
        otp_roots: folders with a `bin/erl`, before any that are found by themselves.
        cache_dir: where package trees and what was learnt about installs are kept.
        offline: neither fetch packages nor pull images.
        automatic: the way is one of several, so it is not worth a long wait.
    """

    images: tuple[str, ...] = ()
    image_list: tuple[ListedImage, ...] = ()
    otp_roots: tuple[Path, ...] = ()
    cache_dir: Path
    offline: bool = False
    automatic: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Runtime:
    """Hold one release made available one way, ready to start VMs.

    `origin` is the image reference, the folder of the install or the package; `digest` the
    image's id or the package's version. `version` is the full version that it was asked for by,
    empty where any of the release would do; `label` sets it apart from others of the same name;
    `notes` are sentences about it that a reader of its verdicts should know.
    """

    release: int
    way: str
    origin: str
    digest: str | None = None
    version: str = ""
    label: str = ""
    notes: tuple[str, ...] = ()
    launcher: Launcher = field(repr=False, compare=False)

    @property
    def name(self) -> str:
        """Return the name that cells carry: `otp27`, `otp27.3.4.1`, `otp27-app-1.2` of several."""
        return f"otp{self.version or self.release}" + (f"-{self.label}" if self.label else "")

    def record(self) -> RuntimeRecord:
        """Return what a run file keeps; the build is filled in once a node has answered."""
        return RuntimeRecord(
            name=self.name,
            release=self.release,
            way=self.way,
            origin=self.origin,
            digest=self.digest,
            notes=self.notes,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolved:
    """Hold the runtime of a release that was asked for, or the reason why there is none.

    `otherwise` goes on to the ways that were not tried yet, given the reason why this one will
    not do; it is None where no way is left. `version` is the full version that was asked for.
    """

    release: int
    version: str = ""
    runtime: Runtime | None = None
    reason: str | None = None
    otherwise: Callable[[str], Resolved] | None = field(default=None, repr=False, compare=False)

    @property
    def name(self) -> str:
        """Return the name of the column, also of one without a runtime."""
        asked = f"otp{self.version or self.release}"
        return asked if self.runtime is None else self.runtime.name

    @property
    def asked(self) -> str:
        """Return what was asked for, in a sentence: `OTP 27` or `OTP 27.3.4.1`."""
        return f"OTP {self.version or self.release}"
