"""The run file: what is written is read again, and half a run is never taken for a whole one."""

from __future__ import annotations

import json
import os
import random
from pathlib import Path

import pytest

from harness.errors import InputError, RunFileError, StorageError
from harness.run.file import RunWriter, read_run, refuse_if_written
from harness.run.lines import encode, stored
from harness.run.model import (
    FORMAT,
    Failure,
    FailureKind,
    Footer,
    Header,
    Line,
    Note,
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


def observation(*claims: str, value: int = 1, boundary: tuple[str, ...] = ()) -> Observation:
    return Observation(
        call="s:p#0",
        cells=tuple(f"s/{claim}@otp27" for claim in claims),
        boundary=boundary,
        runtime="otp27",
        probe="s:p",
        probe_sha256="0",
        at="2026-01-01T00:00:00Z",
        samples=(Sample(evidence={"x_count": value}, elapsed_us=5, node="n"),),
    )


def write(path: Path, *lines: Line) -> Path:
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
    assert not run.damaged


def test_one_observation_serves_several_cells(tmp_path: Path) -> None:
    """Each cell finds the observation that serves it; a boundary cell is none of the plan's."""
    seen = observation("a", "b", boundary=("s/c@otp27",))
    run = read_run(write(tmp_path / "r.jsonl", HEADER, seen))
    assert list(run.by_cell) == ["s/a@otp27", "s/b@otp27"]
    assert run.by_cell["s/a@otp27"] is run.by_cell["s/b@otp27"]
    assert list(run.by_boundary_cell) == ["s/c@otp27"]
    assert not run.missing


def test_a_note_is_kept(tmp_path: Path) -> None:
    """What no cell says has a line of its own."""
    note = Note(at="x", about="probe_lib", text="a warning", runtime="otp27")
    assert read_run(write(tmp_path / "r.jsonl", HEADER, note)).notes == (note,)


def test_a_failure_keeps_its_kind_and_stack(tmp_path: Path) -> None:
    """A sample without evidence says why, also after reading."""
    failure = Failure(kind=FailureKind.TIMEOUT, reason="30 s", stacktrace=("a:b/1",))
    failed = Observation(
        call="s:a#0",
        cells=("s/a@otp27",),
        runtime="otp27",
        probe="s:a",
        probe_sha256="0",
        at="2026-01-01T00:00:00Z",
        samples=(Sample(failure=failure, elapsed_us=0, node="n"),),
    )
    run = read_run(write(tmp_path / "r.jsonl", HEADER, failed))
    assert run.observations[0].samples[0].failure == failure
    assert run.observations[0].failed


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
    assert list(run.by_cell) == ["s/a@otp27"]
    assert not run.complete


def test_a_resumed_run_is_whole_again_and_the_later_observation_stands(tmp_path: Path) -> None:
    """Resuming appends to the same file; an earlier footer no longer counts."""
    cut = Footer(ended="x", outcome=Outcome.INTERRUPTED, observations=1)
    path = write(tmp_path / "r.jsonl", HEADER, observation("a", "b"), cut)
    write(path, observation("a", value=2), FOOTER)
    run = read_run(path)
    assert run.complete
    found = {cell: seen.samples[0].evidence for cell, seen in run.by_cell.items()}
    assert found == {"s/b@otp27": {"x_count": 1}, "s/a@otp27": {"x_count": 2}}


def test_resuming_after_a_cut_line_starts_a_line_of_its_own(tmp_path: Path) -> None:
    """What is appended after a crash is not glued to the half line that it left."""
    path = write(tmp_path / "r.jsonl", HEADER)
    with path.open("ab") as file:
        file.write(b'{"kind":"obs')
    write(path, observation("a"), observation("b"), FOOTER)
    run = read_run(path)
    assert run.complete
    assert len(run.observations) == 2


def test_a_last_line_that_lacks_only_its_end_is_kept(tmp_path: Path) -> None:
    """Nothing that was observed whole is thrown away."""
    path = write(tmp_path / "r.jsonl", HEADER, observation("a"))
    path.write_bytes(path.read_bytes().rstrip(b"\n"))
    write(path, observation("b"), FOOTER)
    assert list(read_run(path).by_cell) == ["s/a@otp27", "s/b@otp27"]


def test_a_damaged_line_costs_only_itself_and_is_named(tmp_path: Path) -> None:
    """A bit that flipped in one observation loses that one, and the run is not complete."""
    path = write(tmp_path / "r.jsonl", HEADER, observation("a"), observation("b"), FOOTER)
    path.write_bytes(path.read_bytes().replace(b'"x_count":1', b'"x_count":7', 1))
    run = read_run(path)
    assert [damage.line for damage in run.damaged] == [2]
    assert list(run.by_cell) == ["s/b@otp27"]
    assert run.missing == ("s/a@otp27",)
    assert not run.complete


def test_a_damaged_line_that_was_observed_again_does_no_harm(tmp_path: Path) -> None:
    """A resume mends what the damage cost; the damage is still told."""
    path = write(tmp_path / "r.jsonl", HEADER, observation("a"), observation("b"), FOOTER)
    path.write_bytes(path.read_bytes().replace(b'"x_count":1', b'"x_count":7', 1))
    write(path, observation("a"), Footer(ended="x", outcome=Outcome.COMPLETE, observations=3))
    run = read_run(path)
    assert run.damaged
    assert run.complete


def test_a_line_without_its_checksum_is_damaged(tmp_path: Path) -> None:
    """Nobody can take the checksum away to mend a figure."""
    path = write(tmp_path / "r.jsonl", HEADER, observation("a"))
    header, line, _ = path.read_bytes().split(b"\n")
    bare = line[: line.rindex(b',"sum"')] + b"}"
    path.write_bytes(b"\n".join([header, bare, b""]))
    assert [damage.reason for damage in read_run(path).damaged] == ["it has no checksum"]


def test_a_damaged_header_is_made_good_by_the_one_at_the_end(tmp_path: Path) -> None:
    """Nothing that was observed hangs on one line."""
    path = tmp_path / "r.jsonl"
    with RunWriter(path) as writer:
        for line in (HEADER, observation("a"), observation("b")):
            writer.append(line)
        writer.finish(FOOTER)
    path.write_bytes(b"X" + path.read_bytes()[1:])
    run = read_run(path)
    assert [damage.line for damage in run.damaged] == [1]
    assert run.header == HEADER
    assert run.complete


def test_a_line_that_is_gone_is_missed(tmp_path: Path) -> None:
    """The footer counts the observations."""
    path = write(tmp_path / "r.jsonl", HEADER, observation("a"), observation("b"), FOOTER)
    header, _, *rest = path.read_bytes().split(b"\n")
    path.write_bytes(b"\n".join([header, *rest]))
    run = read_run(path)
    assert "counts 2 observations, the file holds 1" in run.damaged[0].reason
    assert not run.complete


@pytest.mark.parametrize("seed", range(40))
def test_no_flipped_byte_changes_what_is_read(tmp_path: Path, seed: int) -> None:
    """Whatever byte is hit: what is still read is what was written."""
    path = write(tmp_path / "r.jsonl", HEADER, observation("a"), observation("b", value=2), FOOTER)
    content = bytearray(path.read_bytes())
    dice = random.Random(seed)  # noqa: S311 - no secret
    at = dice.randrange(content.index(b"\n") + 1, len(content) - 1)
    content[at] ^= dice.randrange(1, 256)
    path.write_bytes(content)
    run = read_run(path)
    assert run.damaged
    written = (observation("a"), observation("b", value=2))
    assert all(seen in written for seen in run.observations)


def test_a_file_of_format_1_is_read(tmp_path: Path) -> None:
    """An old run, one cell an observation and no checksums, is as good as it was."""
    old = [
        {
            "kind": "header", "format": 1, "run": "r", "beamproof": "0", "started": "x",
            "command": [], "cells": ["s/a@otp27"], "claims_sha256": {}, "probes_sha256": {},
            "runtimes": [],
        },
        {
            "kind": "observation", "cell": "s/a@otp27", "skill": "s", "claim": "a",
            "runtime": "otp27", "probe": "s:a", "probe_sha256": "0", "args": {"n": 1}, "at": "x",
            "samples": [{"evidence": {"x_count": 1}, "elapsed_us": 5, "node": "n"}],
        },
        {"kind": "footer", "ended": "x", "outcome": "complete", "observations": 1},
    ]  # fmt: skip
    path = tmp_path / "r.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in old))
    run = read_run(path)
    assert run.complete
    assert run.by_cell["s/a@otp27"].samples[0].evidence == {"x_count": 1}
    assert run.by_cell["s/a@otp27"].probe == "s:a"
    write(path, observation("b"))
    assert list(read_run(path).by_cell) == ["s/a@otp27", "s/b@otp27"]


@pytest.mark.parametrize(
    "content",
    [
        {"probe_us": b"nine"},
        {"evidence": {"x": float("nan")}, "leftovers": ("\ud800",)},
        {"evidence": {"x": 10**5000}},
        {"evidence": {("a", "b"): 1}},
        {"elapsed_us": "long"},
    ],
)
def test_no_sample_is_stored_that_cannot_be_read_back(content: dict[str, object]) -> None:
    """An answer of the wrong shape costs its own cell, as evidence that is none."""
    sample = stored(Sample(**{"elapsed_us": 1, "node": "n", **content}))  # type: ignore[arg-type]
    assert sample.failure is not None
    assert sample.failure.kind is FailureKind.BAD_EVIDENCE
    assert sample.node == "n"


def test_what_cannot_be_read_back_is_not_written(tmp_path: Path) -> None:
    """The file stays readable whatever is handed to it."""
    wrong = Sample(elapsed_us=1, node="n", probe_us="nine")  # type: ignore[arg-type]
    line = Observation(
        call="s:a#0",
        cells=("s/a@otp27",),
        runtime="otp27",
        probe="s:a",
        probe_sha256="0",
        at="x",
        samples=(wrong,),
    )
    path = tmp_path / "r.jsonl"
    with RunWriter(path) as writer:
        writer.append(HEADER)
        with pytest.raises(RunFileError, match="not to be written"):
            writer.append(line)
    assert not read_run(path).damaged


def test_one_writer_a_run(tmp_path: Path) -> None:
    """A second writer is refused, also before it has opened the file."""
    path = tmp_path / "r.jsonl"
    with RunWriter(path) as writer:
        writer.append(HEADER)
        with pytest.raises(InputError, match="being written"), RunWriter(path):
            pass
        with pytest.raises(InputError, match="being written"):
            refuse_if_written(path)
    refuse_if_written(path)
    with RunWriter(path):
        pass


def test_a_run_file_that_was_removed_is_written_again(tmp_path: Path) -> None:
    """What was observed is kept, whoever cleans up meanwhile."""
    path = tmp_path / "runs" / "r.jsonl"
    with RunWriter(path) as writer:
        writer.append(HEADER)
        writer.append(observation("a"))
        path.unlink()
        path.parent.rmdir()
        writer.append(observation("b"))
        writer.finish(FOOTER)
    assert read_run(path).complete


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "no header"),
        (b"not json\n{}\n", "r.jsonl:1: it is not a line of a run file"),
        (b'{"kind":"header","format":99}\n', f"format 99; this beamproof reads up to {FORMAT}"),
        (b'{"kind":"other"}\n', "r.jsonl:1"),
        (b"\xff\xfe\n", "r.jsonl:1"),
        (encode(HEADER).replace(b"s/a@", b"s/c@"), "r.jsonl:1: its checksum"),
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


def test_the_disk_is_waited_for_now_and_then_and_at_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A line outlives the process at once; to wait for the disk takes as long as several calls."""
    waited: list[int] = []
    monkeypatch.setattr(os, "fsync", waited.append)
    path = tmp_path / "r.jsonl"
    with RunWriter(path) as writer:
        writer.append(HEADER)
        first = len(waited)
        for _ in range(200):
            writer.append(observation("a"))
        assert len(read_run(path).observations) == 1
        between = len(waited)
        writer.finish(FOOTER)
    assert first == 1
    assert between < 100
    assert len(waited) > between


def test_a_run_in_which_nothing_was_written_leaves_no_file(tmp_path: Path) -> None:
    """What fails before the first line, a module that is not there, is no run."""
    with pytest.raises(InputError), RunWriter(tmp_path / "run.jsonl"):
        raise InputError("there is no probe module")
    assert not list(tmp_path.iterdir())


def test_an_empty_file_that_was_there_stays(tmp_path: Path) -> None:
    """Only what the writer made itself is removed, never somebody else's."""
    theirs = tmp_path / "run.jsonl"
    theirs.touch()
    with RunWriter(theirs):
        pass
    assert theirs.exists()
