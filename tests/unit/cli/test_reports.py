"""The verbs on stored runs: what they print, what they write, how they refuse."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.synthetic_runs import Files

from harness.cli.main import run
from harness.errors import ExitCode, StorageError
from harness.report.output import MANIFEST, write_file, write_site


@pytest.fixture
def folders(files: Files, tmp_path: Path) -> list[str]:
    """Return the options that name the synthetic folders."""
    return ["--claims", str(files.claims), "--runs", str(tmp_path / "runs")]


@pytest.fixture
def newer(files: Files) -> str:
    return str(files.run.parent / "next.jsonl")


def test_report_writes_a_site_with_its_history(
    files: Files, newer: str, folders: list[str], tmp_path: Path
) -> None:
    """The newest run is the subject, whatever the order of the arguments."""
    out = tmp_path / "site"
    args = ["report", newer, str(files.run), "-o", str(out), "--probes", str(files.probes)]
    assert run([*args, *folders]) == ExitCode.CONFIRMED
    front = (out / "index.html").read_text()
    assert "Run of 21 November 2026" in front
    assert "Against the run of 20 November 2026" in front
    assert (out / "beam-skill-b" / "claim-007.html").is_file()


@pytest.mark.parametrize(
    "form", [("junit", b"<?xml"), ("json", b"{"), ("markdown", b"## beamproof: 2 refuted")]
)
def test_report_prints_the_other_formats_or_writes_a_file(
    files: Files,
    folders: list[str],
    tmp_path: Path,
    form: tuple[str, bytes],
    capfdbinary: pytest.CaptureFixture[bytes],
) -> None:
    """Both ways the same bytes."""
    args = ["report", str(files.run), "--format", form[0], *folders]
    assert run(args) == ExitCode.CONFIRMED
    printed = capfdbinary.readouterr().out
    assert printed.startswith(form[1])
    assert run([*args, "-o", str(tmp_path / "deep" / "file")]) == ExitCode.CONFIRMED
    assert (tmp_path / "deep" / "file").read_bytes() == printed


def test_report_writes_a_badge_a_skill(files: Files, folders: list[str], tmp_path: Path) -> None:
    """Into the folder named."""
    args = ["report", str(files.run), "--format", "badge", "-o", str(tmp_path / "b"), *folders]
    assert run(args) == ExitCode.CONFIRMED
    assert {path.name for path in (tmp_path / "b").glob("*.svg")} == {
        "beam-skill-a.svg",
        "beam-skill-b.svg",
        "all.svg",
    }


def test_the_latest_run_is_reported_without_an_argument(
    files: Files, folders: list[str], tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    """As `latest`, in the folder of stored runs."""
    (tmp_path / "runs").mkdir()
    shutil.copy(files.run, tmp_path / "runs" / "one.jsonl")
    assert run(["report", "--format", "json", *folders]) == ExitCode.CONFIRMED
    assert json.loads(capfdbinary.readouterr().out)["run"]["run"] == "20261120T030000-aaaa"


def refused(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    code = run(arguments)
    return code, capsys.readouterr().err


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b'{"kind":"header","format":99,"run":"x"}\n', "is of run format 99"),
        (b"not json\n{}\n", "not a line of a run file"),
        (b"", "it is not a run file"),
    ],
)
def test_what_is_no_run_is_refused_with_a_reason(
    folders: list[str], tmp_path: Path, content: bytes, message: str,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    """A newer format, something else, an empty file: exit 4 and one sentence."""
    path = tmp_path / "odd.jsonl"
    path.write_bytes(content)
    code, said = refused(["report", str(path), "--format", "json", *folders], capsys)
    assert (code, message in said) == (ExitCode.BAD_INPUT, True), said


def test_a_run_that_is_not_there_is_refused(
    folders: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """With its name."""
    code, said = refused(["report", str(tmp_path / "no.jsonl"), "-o", "x", *folders], capsys)
    assert code == ExitCode.BAD_INPUT
    assert "no.jsonl" in said


def test_a_format_of_several_files_needs_a_folder(
    files: Files, folders: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing is written to a place that nobody named."""
    code, said = refused(["report", str(files.run), *folders], capsys)
    assert code == ExitCode.BAD_INPUT
    assert "-o DIR" in said


