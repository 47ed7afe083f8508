"""Patch releases of one major in one run: columns of their own, from run file to reports."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from support.patch_releases import dressed

from harness.errors import ExitCode
from harness.run.file import read_run

pytestmark = pytest.mark.live

SKILLS = Path(__file__).parents[2] / "skills"
VERSIONS = ("27.3.4.9", "27.3.4.10", "27.0")

Command = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def roots(erls: dict[int, Path], tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Return installs that are one OTP under several versions."""
    folder = tmp_path_factory.mktemp("patches")
    return [dressed(erls[27], version, folder) for version in VERSIONS]


@pytest.fixture
def beamproof(tmp_path: Path, roots: list[Path]) -> Command:
    """Return the command, with those installs and runs of its own."""
    environment = {
        **os.environ,
        "BEAMPROOF_OTP_ROOTS": os.pathsep.join(map(str, roots)),
        "BEAMPROOF_RUNS": str(tmp_path / "runs"),
        "CI": "",
    }

    def run(*words: str, skill: str = "our-maps") -> subprocess.CompletedProcess[str]:
        root = SKILLS / skill
        folders = ["--claims", str(root / "claims")]
        if words[0] == "verify":
            folders += ["--probes", str(root / "erlang_probes"), "--runtime", "host"]
        command = [sys.executable, "-m", "harness", *words, *folders]
        return subprocess.run(
            command, env=environment, capture_output=True, text=True, check=False, timeout=120
        )

    return run


def test_patch_releases_are_columns_of_their_own(beamproof: Command, tmp_path: Path) -> None:
    """In the order of versions; each cell names its own, in the run and in every report."""
    done = beamproof("verify", "--otp", "27.*")
    assert done.returncode == ExitCode.CONFIRMED, done.stderr
    (path,) = (tmp_path / "runs").glob("*.jsonl")
    run = read_run(path)
    names = [f"otp{version}" for version in ("27.0", "27.3.4.9", "27.3.4.10")]
    assert [record.name for record in run.header.runtimes] == names
    assert {cell.runtime for cell in run.by_cell} == set(names)
    shown = json.loads(beamproof("report", str(path), "--format", "json").stdout)
    assert {one["cell"].rpartition("@")[2] for one in shown["findings"]} == set(names)
    junit = beamproof("report", str(path), "--format", "junit").stdout
    assert all(f'name="our-maps@{name}"' in junit for name in names)


def test_a_part_of_such_a_run_goes_on(beamproof: Command, tmp_path: Path) -> None:
    """With the same patch releases, found by their folders."""
    assert beamproof("verify", "--otp", "27.*").returncode == ExitCode.CONFIRMED
    (path,) = (tmp_path / "runs").glob("*.jsonl")
    whole = read_run(path)
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:-3]))
    done = beamproof("verify", "--resume", str(path))
    assert done.returncode == ExitCode.CONFIRMED, done.stderr
    again = read_run(path)
    assert again.complete
    assert again.by_cell.keys() == whole.by_cell.keys()


def test_failed_asks_the_patch_releases_that_failed(beamproof: Command) -> None:
    """Not the releases that are asked by default."""
    first = beamproof("verify", "--claim", "crashes", "--otp", "27.3.4.10", skill="misbehaving")
    assert first.returncode == ExitCode.INCONCLUSIVE, first.stderr
    assert "--otp 27.3.4.10" in first.stdout
    again = beamproof("verify", "--failed", "--plan", skill="misbehaving")
    assert "misbehaving/crashes@otp27.3.4.10" in again.stdout
    assert "1 cells, 1 calls" in again.stdout


def test_one_that_is_not_here_names_its_neighbours(beamproof: Command) -> None:
    """Alone it ends the command; beside others its column is left out."""
    done = beamproof("verify", "--otp", "27.2")
    assert done.returncode == ExitCode.RUNTIME_MISSING
    assert "OTP 27.2: no image or install here is it; near it there are 27.0, 27.3.4.9" in (
        done.stderr
    )
    done = beamproof("verify", "--otp", "27.0,27.2")
    assert done.returncode == ExitCode.CONFIRMED
    assert beamproof("verify", "--otp", "27.0,27.2", "--strict").returncode == (
        ExitCode.RUNTIME_MISSING
    )


def test_a_list_that_cannot_be_read_is_bad_input(beamproof: Command, tmp_path: Path) -> None:
    """Before anything starts."""
    done = beamproof("verify", "--images", str(tmp_path / "gone"))
    assert done.returncode == ExitCode.BAD_INPUT
    assert "cannot read the list of images" in done.stderr
