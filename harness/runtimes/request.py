"""Which releases one command wants, and where they may come from.

Knows: releases and ways. Must not know: how a runtime is found, options as they are parsed.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

from harness.folders import cache_dir
from harness.run import versions
from harness.run.model import Header, RuntimeRecord
from harness.runtimes import table, wanted
from harness.runtimes.docker.tags import read_list
from harness.runtimes.host import roots_from_environment
from harness.runtimes.model import AUTO, Resolved, RuntimeOptions
from harness.runtimes.resolve import resolve, resolve_recorded
from harness.runtimes.wanted import Wanted
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
    image_list: Path | None = None
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
            image_list=given["image_list"],
        )

    @property
    def wanted(self) -> tuple[Wanted, ...]:
        """Return the releases and patch releases that are wanted; none where images say their own.

        Raises:
            InputError: `--otp` names none.
        """
        if self.otp is not None:
            return wanted.parse(self.otp)
        if self.images:
            return ()
        return table.in_range() if self.image_list is None else (wanted.ALL,)

    @property
    def is_strict(self) -> bool:
        """Tell whether a missing release is an error: by option, or in CI when named."""
        if self.strict is not None:
            return self.strict
        return bool(os.environ.get("CI")) and self.otp is not None

    def options(self) -> RuntimeOptions:
        """Return where runtimes may come from.

        Raises:
            InputError: the list of images cannot be read.
        """
        return RuntimeOptions(
            images=self.images,
            image_list=() if self.image_list is None else read_list(self.image_list),
            otp_roots=(*self.otp_roots, *roots_from_environment()),
            cache_dir=cache_dir(),
        )

    def resolve(self, progress: Progress) -> tuple[Resolved, ...]:
        """Find every runtime that is wanted; the errors are those of `resolve.resolve`."""
        if self.recorded:
            return resolve_recorded(self.recorded, options=self.options(), progress=progress)
        return resolve(self.wanted, way=self.way, options=self.options(), progress=progress)

    def for_columns(self, columns: Iterable[str]) -> Self:
        """Return the request for some columns by name, unless it says itself which it wants."""
        if self.otp is not None or self.images:
            return self
        asked = dict.fromkeys(versions.parts_of(name)[0] for name in columns)
        return replace(self, otp=",".join(asked), strict=self.is_strict)

    def as_recorded(self, header: Header) -> Self:
        """Return the request that gives a resumed run the runtimes it began with."""
        return replace(self, strict=True, recorded=header.runtimes)
