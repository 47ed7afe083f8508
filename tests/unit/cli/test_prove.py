"""`beamproof prove`: what it prints and writes, how it exits, what it refuses."""

from __future__ import annotations

import io
import json
import sqlite3
from pathlib import Path

import click
import pytest
from support.synthetic_runs import Files

from harness.cli.main import run
from harness.errors import ExitCode
from harness.run.stored import note_latest

GOOD = "It lies there. <!-- claim: beam-skill-a/claim-000 -->\n"
BAD = "It lies here. <!-- claim: beam-skill-a/claim-001 -->\n"


@pytest.fixture
def folders(files: Files, tmp_path: Path) -> list[str]:
    """Return the options that name the synthetic folders and run."""
    claims = ["--claims", str(files.claims), "--runs", str(tmp_path / "runs")]
    return [*claims, "--run", str(files.run)]


@pytest.fixture
def guide(tmp_path: Path) -> Path:
    path = tmp_path / "guide.md"
    path.write_text(GOOD)
    return path


def said(capsys: pytest.CaptureFixture[str]) -> str:
    captured = capsys.readouterr()
    return captured.out + captured.err


def test_a_document_that_is_confirmed_may_be_published(
    guide: Path, folders: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit 0, and the run that decided."""
    assert run(["prove", str(guide), *folders]) == ExitCode.CONFIRMED
    text = said(capsys)
    assert f"{guide}: 1 of 1 sentence with a mark proven" in text
    assert "decided by " in text


def test_what_is_refuted_is_told_by_line_and_blocks(
    guide: Path, folders: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit 1; on the releases that an option names it may still be published."""
    guide.write_text(f"{GOOD}\n{BAD}")
    assert run(["prove", str(guide), *folders]) == ExitCode.REFUTED
    text = said(capsys)
    assert f"{guide}:3: error: beam-skill-a/claim-001 is refuted on OTP 27: " in text
    assert (
        text.rstrip().partition("decided by")[0].rstrip().endswith("1 error: not to be published")
    )
    assert run(["prove", str(guide), "--otp", "25-26", *folders]) == ExitCode.CONFIRMED


def test_a_changed_sentence_blocks_until_it_is_accepted(
    guide: Path, folders: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """The record lies beside the document; acceptance drops what is gone."""
    command = ["prove", str(guide), *folders]
    assert run([*command, "--accept"]) == ExitCode.CONFIRMED
    record = guide.with_name("guide.md.proven.json")
    assert [one["begins"] for one in json.loads(record.read_text())["sentences"]] == [
        "It lies there."
    ]
    guide.write_text(GOOD.replace("there", "everywhere"))
    assert run(command) == ExitCode.REFUTED
    assert 'the sentence changed: it was "It lies there."' in said(capsys)
    assert run([*command, "--accept"]) == ExitCode.CONFIRMED
    guide.write_text("Nothing.\n")
    assert run([*command, "--accept"]) == ExitCode.CONFIRMED
    assert json.loads(record.read_text())["sentences"] == []


def test_a_record_that_is_none_is_refused(
    guide: Path, folders: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """With how to write it anew; one of a newer beamproof as well."""
    record = guide.with_name("guide.md.proven.json")
    for content, message in (("{", "is no record"), ('{"version": 9}', "is of version 9")):
        record.write_text(content)
        assert run(["prove", str(guide), *folders]) == ExitCode.BAD_INPUT
        text = said(capsys)
        assert message in text
        assert "--accept" in text


def test_unproven_sentences_are_a_gate_where_a_limit_is_given(
    guide: Path, folders: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """They are listed without one."""
    guide.write_text("It is always 8 bytes.\n")
    assert run(["prove", str(guide)]) == ExitCode.CONFIRMED  # no mark: no run is needed
    assert f"{guide}:1: warning: no mark proves" in said(capsys)
    assert run(["prove", str(guide), "--max-unproven", "1"]) == ExitCode.CONFIRMED
    assert run(["prove", str(guide), "--max-unproven", "0"]) == ExitCode.REFUTED
    capsys.readouterr()
    assert run(["prove", str(guide), "-q", *folders]) == ExitCode.CONFIRMED
    assert "warning" not in said(capsys)


def test_programs_read_json(
    guide: Path, folders: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """A document with its remarks."""
    guide.write_text(BAD)
    assert run(["prove", str(guide), "--json", *folders]) == ExitCode.REFUTED
    found = json.loads(capsys.readouterr().out)
    (document,) = found["documents"]
    assert (document["marks"], document["proven"], document["blocked"]) == (1, 0, True)
    assert {one["rule"] for one in document["remarks"]} == {"not-confirmed", "nothing-accepted"}
    assert document["remarks"][0]["claim"] == "beam-skill-a/claim-001"


def test_code_hosts_read_commands(
    guide: Path, folders: list[str], capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """In GitHub's CI, by the line."""
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    guide.write_text(BAD)
    assert run(["prove", str(guide), *folders]) == ExitCode.REFUTED
    assert f"::error file={guide},line=1::beam-skill-a/claim-001 is refuted" in said(capsys)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("Zwölf.\n".encode("latin-1"), "guide.md:1: not UTF-8"),
        (b"ETS counts words.\n\n" * 600_000, "MiB are read"),
    ],
)
def test_what_is_no_document_is_refused(
    guide: Path, content: bytes, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Another encoding, 10 MB: exit 4 and a sentence."""
    guide.write_bytes(content)
    assert run(["prove", str(guide)]) == ExitCode.BAD_INPUT
    assert message in said(capsys)


def test_a_document_that_is_not_there_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """And so is a command without any."""
    assert run(["prove", str(tmp_path / "no.md")]) == ExitCode.BAD_INPUT
    assert "cannot read the document" in said(capsys)
    assert run(["prove"]) == ExitCode.BAD_INPUT


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("One.\n\n```\n<!-- claim: beam-skill-a/claim-000 -->\n```\n", ":4: note: a mark in code"),
        ("One. <!-- claim: beam-skill-a/claim-00 -->\n", 'did you mean "beam-skill-a/claim-00'),
        (
            "<!-- claim: beam-skill-a/claim-000 -->\n",
            ":1: error: the mark of beam-skill-a/claim-000",
        ),
    ],
)
def test_marks_that_mark_nothing_are_told(
    guide: Path, folders: list[str], text: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """In code, of a claim that is gone, without a sentence."""
    guide.write_text(text)
    expected = ExitCode.CONFIRMED if "note" in message else ExitCode.REFUTED
    assert run(["prove", str(guide), *folders]) == expected
    assert message in said(capsys)


def test_no_run_at_all_is_refused(
    guide: Path, folders: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """With the command that makes one; also where the run is not there, or is empty."""
    assert run(["prove", str(guide), *folders[:4]]) == ExitCode.BAD_INPUT
    assert "beamproof verify makes one" in said(capsys)
    empty = guide.with_name("empty.jsonl")
    empty.write_bytes(b"")
    for name in (empty, guide.with_name("no.jsonl")):
        assert run(["prove", str(guide), *folders[:4], "--run", str(name)]) == ExitCode.BAD_INPUT
        assert name.name in said(capsys)


def test_a_run_that_observed_nothing_proves_nothing(
    files: Files, guide: Path, folders: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """It is a run all the same: each mark says what it lacks."""
    path = guide.with_name("cut.jsonl")
    path.write_bytes(files.run.read_bytes().splitlines(keepends=True)[0])
    assert run(["prove", str(guide), *folders[:4], "--run", str(path)]) == ExitCode.REFUTED
    assert "claim-000 is inconclusive on OTP 25, 26, 27: the run ended before" in said(capsys)


def test_a_record_that_cannot_be_written_is_told(
    guide: Path, folders: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit 6; so it is with SARIF."""
    assert run(["prove", str(guide), *folders, "--sarif", f"{guide}/x"]) == ExitCode.FAILURE
    assert "cannot write" in said(capsys)
    guide.with_name("guide.md.proven.json").mkdir()
    assert run(["prove", str(guide), *folders, "--accept"]) == ExitCode.FAILURE
    assert "cannot write" in said(capsys)


def test_sentences_are_compared_with_statements_and_beliefs(
    files: Files, guide: Path, folders: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """The most like first, with evidence; nothing blocks, and no run is needed."""
    claims = files.claims.joinpath("beam-skill-a.toml").read_text(encoding="utf-8")
    claims = claims.replace(
        "Belief 0 of old books.", "Great binaries lie on the heap of a process."
    )
    own = guide.with_name("claims")
    own.mkdir()
    own.joinpath("beam-skill-a.toml").write_text(claims, encoding="utf-8")
    guide.write_text("Great binaries lie on the heap of their process.\n")
    command = ["prove", "--suggest", str(guide), "--claims", str(own)]
    assert run([*command, *folders[2:]]) == ExitCode.CONFIRMED
    text = said(capsys)
    assert f"{guide}:1: warning: Great binaries lie" in text
    assert 'like the refuted belief "Great binaries lie on the heap of a process."' in text
    assert "the VM showed smallest_refc_binary_bytes = 65 on OTP 25, 26, 27" in text
    assert run([*command, *folders[2:4], "--json"]) == ExitCode.CONFIRMED
    (found,) = json.loads(capsys.readouterr().out)["suggestions"]
    assert (found["rule"], found["claim"]) == ("like-refuted", "beam-skill-a/claim-000")
    assert found["score"] > 0.8
    assert "this run did not observe it" in found["message"]
    assert run([*command, *folders[2:4], "--run", "no"]) == ExitCode.BAD_INPUT


@pytest.mark.parametrize("other", [["--accept"], ["--max-unproven", "1"]])
def test_to_compare_is_not_to_accept(
    guide: Path, other: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """Both at once are refused."""
    assert run(["prove", "--suggest", str(guide), *other]) == ExitCode.BAD_INPUT
    assert "--suggest only compares" in said(capsys)


def test_a_python_without_full_text_search_is_told(
    files: Files, guide: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """With what to use instead."""

    class Bare:
        def execute(self, statement: str) -> None:
            raise sqlite3.OperationalError(f"no such module: fts5 ({statement[:6]})")

    monkeypatch.setattr(sqlite3, "connect", lambda _name: Bare())
    command = ["prove", "--suggest", str(guide), "--claims", str(files.claims)]
    assert run(command) == ExitCode.FAILURE
    assert "has no full-text search" in said(capsys)


def test_marks_that_somebody_accepts_are_written(
    files: Files, guide: Path, folders: list[str], capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """One by one; the document is proven then, and stays as it is where nobody said yes."""
    del files
    text = "Ah. Statement 0 is about the border: a number lies where it does.\n"
    guide.write_text(text)
    command = ["prove", "--suggest", "--ask", str(guide), *folders]
    monkeypatch.setattr("sys.stdin", io.StringIO("n\n"))
    assert run(command) == ExitCode.CONFIRMED
    assert guide.read_text() == text
    monkeypatch.setattr("sys.stdin", io.StringIO("y\n"))
    assert run(command) == ExitCode.CONFIRMED
    assert "1 mark written" in said(capsys)
    assert guide.read_text() == text.replace("\n", " <!-- claim: beam-skill-a/claim-000 -->\n")
    assert run(["prove", str(guide), *folders]) == ExitCode.CONFIRMED


@pytest.mark.parametrize("others", [[], ["--suggest", "--json"]])
def test_to_ask_needs_suggestions_and_a_terminal(
    guide: Path, others: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """Not JSON."""
    assert run(["prove", "--ask", str(guide), *others]) == ExitCode.BAD_INPUT
    assert "--ask goes with --suggest" in said(capsys)


def test_a_run_is_named_or_made(guide: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Not both."""
    assert run(["prove", "--verify", "--run", "latest", str(guide)]) == ExitCode.BAD_INPUT
    assert "--verify makes a run of its own" in said(capsys)


def test_the_run_that_was_made_decides_also_when_another_is_newer(
    files: Files, guide: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Somebody else may verify in the same folder of runs meanwhile."""
    from harness.cli import verify as module  # noqa: PLC0415 - what `prove` loads, as it loads it

    runs = files.run.parent

    @click.command("verify", context_settings={"ignore_unknown_options": True})
    @click.argument("_words", nargs=-1)
    @click.pass_context
    def verify(context: click.Context, /, _words: tuple[str, ...]) -> None:
        context.meta[module.RUN] = files.run.stem
        (runs / "other.jsonl").write_text("of somebody else")
        note_latest(runs / "other.jsonl")

    monkeypatch.setattr(module, "verify", verify)
    words = ["prove", "--verify", str(guide), "--claims", str(files.claims), "--runs", str(runs)]
    assert run(words) == ExitCode.CONFIRMED
    assert f"decided by {files.run}" in said(capsys)
