"""Runs of several machines become one, and nothing is decided in silence."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
from support import synthetic_runs
from support.synthetic_runs import Files, Shape

from harness.errors import InputError
from harness.run.file import assemble, read_run
from harness.run.merge import Merged, Wins, merge
from harness.run.model import Outcome, Run

AT = "2026-11-20T04:00:00.000+00:00"


def joined(paths: list[Path], wins: Wins | None = None) -> Merged:
    return merge([read_run(path) for path in paths], wins=wins, command=("merge",), at=AT)


def reread(merged: Merged, tmp_path: Path) -> Run:
    path = tmp_path / "joined.jsonl"
    path.write_bytes(merged.content())
    return read_run(path)


def test_a_matrix_of_jobs_gives_the_run_that_one_machine_would_have_made(
    files: Files, shards: list[Path], tmp_path: Path
) -> None:
    """Cells, observations, left-out cells and runtimes are those of the whole run."""
    whole, parts = read_run(files.run), joined(shards)
    run = reread(parts, tmp_path)
    assert run.complete
    assert parts.missing == ()
    assert set(run.by_cell) == set(whole.by_cell)
    assert set(run.header.cells) == set(run.by_cell)
    assert [one.name for one in run.header.runtimes] == ["otp25", "otp26", "otp27"]
    assert run.header.claims_sha256 == whole.header.claims_sha256


def test_a_share_that_was_expected_and_did_not_arrive_is_told(
    shards: list[Path], tmp_path: Path
) -> None:
    """Its release has a column of cells that are left out, so that a comparison misses them."""
    expected = ["otp25", "otp26", "otp27"]
    runs = [read_run(path) for path in shards if read_run(path).header.runtimes[0].release != 26]
    assert len(runs) == 2
    merged = merge(runs, expected=expected, at=AT)
    assert merged.absent == ("otp26",)
    run = reread(merged, tmp_path)
    assert not run.complete
    assert run.footer is not None
    assert run.footer.reason == "no run of otp26 arrived"
    reasons = {one.reason for one in run.header.left_out if one.cell.endswith("@otp26")}
    assert reasons == {"no run of it arrived to be merged"}
    assert merge([read_run(path) for path in shards], expected=expected, at=AT).absent == ()


def test_the_same_cell_twice_is_refused(shards: list[Path]) -> None:
    """Two observations of one cell need somebody's word on which one stands."""
    with pytest.raises(InputError, match="observed by more than one run") as refused:
        joined([shards[0], shards[0]])
    assert "--wins" in str(refused.value)


@pytest.mark.parametrize(
    ("wins", "expected"), [(Wins.FIRST, "a"), (Wins.LAST, "b"), (Wins.NEWEST, "a")]
)
def test_the_one_that_was_said_to_win_stands(
    files: Files, tmp_path: Path, wins: Wins, expected: str
) -> None:
    """`first` and `last` go by the command line, `newest` by the time of the run."""
    paths = []
    for name, day in (("a", 21), ("b", 20)):
        paths.append(tmp_path / f"{name}.jsonl")
        shape = Shape(
            run=name, seed=day, started=f"2026-11-{day}T03:00:00.000+00:00", releases=(27,)
        )
        paths[-1].write_bytes(synthetic_runs.content(shape, files))
    winner = {one.cells: one for one in read_run(tmp_path / f"{expected}.jsonl").observations}
    assert {one.cells: one for one in joined(paths, wins).observations} == winner


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"claims_sha256": {"beam-skill-a": "1" * 64}}, "claims of beam-skill-a: [0-9a-f]{12} in"),
        ({"probes_sha256": {"beam_skill_a": "1" * 64}}, "probe module beam_skill_a"),
    ],
)
def test_runs_of_different_sources_do_not_belong_together(
    shards: list[Path], change: dict[str, dict[str, str]], message: str
) -> None:
    """Claims or probes that differ are named with both hashes."""
    first, second = read_run(shards[0]), read_run(shards[1])
    other = msgspec.structs.replace(second, header=msgspec.structs.replace(second.header, **change))
    with pytest.raises(InputError, match=message):
        merge([first, other], at=AT)
    assert len(merge([first, other], at=AT, wins=Wins.LAST).observations) == 30


def test_one_runtime_cannot_be_two_builds(files: Files, tmp_path: Path) -> None:
    """`otp27` of two jobs must be the same OTP, or the column would be a mixture."""
    paths = []
    for name, patch, skills in (("a", "27.3.4.1", 1), ("b", "27.3.5", 2)):
        paths.append(tmp_path / f"{name}.jsonl")
        shape = Shape(run=name, releases=(27,), skills=skills, otp={27: patch})
        paths[-1].write_bytes(synthetic_runs.content(shape, files))
    runs = [read_run(path) for path in paths]
    kept = [one for one in runs[1].observations if one.cells[0].startswith("beam-skill-b/")]
    runs[1] = msgspec.structs.replace(runs[1], observations=tuple(kept))
    with pytest.raises(InputError, match=r"runtime otp27: docker .* 27\.3\.4\.1 in"):
        merge(runs, at=AT)


def test_what_nobody_observed_is_named(shards: list[Path]) -> None:
    """A job that broke off leaves cells; they are listed, and the joined run is incomplete."""
    first, second = read_run(shards[0]), read_run(shards[1])
    broken = msgspec.structs.replace(second, observations=second.observations[:-2], footer=None)
    merged = merge([first, broken], at=AT)
    assert merged.missing == (
        "beam-skill-b/claim-006@otp26",
        "beam-skill-b/claim-007@otp26",
    )
    assert merged.incomplete == (str(shards[1]),)
    assert merged.footer.outcome is Outcome.FAILED
    assert "2 cells are missing" in (merged.footer.reason or "")


def test_a_claim_that_one_job_never_heard_of_is_missing_there(files: Files, tmp_path: Path) -> None:
    """The matrix is every claim on every release that any job names."""
    paths = []
    for release, count in ((26, 8), (27, 7)):
        paths.append(tmp_path / f"otp{release}.jsonl")
        shape = replace(Shape(), releases=(release,), claims=count, run=str(release))
        paths[-1].write_bytes(synthetic_runs.content(shape, files))
    assert joined(paths).missing == (
        "beam-skill-a/claim-007@otp27",
        "beam-skill-b/claim-007@otp27",
    )


def test_an_observation_stands_above_a_reason_for_leaving_out(shards: list[Path]) -> None:
    """What one machine could not run and another did was observed."""
    first = read_run(shards[0])
    out = msgspec.structs.replace(
        first,
        observations=(),
        header=msgspec.structs.replace(
            first.header,
            run="poor",
            cells=(),
            left_out=tuple(
                msgspec.convert({"cell": cell, "reason": "no engine"}, type(item))
                for item in first.header.left_out[:1]
                for cell in first.header.cells
            ),
        ),
    )
    merged = merge([out, first], at=AT)
    assert len(merged.observations) == len(first.observations)
    assert {item.reason for item in merged.header.left_out} == {"the claim is about OTP >=25"}


def test_nothing_to_merge_is_said() -> None:
    """No run at all is no run."""
    with pytest.raises(InputError, match="nothing to merge"):
        merge([], at=AT)


def test_the_content_is_a_run_file(shards: list[Path]) -> None:
    """Header first, footer last, and the reader takes it."""
    merged = joined(shards)
    lines = merged.content().splitlines()
    assert lines[0].startswith(b'{"kind":"header"')
    assert json.loads(lines[-1])["observations"] == len(lines) - 2
    run = assemble(Path("x"), [merged.header, *merged.observations, merged.footer])
    assert run.complete
