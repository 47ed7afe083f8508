"""`beamproof skill`: where it writes, what it refuses, and what it never replaces."""

from __future__ import annotations

from pathlib import Path

import pytest
from support import judging
from support.synthetic_runs import Files

from harness.cli.main import run
from harness.errors import ExitCode
from harness.run.lines import encode


@pytest.fixture
def given(files: Files, tmp_path: Path) -> list[str]:
    """Return the options that name the synthetic claims, run and an output folder."""
    return ["--claims", str(files.claims), "--run", str(files.run), "-o", str(tmp_path / "out")]


def test_each_skill_gets_a_folder_of_its_name(
    given: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Below the one that is named; what is not confirmed is told."""
    assert run(["skill", "beam-skill-a", "beam-skill-b", *given]) == ExitCode.CONFIRMED
    written = {str(path.relative_to(tmp_path / "out")) for path in tmp_path.rglob("*.md")}
    assert written == {
        f"beam-skill-{letter}/{page}"
        for letter in "ab"
        for page in ("SKILL.md", "references/facts.md", "references/sources.md")
    }
    said = capsys.readouterr().err
    assert "! beam-skill-a: the run does not confirm, and leaves out: claim-001, claim-003" in said
    assert "out/beam-skill-b/SKILL.md" in said


def test_the_same_run_gives_the_same_files_again(given: list[str], tmp_path: Path) -> None:
    """Its own files are replaced."""
    out = tmp_path / "out"
    assert run(["skill", "beam-skill-b", *given]) == ExitCode.CONFIRMED
    first = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
    assert run(["skill", "beam-skill-b", *given]) == ExitCode.CONFIRMED
    assert {path: path.read_bytes() for path in out.rglob("*") if path.is_file()} == first


@pytest.mark.parametrize("name", ["SKILL.md", "references/facts.md"])
def test_what_others_wrote_is_not_replaced(
    name: str, given: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing at all is written beside it."""
    theirs = tmp_path / "out" / "beam-skill-b" / name
    theirs.parent.mkdir(parents=True)
    theirs.write_text("by hand")
    assert run(["skill", "beam-skill-b", *given]) == ExitCode.BAD_INPUT
    said = capsys.readouterr().err
    assert f"{theirs} was not written by beamproof: it is not overwritten" in said
    assert "name another folder with --output, or remove the file" in said
    assert [path for path in (tmp_path / "out").rglob("*") if path.is_file()] == [theirs]


def test_an_unknown_skill_is_refused_with_what_was_meant(
    given: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """Before any run is read."""
    assert run(["skill", "beam-skil-a", *given]) == ExitCode.BAD_INPUT
    assert 'did you mean "beam-skill-a"?' in capsys.readouterr().err


def test_without_a_run_there_is_no_skill(
    files: Files, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The message says what makes one."""
    args = ["skill", "beam-skill-a", "--claims", str(files.claims), "-o", str(tmp_path / "out")]
    assert run([*args, "--runs", str(tmp_path / "none")]) == ExitCode.BAD_INPUT
    said = capsys.readouterr().err
    assert f"there is no run in {tmp_path / 'none'}" in said
    assert "beamproof verify makes one" in said
    assert not (tmp_path / "out").exists()


def test_an_empty_run_confirms_nothing(
    files: Files, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A header and no observation."""
    (tmp_path / "empty.jsonl").write_bytes(encode(judging.header("beam-skill-a/claim-000@otp27")))
    args = ["skill", "beam-skill-a", "--claims", str(files.claims), "-o", str(tmp_path / "out")]
    assert run([*args, "--run", str(tmp_path / "empty.jsonl")]) == ExitCode.NOTHING_SELECTED
    said = capsys.readouterr().err
    assert "the run r1 confirms no claim of beam-skill-a" in said
    assert "beamproof verify beam-skill-a makes one" in said
    assert not (tmp_path / "out").exists()


def test_a_file_that_is_no_run_is_refused(
    given: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """As every verb on runs does."""
    (tmp_path / "odd.jsonl").write_text("odd")
    given[given.index("--run") + 1] = str(tmp_path / "odd.jsonl")
    assert run(["skill", "beam-skill-a", *given]) == ExitCode.BAD_INPUT
    assert "odd.jsonl" in capsys.readouterr().err


@pytest.mark.parametrize("args", [["skill"], ["skill", "beam-skill-a"]])
def test_a_skill_and_a_folder_must_be_named(
    args: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """A folder of skills is nowhere by default."""
    assert run(args) == ExitCode.BAD_INPUT
    assert "Missing" in capsys.readouterr().err


def test_a_folder_that_cannot_be_written_is_told(
    given: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """With what to do."""
    (tmp_path / "out").write_text("a file")
    given[-1] = str(tmp_path / "out" / "below")
    assert run(["skill", "beam-skill-a", *given]) == ExitCode.FAILURE
    assert "name another place with --output" in capsys.readouterr().err
