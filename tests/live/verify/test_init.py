"""A team's first minutes: a folder is made, its claim holds, falls, and is found from below."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from harness.errors import ExitCode

pytestmark = pytest.mark.live


def test_what_init_writes_is_proven_and_falls(tmp_path: Path, way: list[str]) -> None:
    """By the commands that it names, from anywhere in the folder."""

    def beamproof(*words: str, at: Path = tmp_path) -> subprocess.CompletedProcess[str]:
        found = {
            name: value for name, value in os.environ.items() if not name.startswith("BEAMPROOF_R")
        }
        return subprocess.run(
            [sys.executable, "-m", "harness", *words],
            cwd=at, env=found, capture_output=True, text=True, check=False, timeout=120,
        )  # fmt: skip

    made = beamproof("init", "--skill", "our-timers")
    assert made.returncode == ExitCode.CONFIRMED, made.stderr
    assert made.stdout.endswith("then: beamproof verify\n")
    below = tmp_path / "src" / "deep"
    below.mkdir(parents=True)
    for words in (
        ("lint",),
        ("verify", "--otp", "25,27", *way),
        ("mutate",),
        ("sabotage", "our-timers", "--otp", "27", *way),
    ):
        done = beamproof(*words, at=below)
        assert done.returncode == ExitCode.CONFIRMED, done.stdout + done.stderr
    begun = beamproof("new", "our-timers/next", at=below)
    assert "then: beamproof lint our-timers && beamproof verify --claim our-timers/next" in (
        begun.stdout
    )
    assert "next" in (tmp_path / "claims" / "our-timers.toml").read_text()
