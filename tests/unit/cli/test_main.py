"""The command line around its verbs: options given twice, unexpected errors, any output."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from harness.cli import list as list_verb
from harness.cli.main import run

EVIDENCE = Path(__file__).parents[2] / "evidence"


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Have `list` meet an error that it does not know; return where its stack is kept."""

    def load(*_given: object) -> None:
        raise ZeroDivisionError("division by zero\nand a second line")

    monkeypatch.setattr(list_verb, "load_skills", load)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return tmp_path


def test_an_error_of_our_own_is_never_a_verdict(
    broken: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit 1 means refuted and nothing else: a defect is 70, one sentence, and a file to attach."""
    assert run(["list"]) == 70
    said = capsys.readouterr().err
    assert said.startswith("beamproof: this is a defect of beamproof, not a verdict")
    assert "Traceback" not in said
    (report,) = broken.iterdir()
    assert str(report) in said
    assert "ZeroDivisionError" in report.read_text()
    assert "arguments: ['list']" in report.read_text()


@pytest.mark.usefixtures("broken")
def test_debug_shows_the_stack() -> None:
    """Who wants the stack says so."""
    with pytest.raises(ZeroDivisionError):
        run(["--debug", "list"])


@pytest.mark.parametrize(
    "arguments",
    [
        ["mutate", "--run", "a", "--run", "b"],
        ["verify", "--jobs", "1", "--jobs=2"],
        ["compare", "a", "b", "--format", "json", "--format", "markdown"],
    ],
)
def test_an_option_of_one_value_given_twice_is_refused(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """Neither value is taken in silence."""
    assert run(arguments) == 4
    assert "is given 2 times, and takes one value" in capsys.readouterr().err


def test_the_help_cuts_no_line_and_tells_the_exit_codes(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """At 80 columns, as most terminals begin."""
    monkeypatch.setenv("COLUMNS", "80")
    assert run(["--help"]) == 0
    out = capsys.readouterr().out
    verbs = out.partition("Commands:")[2].partition("Examples:")[0]
    assert "..." not in verbs
    assert "130: Ctrl-C" in out


def beamproof(
    command: str, *arguments: str, **environment: str
) -> subprocess.CompletedProcess[bytes]:
    """Run the command line in a shell command that calls it as `"$@"`."""
    return subprocess.run(
        ["sh", "-c", command, "sh", sys.executable, "-m", "harness", *arguments],
        env={**os.environ, **environment},
        capture_output=True,
        check=False,
        timeout=60,
    )


JUDGE = (
    "judge",
    str(EVIDENCE / "beam-memory-management.jsonl"),
    "--claims",
    str(EVIDENCE / "claims"),
)


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_a_verdict_does_not_depend_on_the_encoding(encoding: str) -> None:
    """No terminal and no pipe changes an exit code."""
    done = beamproof('"$@"', *JUDGE, PYTHONIOENCODING=encoding)
    assert done.returncode == 0, done.stderr.decode()
    assert "beam-memory-management" in done.stdout.decode(encoding)


def test_a_verdict_does_not_depend_on_its_reader() -> None:
    """`| head -1` gets its line, and the command its own exit code."""
    done = beamproof('{ "$@"; echo "exit $?" >&2; } | head -1', *JUDGE, "--verbose")
    assert done.stdout.decode() == "beam-memory-management\n"
    assert done.stderr.decode() == "exit 0\n"


@pytest.mark.parametrize("command", ['"$@" >/dev/full', '"$@" >&-'])
def test_an_output_that_cannot_be_written_is_said(command: str) -> None:
    """What nobody could read is not a success."""
    done = beamproof(command, *JUDGE)
    assert done.returncode == 6
    assert b"standard output cannot be written" in done.stderr


def test_json_is_utf_8_whatever_the_terminal() -> None:
    """What programs read is not changed for a terminal's sake."""
    report = ("report", JUDGE[1], *JUDGE[2:], "--format", "json")
    done = beamproof('"$@"', *report, PYTHONIOENCODING="ascii")
    assert json.loads(done.stdout.decode("utf-8"))["run"]


def test_commands_to_copy_are_one_line(tmp_path: Path) -> None:
    """Whatever the width of the terminal, and with nothing behind them."""
    folder = tmp_path / ("a folder with a long name " * 5).strip()
    folder.mkdir()
    (folder / "beam-memory-management.toml").write_text(
        (EVIDENCE / "claims" / "beam-memory-management.toml")
        .read_text(encoding="utf-8")
        .replace("largest_heap_binary_bytes = 64", "largest_heap_binary_bytes = 63"),
        encoding="utf-8",
    )
    done = beamproof('"$@"', *JUDGE[:2], "--claims", str(folder), COLUMNS="40")
    assert done.returncode == 1
    lines = done.stdout.decode().splitlines()
    assert all(line == line.rstrip() for line in lines)
    again = [line for line in lines if "again: " in line]
    assert again
    assert all("--otp" in line for line in again)
