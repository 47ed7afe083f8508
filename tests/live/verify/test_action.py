"""The action that runs a repository's claims: its steps, as GitHub's runner would run them."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from harness.errors import ExitCode
from tests.live.conftest import Trees

pytestmark = pytest.mark.live

ROOT = Path(__file__).parents[3]
ACTION = ROOT / ".github" / "actions" / "verify"
OWN = ROOT / "tests" / "skills" / "our-maps"
INPUT = re.compile(r"\$\{\{ *inputs\.([\w-]+) *\}\}")
REPORT_WANTED = "${{ !cancelled() && inputs.report != '' }}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """Hold what the steps came to: the exit code of each that ran, and what was printed."""

    codes: tuple[int, ...]
    output: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Runner:
    """Run composite steps: shell, folder, inputs and variables as on GitHub.

    Source: https://docs.github.com/actions/reference/workflows-and-actions/variables
    """

    workspace: Path
    temp: Path

    def run(self, **given: str) -> Done:
        """Run all steps; after one that failed, those that want to run all the same."""
        action = yaml.safe_load((ACTION / "action.yml").read_text())
        assert action["runs"]["using"] == "composite"
        inputs = {name: one["default"] for name, one in action["inputs"].items()}
        assert given.keys() <= inputs.keys()
        inputs |= given
        codes: list[int] = []
        output = ""
        for step in action["runs"]["steps"]:
            if self._is_wanted(step, inputs, failed=any(codes)):
                done = self._step(step, inputs)
                codes.append(done.returncode)
                output += done.stdout + done.stderr
        return Done(codes=tuple(codes), output=output)

    @staticmethod
    def _is_wanted(step: dict[str, Any], inputs: dict[str, str], *, failed: bool) -> bool:
        if "if" not in step:
            return not failed
        assert step["if"] == REPORT_WANTED, "the runner here knows no other condition"
        return inputs["report"] != ""

    def _step(
        self, step: dict[str, Any], inputs: dict[str, str]
    ) -> subprocess.CompletedProcess[str]:
        assert step["shell"] == "bash", "a composite step names its shell"
        folder = self._filled(step.get("working-directory", "."), inputs)
        script = self.temp / "step.sh"
        script.write_text(self._filled(step["run"], inputs))
        own = {name: self._filled(text, inputs) for name, text in step.get("env", {}).items()}
        return subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", str(script)],
            cwd=self.workspace / folder,
            env=self._variables() | own,
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )

    @staticmethod
    def _filled(text: str, inputs: dict[str, str]) -> str:
        filled = INPUT.sub(lambda found: inputs[found[1]], text)
        assert "${{" not in filled, filled
        return filled

    def _variables(self) -> dict[str, str]:
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("BEAMPROOF_R", "PYTEST_", "PYTHON", "VIRTUAL_ENV"))
        }
        return kept | {
            "CI": "true",
            "GITHUB_ACTIONS": "true",
            "GITHUB_ACTION_PATH": str(ACTION),
            "GITHUB_WORKSPACE": str(self.workspace),
            "GITHUB_STEP_SUMMARY": str(self.temp / "summary.md"),
            "RUNNER_TEMP": str(self.temp),
            "RUNNER_OS": "Linux",
        }


@pytest.fixture(scope="module")
def temp(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the runner's folder; what the first test installs serves the next."""
    return tmp_path_factory.mktemp("runner")


@pytest.fixture
def runner(temp: Path, tmp_path: Path, install: Trees) -> Runner:
    """Return a runner with a repository that has claims of its own in a folder below."""
    for release in (25, 27):
        install(release)
    shutil.copytree(OWN, tmp_path / "proofs")
    (temp / "summary.md").unlink(missing_ok=True)
    return Runner(workspace=tmp_path, temp=temp)


GIVEN = {"otp": "25,27", "runtime": "debian", "working-directory": "proofs", "report": "site"}


@pytest.mark.xdist_group("action")
def test_the_action_proves_a_repositorys_claims(runner: Runner) -> None:
    """It installs itself, runs them, makes the site and the summary of the job."""
    done = runner.run(**GIVEN)
    assert done.codes == (0, 0, 0), done.output
    assert "4 confirmed" in done.output
    assert (runner.workspace / "proofs" / "site" / "index.html").is_file()
    assert "## beamproof: 4 confirmed" in (runner.temp / "summary.md").read_text()


@pytest.mark.xdist_group("action")
def test_what_does_not_hold_fails_the_job_and_is_marked(runner: Runner) -> None:
    """On the line of its claim; the report is made all the same."""
    claims = runner.workspace / "proofs" / "claims" / "our-maps.toml"
    claims.write_text(claims.read_text().replace("sorted_map_count = 32", "sorted_map_count = 31"))
    done = runner.run(**GIVEN, skills="our-maps", options="--strict --claim small-map-limit")
    assert done.codes == (0, ExitCode.REFUTED, 0), done.output
    assert re.search(r"^::error file=\S*our-maps\.toml,line=4,", done.output, re.MULTILINE)
    assert "refuted" in (runner.temp / "summary.md").read_text()
    (runner.temp / "summary.md").unlink()
    assert runner.run(**{**GIVEN, "report": ""}).codes == (0, ExitCode.REFUTED)
    assert not (runner.temp / "summary.md").exists()
