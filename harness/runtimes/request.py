"""Which releases one command wants, and where they may come from.

Knows: releases and ways. Must not know: how a runtime is found, options as they are parsed.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

from harness.errors import InputError
from harness.folders import cache_dir
from harness.run.model import Header
from harness.runtimes import RuntimeOptions, Way
from harness.runtimes.table import KNOWN_RELEASES, parse_releases

WAYS = ("auto", *(way.value for way in Way))


@dataclass(frozen=True, slots=True, kw_only=True)
class RuntimeRequest:
    """Hold which releases one invocation wants, and where they come from."""

    otp: str | None
    way: str
    image: str | None
    otp_roots: tuple[Path, ...]
    strict: bool | None
    recorded: tuple[int, ...] = ()

    @classmethod
    def of(cls, given: dict[str, Any]) -> Self:
        """Read the request from the values that click parsed."""
        return cls(
            otp=given["otp"],
            way=given["way"],
            image=given["image"],
            otp_roots=given["otp_roots"],
            strict=given["strict"],
        )

    @property
    def releases(self) -> tuple[int, ...]:
        """Return the releases that are wanted; none where an image says its own."""
        if self.recorded:
            return self.recorded
        if self.otp is not None:
            return parse_releases(self.otp)
        return () if self.image is not None else tuple(KNOWN_RELEASES)

    @property
    def is_strict(self) -> bool:
        """Tell whether a missing release is an error: by option, or in CI when named."""
        if self.strict is not None:
            return self.strict
        return bool(os.environ.get("CI")) and self.otp is not None

    def options(self) -> RuntimeOptions:
        """Return where runtimes may come from."""
        roots = os.environ.get("BEAMPROOF_OTP_ROOTS", "")
        named = tuple(Path(root) for root in roots.split(os.pathsep) if root)
        return RuntimeOptions(
            image=self.image, otp_roots=(*self.otp_roots, *named), cache_dir=cache_dir()
        )

    def as_recorded(self, header: Header) -> Self:
        """Return the request that gives a resumed run the runtimes it began with.

        Raises:
            InputError: the run used several ways, which no one command can ask for.
        """
        ways = {record.way for record in header.runtimes}
        if len(ways) != 1:
            raise InputError(
                f"the run used several kinds of runtime ({', '.join(sorted(ways))})",
                hint="name the rest yourself: --failed repeats what it did not confirm",
            )
        return replace(
            self,
            way=ways.pop(),
            strict=True,
            recorded=tuple(record.release for record in header.runtimes),
        )
