"""`beamproof verify`: load, select, resolve, plan, collect, judge, render.

Knows: how the two branches of the package meet. Must not know: how either does its work.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from harness import session
from harness.claims import Skill, load_skills
from harness.cli_options import claims_option, latest_run, probes_option, runs_option
from harness.errors import ExitCode, InputError, NothingSelectedError
from harness.judge import Finding, Verdict
from harness.matrix import KNOWN_RELEASES, Selection, parse_releases
from harness.plan import NodeMode
from harness.run import Run, read_run


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """Hold the options of one invocation, as they were typed."""

    skills: tuple[str, ...]
    claims: tuple[str, ...]
    otp: str | None
    way: str
    image: str | None
    otp_roots: tuple[Path, ...]
    failed: bool
    strict: bool | None
    claims_dir: Path
    probes_dir: Path
    runs_dir: Path

    @property
    def releases(self) -> tuple[int, ...]:
        """Return the releases that are wanted; none where an image tells its own."""
        if self.otp is not None:
            return parse_releases(self.otp)
        return () if self.image is not None else tuple(KNOWN_RELEASES)

    @property
    def is_strict(self) -> bool:
        """Tell whether a missing release is an error: by option, or named in CI."""
        if self.strict is not None:
            return self.strict
        return bool(os.environ.get("CI")) and self.otp is not None
