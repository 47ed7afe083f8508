"""Which releases one command wants, and where they may come from.

Knows: releases and ways. Must not know: how a runtime is found, options as they are parsed.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

from harness.folders import cache_dir
from harness.run.model import Header, RuntimeRecord
from harness.run.releases import parse_releases
from harness.runtimes import table
from harness.runtimes.host import roots_from_environment
from harness.runtimes.model import AUTO, Resolved, RuntimeOptions
from harness.runtimes.resolve import resolve, resolve_recorded
from harness.runtimes.way import Progress
from harness.runtimes.ways import WAYS

CHOICES = (AUTO, *WAYS)
"""What `--runtime` takes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RuntimeRequest:
    """Hold which releases one invocation wants, and where they come from."""

    otp: str | None
    way: str
    images: tuple[str, ...]
    otp_roots: tuple[Path, ...]
    strict: bool | None
    recorded: tuple[RuntimeRecord, ...] = ()

    @classmethod
    def of(cls, given: dict[str, Any]) -> Self:
        """Read the request from the values that click parsed."""
        return cls(
            otp=given["otp"],
            way=given["way"],
            images=given["images"],
            otp_roots=given["otp_roots"],
            strict=given["strict"],
        )

    @property
    def releases(self) -> tuple[int, ...]:
        """Return the releases that are wanted; none where images say their own."""
        if self.otp is not None:
            return parse_releases(self.otp)
        return () if self.images else table.in_range()

    @property
    def is_strict(self) -> bool:
        """Tell whether a missing release is an error: by option, or in CI when named."""
        if self.strict is not None:
            return self.strict
        return bool(os.environ.get("CI")) and self.otp is not None

    def options(self) -> RuntimeOptions:
        """Return where runtimes may come from."""
        return RuntimeOptions(
            images=self.images,
            otp_roots=(*self.otp_roots, *roots_from_environment()),
            cache_dir=cache_dir(),
        )

    def resolve(self, progress: Progress) -> tuple[Resolved, ...]:
        """Find every runtime that is wanted; the errors are those of `resolve.resolve`."""
        if self.recorded:
            return resolve_recorded(self.recorded, options=self.options(), progress=progress)
        return resolve(self.releases, way=self.way, options=self.options(), progress=progress)

    def as_recorded(self, header: Header) -> Self:
        """Return the request that gives a resumed run the runtimes it began with."""
        return replace(self, strict=True, recorded=header.runtimes)
