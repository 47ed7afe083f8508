"""The tutorial: its files are written and its commands run, in the reader's order."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.live

TUTORIAL = (Path(__file__).parents[3] / "docs" / "tutorial.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w+)(?: file=(\S+))?\n(.*?)^```$", TUTORIAL, re.DOTALL | re.MULTILINE)


def test_the_whole_way_can_be_gone(tmp_path: Path, way: list[str]) -> None:
    """Each command exits with 0; what stands below it as its output is part of that."""
    roots = [word for word in way if word not in {"--runtime", "host", "--otp-root"}]
    environment = {
        **os.environ,
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
        "BEAMPROOF_OTP_ROOTS": os.pathsep.join(roots),
        "CI": "",
    }
    environment.pop("BEAMPROOF_RUNS", None)
    said = ""
    for kind, file, text in BLOCKS:
        if file:
            path = tmp_path / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        elif kind == "console":
            said = "".join(_run(line, tmp_path, environment) for line in text.splitlines())
        else:
            assert kind == "text"
            for line in text.splitlines():
                assert line in said


def _run(command: str, folder: Path, environment: dict[str, str]) -> str:
    done = subprocess.run(
        shlex.split(command),
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, f"{command}\n{done.stdout[-2000:]}{done.stderr[-2000:]}"
    return done.stdout
