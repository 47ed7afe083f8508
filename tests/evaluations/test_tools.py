"""Exported questions load in inspect-ai, lm-eval and promptfoo.

The tools are large: `make evaluations` puts them below the cache and asks for these tests.
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from support.confirming import confirming

from harness.claims.folder import load_skills
from harness.folders import cache_dir, default_claims_dir
from harness.report.export.formats import Format, folder
from harness.report.export.questions import HELDOUT, TRAIN, Question, questions
from harness.run.file import read_run
from tests.conftest import Missing

ROOT = Path(__file__).parents[2]
ASKED = Path(__file__).parent / "asked"
TOOLS = cache_dir() / "evaluations"
PYTHON = TOOLS / "venv" / "bin" / "python"
PROMPTFOO = TOOLS / "node" / "node_modules" / ".bin" / "promptfoo"


@pytest.fixture(scope="module")
def made() -> tuple[Question, ...]:
    """Return the questions of a run that confirms every claim."""
    run = read_run(ROOT / "tests" / "evidence" / "beam-memory-management.jsonl")
    return questions(confirming(run, load_skills(default_claims_dir())), "1")


def written(form: Format, made: tuple[Question, ...], to: Path) -> Path:
    for name, content in folder(form, made):
        (to / name).write_bytes(content)
    return to


def said(words: list[str | Path], cwd: Path) -> str:
    """Run a tool without telemetry and network settings of the user's."""
    environment = {
        **os.environ,
        "HF_HUB_OFFLINE": "1",
        "HF_HOME": str(cwd / "hf"),
        "PROMPTFOO_CONFIG_DIR": str(cwd / "promptfoo"),
        "PROMPTFOO_DISABLE_TELEMETRY": "1",
        "PROMPTFOO_DISABLE_UPDATE": "1",
    }
    done = subprocess.run(
        words, cwd=cwd, env=environment, capture_output=True, text=True, check=False, timeout=300
    )
    assert done.stdout, done.stderr[-2000:]
    return done.stdout


def wanted(tool: Path, missing: Missing) -> None:
    """Skip unless these tests were asked for: a tool that happens to be there is no reason."""
    asked_for = "evaluations" in os.environ.get("BEAMPROOF_REQUIRE", "").split(",")
    if not (asked_for and tool.exists()):
        missing("evaluations", f"{tool} is for `make evaluations`")


def count(made: tuple[Question, ...], part: str) -> int:
    return sum(one.split == part for one in made)


def test_inspect_asks_and_scores(
    made: tuple[Question, ...], tmp_path: Path, missing: Missing
) -> None:
    """A mock model that knows the true sentences gets all points."""
    wanted(PYTHON, missing)
    there = written(Format.INSPECT, made, tmp_path)
    found = json.loads(said([PYTHON, ASKED / "ask_inspect.py"], there).splitlines()[-1])
    assert found == {"status": "success", "samples": count(made, HELDOUT), "accuracy": 1.0}


def test_lm_eval_loads_the_task(
    made: tuple[Question, ...], tmp_path: Path, missing: Missing
) -> None:
    """Both parts, the text with its choices, the letters, and the place of the true one."""
    wanted(PYTHON, missing)
    there = written(Format.LM_EVAL, made, tmp_path)
    found = json.loads(said([PYTHON, ASKED / "ask_lm_eval.py"], there).splitlines()[-1])
    first = next(one for one in made if one.split == HELDOUT)
    assert (found["train"], found["heldout"]) == (count(made, TRAIN), count(made, HELDOUT))
    assert found["choices"] == ["A", "B", "C", "D"]
    assert found["target"] == first.answer
    assert all(f") {choice}" in found["text"] for choice in first.choices)


def test_promptfoo_echoes_every_question(
    made: tuple[Question, ...], tmp_path: Path, missing: Missing
) -> None:
    """Each question is rendered as it is; an echo is no letter, so none is right and none errs."""
    wanted(PROMPTFOO, missing)
    there = written(Format.PROMPTFOO, made, tmp_path)
    said([PROMPTFOO, "eval", "--no-cache", "--no-table", "-o", "found.json"], there)
    found: dict[str, Any] = json.loads((there / "found.json").read_text(encoding="utf-8"))
    stats = found["results"]["stats"]
    assert (stats["failures"], stats["errors"]) == (count(made, HELDOUT), 0)
    echoed = [one["response"]["output"] for one in found["results"]["results"]]
    for one in made:
        if one.split == HELDOUT:
            text = "\n".join(
                f"{letter}) {it}" for letter, it in zip("ABCD", one.choices, strict=True)
            )
            assert any(text in output for output in echoed), one.id
