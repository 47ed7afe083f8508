"""The README: every command in it is run, and the table in it is the one that is printed."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.claims.folder import load_skills
from harness.errors import ExitCode
from harness.folders import default_claims_dir
from harness.runtimes.docker import images

pytestmark = [pytest.mark.live, pytest.mark.xdist_group("readme")]  # in the reader's order

ROOT = Path(__file__).parents[3]
README = (ROOT / "README.md").read_text(encoding="utf-8")
COMMANDS = [
    line
    for block in re.findall(r"```console\n(.*?)```", README, re.DOTALL)
    for line in block.splitlines()
]
CLUSTER = "tcp://scheduler:8786"
IMAGE = "registry.example/your/app:1.2"
DRY = ("make test", "make bench")
"""Commands that would run this test again, or for minutes: make shows what they would do."""

SKILL = "beam-memory-management"
PART = {
    "make verify": "CLAIM=refc-threshold*",
    "beamproof verify": "--claim=refc-threshold*",
    "beamproof sabotage": "--claim=refc-threshold",
    "pytest claims/beam-memory-management.toml": "-k=refc-threshold",
}
"""What is added to commands about a whole skill: as much work as ever, however the skill grows."""


@pytest.fixture(scope="session")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Return an environment with the commands of this one on the PATH and runs of its own."""
    return {
        **os.environ,
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
        "BEAMPROOF_RUNS": str(tmp_path_factory.mktemp("runs")),
        "CI": "",  # a reader's machine: a release that it lacks is left out
    }


@pytest.fixture(scope="session")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the page that the README shows."""
    folder = tmp_path_factory.mktemp("pages")
    (page,) = re.findall(r"```markdown\n(.*?)```", README, re.DOTALL)
    (folder / "guide.md").write_text(page, encoding="utf-8")
    return folder


def part_of(command: str) -> list[str]:
    """Return the words that make a part of a whole skill out of a command."""
    if SKILL not in command or "--claim" in command:
        return []
    return [added for start, added in PART.items() if command.startswith(start)]


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_of_the_readme_works(
    command: str,
    environment: dict[str, str],
    import_image: Callable[[int], images.Image],
    pages: Path,
    tmp_path: Path,
) -> None:
    """What a reader copies does what the text beside it says."""
    if IMAGE in command or "--docker" in command:
        command = command.replace(IMAGE, import_image(27).reference)
    command = command.replace(CLUSTER, "local:2")
    words = [*shlex.split(command), *part_of(command)]
    if "--output" in words:  # whoever runs the tests may have a report of that name
        at = words.index("--output") + 1
        words[at] = str(tmp_path / words[at])
    if command in DRY:
        words.insert(1, "--dry-run")
    expected = {ExitCode.CONFIRMED}
    if "--failed" in words:  # the run before it confirmed everything
        expected = {ExitCode.NOTHING_SELECTED}
    if "mutate" in words:  # the runs before it hold a part of the skill, and it says so
        expected = {ExitCode.INCONCLUSIVE}
    cwd = pages if "guide.md" in words else ROOT
    done = subprocess.run(
        words, cwd=cwd, env=environment, capture_output=True, text=True, check=False, timeout=600
    )
    assert done.returncode in expected, done.stdout[-2000:] + done.stderr[-2000:]


def test_the_table_of_the_readme_is_complete() -> None:
    """Every claim of the skill is counted in the table, confirmed on both releases."""
    (skill,) = load_skills(default_claims_dir(), [SKILL])
    (counts,) = re.findall(r"^beam-memory-management +(\d+) ✔ +(\d+) ✔$", README, re.MULTILINE)
    assert counts == (str(len(skill.claims)),) * 2
