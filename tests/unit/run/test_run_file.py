"""The run file: what is written is read again, and half a run is never taken for a whole one."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.errors import RunFileError, StorageError
from harness.run.file import RunWriter, read_run
from harness.run.model import (
    FORMAT,
    Failure,
    FailureKind,
    Footer,
    Header,
    Observation,
    Outcome,
    Sample,
)

HEADER = Header(
    run="r1",
    beamproof="0",
    started="2026-01-01T00:00:00Z",
    command=("beamproof", "verify"),
    cells=("s/a@otp27", "s/b@otp27"),
    claims_sha256={"s": "0"},
    probes_sha256={"s": "0"},
    runtimes=(),
)
FOOTER = Footer(ended="2026-01-01T00:00:01Z", outcome=Outcome.COMPLETE, observations=2)


def observation(claim: str, value: int = 1) -> Observation:
    return Observation(
        cell=f"s/{claim}@otp27",
        skill="s",
        claim=claim,
        runtime="otp27",
        probe=f"s:{claim}",
        probe_sha256="0",
        at="2026-01-01T00:00:00Z",
        samples=(Sample(evidence={"x_count": value}, elapsed_us=5, node="n"),),
    )


def write(path: Path, *lines: Header | Observation | Footer) -> Path:
    with RunWriter(path) as writer:
        for line in lines:
            writer.append(line)
    return path


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    """A complete run comes back line for line."""
    path = write(tmp_path / "r.jsonl", HEADER, observation("a"), observation("b"), FOOTER)
    run = read_run(path)
    assert run.complete
    assert run.header == HEADER
    assert run.observations == (observation("a"), observation("b"))
    assert run.footer == FOOTER


def test_a_failure_keeps_its_kind_and_stack(tmp_path: Path) -> None:
    """A sample without evidence says why, also after reading."""
    failure = Failure(kind=FailureKind.TIMEOUT, reason="30 s", stacktrace=("a:b/1",))
    failed = Observation(
        cell="s/a@otp27",
        skill="s",
        claim="a",
        runtime="otp27",
        probe="s:a",
        probe_sha256="0",
        at="2026-01-01T00:00:00Z",
        samples=(Sample(failure=failure, elapsed_us=0, node="n"),),
    )
    run = read_run(write(tmp_path / "r.jsonl", HEADER, failed))
    assert run.observations[0].samples[0].failure == failure


def test_a_run_without_footer_is_incomplete(tmp_path: Path) -> None:
    """Half a run says so."""
    run = read_run(write(tmp_path / "r.jsonl", HEADER, observation("a")))
    assert not run.complete
    assert run.footer is None


def test_an_interrupted_run_is_incomplete_although_it_has_a_footer(tmp_path: Path) -> None:
    """The footer of an interrupted run does not make it whole."""
    footer = Footer(ended="x", outcome=Outcome.INTERRUPTED, observations=1, reason="interrupted")
    run = read_run(write(tmp_path / "r.jsonl", HEADER, observation("a"), footer))
    assert not run.complete


def test_a_line_that_a_crash_cut_short_costs_only_itself(tmp_path: Path) -> None:
    """A crash loses at most the cell in flight."""
    path = write(tmp_path / "r.jsonl", HEADER, observation("a"))
    with path.open("ab") as file:
        file.write(b'{"kind":"observation","cell":"s/b@ot')
    run = read_run(path)
    assert [one.claim for one in run.observations] == ["a"]
    assert not run.complete


def test_a_resumed_run_is_whole_again_and_the_later_observation_stands(tmp_path: Path) -> None:
    """Resuming appends to the same file; an earlier footer no longer counts."""
    cut = Footer(ended="x", outcome=Outcome.INTERRUPTED, observations=1)
    path = write(tmp_path / "r.jsonl", HEADER, observation("a"), cut)
    write(path, observation("a", 2), observation("b"), FOOTER)
    run = read_run(path)
    assert run.complete
    assert [one.samples[0].evidence for one in run.observations] == [{"x_count": 2}, {"x_count": 1}]


def test_resuming_after_a_cut_line_starts_a_line_of_its_own(tmp_path: Path) -> None:
    """What is appended after a crash is not glued to the half line that it left."""
    path = write(tmp_path / "r.jsonl", HEADER)
    with path.open("ab") as file:
        file.write(b'{"kind":"obs')
    write(path, observation("a"), observation("b"), FOOTER)
    run = read_run(path)
    assert run.complete
    assert len(run.observations) == 2


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "no header"),
        (b"not json\n{}\n", "r.jsonl:1: not a line of a run file"),
        (b'{"kind":"header","format":99}\n', f"format 99; this beamproof reads up to {FORMAT}"),
        (b'{"kind":"other"}\n', "r.jsonl:1"),
        (b"\xff\xfe\n", "r.jsonl:1"),
    ],
)
def test_what_is_no_run_file_is_refused_by_name(
    tmp_path: Path, content: bytes, message: str
) -> None:
    """The message names the file, the line and what is wrong."""
    path = tmp_path / "r.jsonl"
    path.write_bytes(content)
    with pytest.raises(RunFileError, match=message):
        read_run(path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    """A path that is not there is an error, not a traceback."""
    with pytest.raises(RunFileError, match=r"nowhere\.jsonl"):
        read_run(tmp_path / "nowhere.jsonl")


def test_a_full_disk_is_said_and_keeps_what_was_written() -> None:
    """The error names the file and how to go on."""
    with pytest.raises(StorageError, match="No space left"), RunWriter(Path("/dev/full")) as writer:
        writer.append(HEADER)


def test_a_folder_that_cannot_be_written_is_said_before_anything_runs(tmp_path: Path) -> None:
    """The message names the option that names another folder."""
    blocker = tmp_path / "file"
    blocker.write_text("x")
    with pytest.raises(StorageError, match="--runs"), RunWriter(blocker / "runs" / "r.jsonl"):
        pass
