"""What does not hold is marked in the change, on the line of its claim."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.judging import claim, failed, observation, rival, sample

from harness.claims.problems import Problem, Severity
from harness.judge.judge import judge
from harness.report.workflow_commands import of_findings, of_problems, wanted
from harness.run.model import FailureKind

LAW = claim({"a_count": 1}, rival({"a_count": 2}), name="law")


def test_a_claim_refuted_alike_on_several_releases_is_one_mark() -> None:
    """With its file below the working directory, its line and its reason."""
    bad = [judge(LAW, observation(sample({"a_count": 2}), version=one)) for one in ("25.3", "27.3")]
    good = judge(LAW, observation(sample({"a_count": 1}), version="26.2"))
    (line,) = of_findings([bad[0], good, bad[1]])
    assert line.startswith("::error file=")
    assert "title=beam-test/law is refuted on otp25%2C otp27::a_count: predicted 1" in line


def test_what_decides_nothing_is_a_warning_and_stays_on_one_line() -> None:
    """A runner reads line by line."""
    crashed = judge(LAW, observation(failed(FailureKind.CRASHED, "50%\nof it")))
    (line,) = of_findings([crashed])
    assert line.startswith("::warning file=")
    assert line.endswith("50%25%0Aof it")


def test_problems_of_claim_files_are_marked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As lint prints them."""
    monkeypatch.chdir(tmp_path)
    problems = [
        Problem(path=tmp_path / "claims" / "x.toml", line=3, message="no rival"),
        Problem(path=Path("/a/x.toml"), line=1, message="odd", severity=Severity.WARNING),
    ]
    assert list(of_problems(problems)) == [
        "::error file=claims/x.toml,line=3::no rival",
        "::warning file=/a/x.toml,line=1::odd",
    ]


def test_only_a_runner_is_told() -> None:
    """Nobody else reads such lines."""
    assert wanted({"GITHUB_ACTIONS": "true"})
    assert not wanted({})
