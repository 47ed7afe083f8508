"""`beamproof try`: the message and exit code of every input that needs no VM to be refused."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import pytest

from harness.cli.main import run
from harness.errors import ExitCode


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert run(["try", *arguments]) == ExitCode.BAD_INPUT
    out, err = capsys.readouterr()
    assert not out
    return err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "nothing to evaluate: name an EXPRESSION, --file, --stdin or --repl"),
        ((" . ",), "nothing to evaluate"),
        (("X = \udcff",), "EXPRESSION is not UTF-8"),
        (("--file", "gone.erl"), "--file gone.erl: No such file or directory"),
        (("--file", "."), "'.' is a directory"),
        (("--file", "plain.erl"), "--file plain.erl: there is no -module(...). in it"),
        (("--file", "latin.erl"), "latin.erl: line 2 is not UTF-8"),
        (("--file", "ours.erl"), "modules named probe_... are beamproof's own"),
        (("1", "--flags", "+P '1"), "--flags +P '1: No closing quotation"),
        (("1", "--otp", "seventeen"), "'seventeen' is no release"),
        (("1", "--timeout", "0"), "0.0 is not in the range"),
        (("1", "--chars", "1"), "1 is not in the range"),
        (("1", "--repl", "--json"), "--repl excludes --json and --stdin"),
        (("1", "--repl"), "--repl needs a terminal"),
        (("1", "--to-claim", "Our VM"), '"Our VM" does not name a claim'),
        (("--file", "plain.erl", "--to-claim", "our-vm/x"), "--to-claim takes expressions"),
    ],
)
def test_bad_input_is_named(
    arguments: tuple[str, ...],
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "plain.erl").write_text("1 + 1.\n")
    (tmp_path / "latin.erl").write_bytes(b"-module(latin).\n% \xe9\n")
    (tmp_path / "ours.erl").write_text("-module(probe_bridge).\n")
    monkeypatch.chdir(tmp_path)
    assert said in refused(capsys, *arguments)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"1 +\n\xff.", "standard input: line 2 is not UTF-8"),
        (b"", "nothing to evaluate"),
        (b"\xef\xbb\xbf\r\n", "nothing to evaluate"),
    ],
)
def test_standard_input_that_holds_no_expression(
    content: bytes, said: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))
    assert said in refused(capsys, "--stdin")
