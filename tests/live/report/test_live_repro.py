"""Files that show a claim by themselves: run alone, as a reader does, on each release."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from harness.errors import ExitCode

pytestmark = pytest.mark.live

ALONE = (
    "beam-memory-management/refc-threshold",
    "beam-fault-tolerance/process-limit",
    "beam-distribution-internals/mesh-forms",
)
"""One of each kind: no more than a VM; one with flags; nodes of a cluster."""

VACANT = "-module(beam_vacant).\n-export([zero/1]).\nzero(#{{}}) -> #{{seen_count => {found}}}.\n"
CLAIM = """\
skill = "beam-vacant"
description = "A skill of the tests."

[[claim]]
id = "zero"
statement = "It is zero."
sources = ["https://www.erlang.org/doc/system/binaryhandling.html"]
{otp}
expect.seen_count = 0
[[claim.rival]]
statement = "It is one."
expect.seen_count = 1
"""


def written(folder: Path, name: str, *options: str) -> Path:
    path = folder / "show.escript"
    done = subprocess.run(
        [sys.executable, "-m", "harness", "repro", name, "-o", str(path), *options],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == ExitCode.CONFIRMED, done.stderr
    return path


def run(erl: Path, *words: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run an escript with nothing of this project around it."""
    scratch = cwd / "scratch"
    scratch.mkdir(exist_ok=True)
    environment = {"PATH": os.environ["PATH"], "HOME": str(cwd), "TMPDIR": str(scratch)}
    done = subprocess.run(
        [erl.parent / "escript", *words],
        capture_output=True, text=True, check=False, timeout=120, cwd=cwd, env=environment,
    )  # fmt: skip
    assert list(scratch.iterdir()) == [], "nothing is left behind"
    return done


def own_skill(folder: Path, found: str, otp: str = "") -> list[str]:
    """Write a skill of one claim whose probe returns what is given."""
    (folder / "beam-vacant.toml").write_text(CLAIM.format(otp=f'otp = "{otp}"' if otp else ""))
    (folder / "beam_vacant.erl").write_text(VACANT.format(found=found))
    return ["--claims", str(folder), "--probes", str(folder)]


@pytest.mark.parametrize("name", ALONE)
def test_a_file_runs_alone(name: str, release: int, erls: dict[int, Path], tmp_path: Path) -> None:
    """It prints sentence, evidence, predictions, rivals and verdict, and exits as we would."""
    path = written(tmp_path, name)
    done = run(erls[release], path, cwd=tmp_path)
    assert done.returncode == ExitCode.CONFIRMED, done.stdout + done.stderr
    assert done.stderr == ""
    for words in (
        name,
        f"OTP {release}.",
        "evidence, sample 1",
        "the claim predicts",
        "confirmed: ",
    ):
        assert words in done.stdout
    assert "a rival, contradicted: " in done.stdout


@pytest.mark.parametrize(
    ("found", "otp", "outcome"),
    [
        ("0", "", (ExitCode.CONFIRMED, "confirmed: 1 prediction holds, 1 rival is contradicted")),
        ("1", "", (ExitCode.REFUTED, "- seen_count: 0; found 1")),
        ("error({setup, luck})", "", (ExitCode.INCONCLUSIVE, "raised error: {setup,luck}")),
        ("halt(3)", "", (ExitCode.INCONCLUSIVE, "the VM ended during the call")),
        ("self()", "", (ExitCode.REFUTED, 'found "<0.')),
        ("1", ">=99", (ExitCode.NOTHING_SELECTED, "it does not hold, as that says")),
        ("0", ">=99", (ExitCode.INCONCLUSIVE, "it holds, too")),
    ],
)
def test_the_verdict_is_the_exit_code(
    found: str, otp: str, outcome: tuple[int, str], erls: dict[int, Path], tmp_path: Path
) -> None:
    """Confirmed 0, refuted 1, inconclusive 2, a release that the claim is not about 3."""
    code, words = outcome
    path = written(tmp_path, "beam-vacant/zero", *own_skill(tmp_path, found, otp))
    done = run(erls[27], path, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (code, ""), done.stdout
    assert words in done.stdout


def test_a_probe_that_does_not_compile_is_inconclusive(
    erls: dict[int, Path], tmp_path: Path
) -> None:
    """The compiler's words are told, and nothing is judged."""
    path = written(tmp_path, "beam-vacant/zero", *own_skill(tmp_path, "Unbound"))
    done = run(erls[25], path, cwd=tmp_path)
    assert done.returncode == ExitCode.INCONCLUSIVE
    assert "beam_vacant.erl does not compile here" in done.stderr


def test_a_file_takes_options_and_claims(erls: dict[int, Path], tmp_path: Path) -> None:
    """--json prints a line a claim, --list names them; what is unknown is bad input."""
    path = written(tmp_path, "beam-vacant", *own_skill(tmp_path, "0"))
    told: dict[str, Any] = json.loads(run(erls[27], path, "--json", "zero", cwd=tmp_path).stdout)
    assert told["verdict"] == "confirmed"
    assert told["samples"] == [{"evidence": {"seen_count": 0}}]
    assert (told["predictions"], told["rivals"]) == ([True], [[False]])
    assert run(erls[27], path, "--list", cwd=tmp_path).stdout == "beam-vacant/zero\n"
    for words, said in ((["one"], 'no claim "one"'), (["--jsn"], "no option --jsn")):
        refused = run(erls[27], path, *words, cwd=tmp_path)
        assert refused.returncode == ExitCode.BAD_INPUT
        assert said in refused.stderr
