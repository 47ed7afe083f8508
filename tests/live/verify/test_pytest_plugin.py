"""The pytest plugin, as a team uses it: pytest on a claims folder, in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from harness.run.file import read_run
from harness.run.stored import latest_run

pytestmark = pytest.mark.live

SKILLS = Path(__file__).parents[2] / "skills"


@pytest.fixture(scope="session", name="way")
def prefixed(way: list[str]) -> list[str]:
    """Return the options of `way` under the names that they have in pytest."""
    return [word.replace("--", "--beamproof-", 1) if word[:2] == "--" else word for word in way]


def run_pytest(
    folder: Path, way: list[str], skill: str, *options: str
) -> subprocess.CompletedProcess[str]:
    root = SKILLS / skill
    command = [sys.executable, "-m", "pytest", str(root / "claims"), "-p", "no:cacheprovider"]
    return subprocess.run(
        [
            *command,
            "--rootdir",
            str(folder),
            "--beamproof-probes",
            str(root / "erlang_probes"),
            *way,
            *options,
        ],
        cwd=folder,
        env={**os.environ, "CI": ""},  # CI makes a release that is named and missing an error
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


def outcomes(path: Path) -> dict[str, str]:
    """Return `passed`, `failure`, `error` or `skipped` by the name of each test case."""
    found = {}
    for case in ET.parse(path).iter("testcase"):  # noqa: S314 - written by pytest a moment ago
        kinds = [child.tag for child in case if child.tag in {"failure", "error", "skipped"}]
        found[case.attrib["name"]] = kinds[0] if kinds else "passed"
    return found


def test_each_cell_is_an_item_with_its_name(tmp_path: Path, way: list[str]) -> None:
    """The name of an item is the name of the cell, everywhere else as well."""
    done = run_pytest(tmp_path, way, "our-maps", "--beamproof-otp", "25,27", "--collect-only", "-q")
    assert [line.rpartition("::")[2] for line in done.stdout.splitlines() if "::" in line] == [
        "our-maps/small-map-limit@otp25",
        "our-maps/small-map-limit@otp27",
        "our-maps/atom-keys@otp25",
        "our-maps/atom-keys@otp27",
    ]


def test_a_teams_own_skill_passes_on_several_processes(tmp_path: Path, way: list[str]) -> None:
    """With pytest-xdist every process has nodes of its own."""
    done = run_pytest(tmp_path, way, "our-maps", "--beamproof-otp", "25,27", "-n", "2")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "4 passed" in done.stdout


@pytest.mark.parametrize("processes", [[], ["-n", "2"]], ids=["one", "several"])
def test_a_session_is_kept_as_one_run(tmp_path: Path, way: list[str], processes: list[str]) -> None:
    """As `verify` would have made it, also where several processes observed it."""
    runs = tmp_path / "runs"
    options = ["--beamproof-otp", "25,27", "--beamproof-runs", str(runs), *processes]
    done = run_pytest(tmp_path, way, "our-maps", *options)
    assert done.returncode == 0, done.stdout + done.stderr
    (path,) = runs.glob("*.jsonl")
    run = read_run(path)
    assert run.complete
    assert {str(cell) for cell in run.by_cell} == {
        f"our-maps/{claim}@otp{release}"
        for claim in ("small-map-limit", "atom-keys")
        for release in (25, 27)
    }
    assert all(run.source_of(seen) for seen in run.observations)
    assert {one.name for one in runs.iterdir()} == {path.name, ".latest"}
    assert latest_run(runs) == path


def test_verdicts_become_outcomes(tmp_path: Path, way: list[str]) -> None:
    """Refuted fails with predicted against found, inconclusive is an error, left out is skipped."""
    wanted = "refuted or rival-fits or crashes or fine or not-on"
    options = ["--beamproof-otp", "27", "--junitxml", str(tmp_path / "junit.xml"), "-k", wanted]
    done = run_pytest(tmp_path, way, "misbehaving", *options)
    assert outcomes(tmp_path / "junit.xml") == {
        "misbehaving/fine@otp27": "passed",
        "misbehaving/crashes@otp27": "error",
        "misbehaving/refuted@otp27": "failure",
        "misbehaving/rival-fits@otp27": "error",
        "misbehaving/not-on-this-release@otp27": "skipped",
        "misbehaving/still-fine@otp27": "passed",
    }
    assert "answer_count: predicted 42, found 41" in done.stdout
    assert "the probe crashed: error: badarith" in done.stdout
    assert "a line of the probe" in done.stdout


def test_markers_select_by_need(tmp_path: Path, way: list[str]) -> None:
    """`-m` knows the needs that claims declare."""
    options = ["--beamproof-otp", "27", "-m", "nif or timing", "--collect-only", "-q"]
    done = run_pytest(tmp_path, way, "misbehaving", *options)
    assert "no tests collected" in done.stdout


def test_what_is_no_release_is_a_usage_error(tmp_path: Path, way: list[str]) -> None:
    """A message, no traceback."""
    done = run_pytest(tmp_path, way, "our-maps", "--beamproof-otp", "x")
    assert done.returncode == pytest.ExitCode.USAGE_ERROR, done.stdout
    assert "write releases as 25,27 or 24-27" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_missing_release_is_skipped_or_with_strict_an_error(
    tmp_path: Path, way: list[str]
) -> None:
    """Nothing is left out in silence."""
    done = run_pytest(tmp_path, way, "our-maps", "--beamproof-otp", "24,27", "-rs")
    assert "2 passed, 2 skipped" in done.stdout
    assert "no OTP 24 is installed here" in done.stdout
    strict = run_pytest(
        tmp_path, way, "our-maps", "--beamproof-otp", "24,27", "--beamproof-strict-otp"
    )
    assert strict.returncode == pytest.ExitCode.INTERRUPTED
    assert "OTP 24" in strict.stdout
    assert "Traceback" not in strict.stdout


def test_nothing_of_what_was_named_is_an_error(tmp_path: Path, way: list[str]) -> None:
    """A session that could run no cell is not green."""
    done = run_pytest(tmp_path, way, "our-maps", "--beamproof-otp", "24")
    assert done.returncode == pytest.ExitCode.INTERRUPTED
    assert "no OTP 24 is installed here" in done.stdout


def test_an_inconclusive_cell_is_told_in_a_few_lines(tmp_path: Path, way: list[str]) -> None:
    """An error of a cell shows its reason, not pytest's own stack."""
    options = ["--beamproof-otp", "27", "-k", "crashes", "-q"]
    done = run_pytest(tmp_path, way, "misbehaving", *options)
    assert len(done.stdout.splitlines()) < 40
    (summary,) = (line for line in done.stdout.splitlines() if line.startswith("ERROR "))
    assert "the probe crashed" in summary


def test_a_wrong_claim_file_is_an_error_with_its_line(tmp_path: Path, way: list[str]) -> None:
    """What lint says of a file, collection says."""
    (tmp_path / "bad.toml").write_text('skill = "bad"\n\n[[claim]]\nidd = "x"\n')
    command = [sys.executable, "-m", "pytest", "bad.toml", "-p", "no:cacheprovider", *way]
    done = subprocess.run(
        [*command, "--rootdir", str(tmp_path), "--beamproof-otp", "27"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == pytest.ExitCode.INTERRUPTED
    assert 'bad.toml:1: error: the key "description" is missing' in done.stdout