def test_a_format_of_one_run_refuses_two(
    files: Files, newer: str, folders: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """Two runs are no run: merge is named."""
    args = ["report", str(files.run), newer, "--format", "junit", *folders]
    code, said = refused(args, capsys)
    assert code == ExitCode.BAD_INPUT
    assert "beamproof merge" in said


def test_an_incomplete_run_is_reported_with_a_warning(
    files: Files, folders: list[str], tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    """A crash in the middle of a line loses that line only."""
    path = tmp_path / "half.jsonl"
    path.write_bytes(files.run.read_bytes()[:30_000])
    assert run(["report", str(path), "--format", "markdown", *folders]) == ExitCode.CONFIRMED
    assert "> **Mind:** The run is incomplete: cut short" in capfdbinary.readouterr().out.decode()


def test_a_place_that_cannot_be_written_is_named(
    files: Files, folders: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A file stands where the folder should be."""
    (tmp_path / "taken").write_text("")
    for form in ("html", "badge"):
        args = ["report", str(files.run), "--format", form, "-o", str(tmp_path / "taken"), *folders]
        code, said = refused(args, capsys)
        assert code == ExitCode.FAILURE
        assert "cannot write" in said
        assert "--output" in said
    code, said = refused(
        ["merge", str(files.run), "-o", str(tmp_path / "taken" / "x"), *folders[2:]], capsys
    )
    assert code == ExitCode.FAILURE
    assert "cannot write" in said


def test_compare_exits_with_1_when_something_got_worse(
    files: Files, newer: str, folders: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """And with 0 when nothing did."""
    assert run(["compare", str(files.run), newer, *folders]) == ExitCode.REFUTED
    said = capsys.readouterr().out
    assert "worse: beam-skill-a/claim-002@otp27  confirmed -> refuted" in said
    assert said.endswith("something got worse\n")
    assert run(["compare", str(files.run), str(files.run), *folders]) == ExitCode.CONFIRMED
    assert "nothing got worse" in capsys.readouterr().out


@pytest.mark.parametrize("form", [("json", "{"), ("markdown", "## beamproof")])
def test_compare_has_formats_for_programs(
    files: Files, newer: str, folders: list[str], tmp_path: Path, form: tuple[str, str]
) -> None:
    """Written to a file where one is named; the exit code stays."""
    out = tmp_path / "drift"
    args = ["compare", str(files.run), newer, "--format", form[0], "-o", str(out), *folders]
    assert run(args) == ExitCode.REFUTED
    assert out.read_text().startswith(form[1])


def test_trend_shows_what_changed_over_the_runs_of_a_folder(
    files: Files, folders: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """Claims that kept their verdict are left out unless asked for."""
    folder = str(files.run.parent)
    assert run(["trend", folder, *folders]) == ExitCode.CONFIRMED
    said = capsys.readouterr().out
    assert "beam-skill-a/claim-001\n" in said
    assert "claim-000" not in said
    assert run(["trend", folder, "--claim", "claim-000", *folders]) == ExitCode.CONFIRMED
    assert "largest_heap_binary_bytes" in capsys.readouterr().out
    assert run(["trend", folder, "--claim", "claim-000", "--json", *folders]) == ExitCode.CONFIRMED
    told = json.loads(capsys.readouterr().out)
    assert [one["claim"] for one in told] == ["beam-skill-a/claim-000", "beam-skill-b/claim-000"]
    assert told[0]["runtimes"]["otp27"][0]["figures"]["smallest_refc_binary_bytes"] == 65
    code, said = refused(["trend", folder, "--claim", "nothing", *folders], capsys)
    assert code == ExitCode.BAD_INPUT
    assert "has a claim like nothing" in said


def test_trend_leaves_out_what_it_cannot_read(
    files: Files, folders: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One bad file among a year of runs is told and does not end the command."""
    folder = tmp_path / "year"
    folder.mkdir()
    (folder / "bad.jsonl").write_text("no run")
    code, said = refused(["trend", str(folder), *folders], capsys)
    assert code == ExitCode.BAD_INPUT
    assert "no run that can be read" in said
    shutil.copy(files.run, folder / "good.jsonl")
    code, said = refused(["trend", str(folder), *folders], capsys)
    assert code == ExitCode.CONFIRMED
    assert "left out: " in said


def test_merge_writes_one_run_that_can_be_reported(
    shards: list[Path], folders: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A job a release, joined."""
    out = tmp_path / "all.jsonl"
    args = ["merge", *map(str, shards), "-o", str(out), *folders[2:]]
    assert run(args) == ExitCode.CONFIRMED
    assert "46 cells of 3 runs" in capsys.readouterr().err
    assert run(["report", str(out), "--format", "markdown", *folders]) == ExitCode.CONFIRMED


def test_merge_names_what_is_missing(
    shards: list[Path], folders: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """And with --complete that is an error."""
    cut = shards[1].read_bytes().splitlines(keepends=True)
    shards[1].write_bytes(b"".join(cut[:-3]))
    args = ["merge", *map(str, shards), "-o", str(tmp_path / "all.jsonl"), *folders[2:]]
    assert run(args) == ExitCode.CONFIRMED
    said = capsys.readouterr().err
    assert f"! incomplete: {shards[1]}" in said
    assert "! missing: beam-skill-b/claim-007@otp26" in said
    assert run([*args, "--complete"]) == ExitCode.INCONCLUSIVE


def test_merge_knows_which_releases_it_waits_for(
    shards: list[Path], folders: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One that no run holds is told, and with --complete an error."""
    args = ["merge", *map(str, shards), "-o", str(tmp_path / "all.jsonl"), *folders[2:]]
    assert run([*args, "--expect", "24-27"]) == ExitCode.CONFIRMED
    assert "! OTP 24: no run of it arrived" in capsys.readouterr().err
    assert run([*args, "--expect", "24-27", "--complete"]) == ExitCode.INCONCLUSIVE
    assert run([*args, "--expect", "25-27", "--complete"]) == ExitCode.CONFIRMED


def test_merge_refuses_the_same_run_twice(
    shards: list[Path], folders: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Unless told which one wins."""
    twice = ["merge", str(shards[0]), str(shards[0]), "-o", str(tmp_path / "x"), *folders[2:]]
    code, said = refused(twice, capsys)
    assert code == ExitCode.BAD_INPUT
    assert "--wins" in said
    assert run([*twice, "--wins", "last"]) == ExitCode.CONFIRMED


def test_a_new_site_removes_the_pages_of_the_old_one_and_nothing_else(tmp_path: Path) -> None:
    """Pages of claims that are gone go; what others put there stays."""
    write_site(tmp_path, [("index.html", b"1"), ("a/old.html", b"1"), ("a/new.html", b"1")])
    (tmp_path / "a" / "mine.txt").write_text("mine")
    write_site(tmp_path, [("index.html", b"2"), ("a/new.html", b"2")])
    found = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()}
    assert found == {MANIFEST, "index.html", "a/new.html", "a/mine.txt"}


def test_half_a_site_is_no_other_ones_files(tmp_path: Path) -> None:
    """One that was cut short, by Ctrl-C or a defect, does not keep the next from being written."""

    def cut_short() -> Iterator[tuple[str, bytes]]:
        yield "index.html", b"1"
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_site(tmp_path, cut_short())
    assert write_site(tmp_path, [("index.html", b"2")]) == (1, 1)
    assert (tmp_path / "index.html").read_bytes() == b"2"


def test_a_manifest_cannot_reach_outside_its_folder(tmp_path: Path) -> None:
    """Whoever wrote it."""
    (tmp_path / "precious").write_text("stays")
    folder = tmp_path / "site"
    folder.mkdir()
    (folder / MANIFEST).write_text("../precious\n")
    write_site(folder, [("index.html", b"1")])
    assert (tmp_path / "precious").read_text() == "stays"


def test_a_file_is_replaced_whole(tmp_path: Path) -> None:
    """And no half-written one is left behind."""
    write_file(tmp_path / "a", b"1")
    write_file(tmp_path / "a", b"2")
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
    with pytest.raises(StorageError):
        write_file(tmp_path / "a" / "b", b"1")
