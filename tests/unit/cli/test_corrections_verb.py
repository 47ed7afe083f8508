"""`beamproof corrections`: what it prints and writes, and how it refuses."""

from __future__ import annotations

from pathlib import Path

import pytest
from support import judging

from harness.cli.main import run
from harness.errors import ExitCode
from harness.run.lines import encode

ROOT = Path(__file__).parents[3]
RECORDED = ROOT / "tests" / "evidence" / "all-skills" / "research.jsonl"


@pytest.fixture
def recorded() -> list[str]:
    """Return the options that name the project's claims and the recorded run."""
    return ["--claims", str(ROOT / "claims"), "--run", str(RECORDED)]


def test_the_page_is_printed_or_written(
    recorded: list[str], tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    """The same bytes; what is left open is told beside it."""
    args = ["corrections", str(ROOT / "claims" / "research.md"), *recorded]
    assert run(args) == ExitCode.CONFIRMED
    printed = capfdbinary.readouterr()
    assert printed.out.startswith(b"# Corrections to research.md\n")
    assert b"! the run does not confirm, and leaves out: beam-scheduler-tuning/" in printed.err
    assert run([*args, "-o", str(tmp_path / "docs" / "page.md")]) == ExitCode.CONFIRMED
    assert (tmp_path / "docs" / "page.md").read_bytes() == printed.out


@pytest.mark.parametrize(
    ("content", "code", "said"),
    [
        (None, ExitCode.BAD_INPUT, "cannot read the document guide.md: No such file"),
        (b"caf\xe9", ExitCode.BAD_INPUT, "guide.md:1: not UTF-8: "),
        (b"", ExitCode.NOTHING_SELECTED, "no claim quotes guide.md"),
        (b"# A guide\n\nWords.\n", ExitCode.NOTHING_SELECTED, "no claim quotes guide.md"),
        (b"Words.\n" * 50_000, ExitCode.NOTHING_SELECTED, "no claim quotes guide.md"),
        (b"Words.\n" * 1_500_000, ExitCode.BAD_INPUT, "guide.md has 10.0 MiB: documents of up to"),
    ],
    ids=["missing", "encoding", "empty", "unquoted", "long", "large"],
)
def test_a_document_that_cannot_be_corrected_is_refused(  # noqa: PLR0913, PLR0917 (fixtures)
    content: bytes | None,
    code: ExitCode,
    said: str,
    recorded: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """With what to do where there is something to do."""
    monkeypatch.chdir(tmp_path)
    if content is not None:
        Path("guide.md").write_bytes(content)
    assert run(["corrections", "guide.md", *recorded]) == code
    err = capsys.readouterr().err
    assert said in err
    if code is ExitCode.NOTHING_SELECTED:
        assert "beamproof prove --suggest guide.md" in err


def test_a_run_that_confirms_nothing_of_it_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """No run at all, and one without an observation."""
    args = ["corrections", str(ROOT / "claims" / "research.md"), "--claims", str(ROOT / "claims")]
    assert run([*args, "--runs", str(tmp_path)]) == ExitCode.BAD_INPUT
    assert f"there is no run in {tmp_path}" in capsys.readouterr().err
    (tmp_path / "empty.jsonl").write_bytes(encode(judging.header()))
    empty = ["--run", str(tmp_path / "empty.jsonl")]
    assert run([*args, *empty]) == ExitCode.NOTHING_SELECTED
    assert "the run r1 confirms no claim that quotes research.md" in capsys.readouterr().err


def test_a_folder_is_no_document(recorded: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["corrections", str(ROOT / "claims"), *recorded]) == ExitCode.BAD_INPUT
    assert "cannot read the document" in capsys.readouterr().err
