"""More than one machine, or one night: shares that make a whole, and what is not repeated."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from harness.errors import ExitCode
from harness.run.file import read_run
from harness.run.model import Run

pytestmark = pytest.mark.live

OWN = Path(__file__).parents[2] / "skills" / "our-maps"


class Folder:
    """Hold a copy of a team's claims and probes, and run verbs in it."""

    def __init__(self, root: Path) -> None:
        shutil.copytree(OWN, root, dirs_exist_ok=True)
        self.claims = root / "claims" / "our-maps.toml"
        self.probes = root / "erlang_probes" / "our_maps.erl"
        self.root = root

    def __call__(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "harness", *words, "--runs", "runs"],
            cwd=self.root,
            env={**os.environ, "CI": ""},
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )

    def newest(self) -> Run:
        return read_run(max((self.root / "runs").glob("*.jsonl"), key=lambda path: path.name))


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def test_shares_are_joined_to_the_whole(folder: Folder, way: list[str]) -> None:
    """Each runs its calls, merge finds nothing missing, and says so where a share is lost."""
    first: Path | None = None
    for number in (1, 2):
        done = folder("verify", *way, "--shard", f"{number}/2")
        assert done.returncode == ExitCode.CONFIRMED, done.stdout + done.stderr
        assert f"share {number}/2: " in done.stderr
        runs = [str(path) for path in (folder.root / "runs").glob("*.jsonl")]
        first = first or Path(runs[0])
    whole = folder("merge", *runs, "-o", "whole.jsonl", "--complete")
    assert whole.returncode == ExitCode.CONFIRMED, whole.stderr
    assert "!" not in whole.stderr
    half = folder("merge", str(first), "-o", "half.jsonl", "--complete")
    assert half.returncode == ExitCode.INCONCLUSIVE
    assert "OTP 27: share 2/2 did not arrive" in half.stderr


def test_what_did_not_change_is_taken_over(folder: Folder, way: list[str]) -> None:
    """A claim is judged anew without a call; a probe that was touched is called again."""
    assert folder("verify", *way, "--reuse", "1h").returncode == ExitCode.CONFIRMED
    first = folder.newest()
    calls = len(first.observations)
    again = folder("verify", *way, "--reuse", "1h")
    assert f"taken over: {calls} of {calls} calls, made by {first.header.run}" in again.stdout
    assert {one.taken_from for one in folder.newest().observations} == {first.header.run}
    edit(folder.claims, "largest_sorted_map_count = 32", "largest_sorted_map_count = 31")
    judged = folder("verify", *way, "--reuse", "1h")
    assert judged.returncode == ExitCode.REFUTED
    assert f"taken over: {calls} of {calls} calls" in judged.stdout
    edit(folder.probes, "-module(our_maps).", "-module(our_maps). %% touched")
    called = folder("verify", *way, "--reuse", "1h")
    assert "taken over" not in called.stdout
    assert all(one.taken_from is None for one in folder.newest().observations)


def test_a_campaign_counts_the_rounds_of_each_cell(folder: Folder, way: list[str]) -> None:
    """The seed that shuffles is told and kept, and what was observed is read again later."""
    done = folder("verify", *way, "--claim", "small-map-limit", "--until-stable", "3s")
    assert done.returncode == ExitCode.CONFIRMED, done.stdout + done.stderr
    assert "stability: 2 of 2 cells always alike, in " in done.stdout
    run = folder.newest()
    assert f"--seed {run.header.seed}" in done.stderr
    assert run.complete
    assert {one.round for one in run.repeats} >= {1}
    assert folder("judge", "latest").returncode == ExitCode.CONFIRMED
