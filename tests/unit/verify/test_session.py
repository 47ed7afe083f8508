"""The recorder: one judgement a sample, one observation for every cell that it serves."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from support.judging import claim, failed, header, observation, rival, sample

from harness.collect.probes import ProbeStore
from harness.collect.runner import Decision
from harness.judge.finding import Finding, Verdict
from harness.run.file import RunWriter, read_run
from harness.run.model import FailureKind, Observation
from harness.verify.recorder import Recorder, SourceKeeper

OLD = claim({"x_count": 1}, rival({"x_count": 2}), name="old")
NEW = claim({"x_count": 1}, rival({"x_count": 2}), name="new", otp=">=27")
MEDIAN = claim(
    {"x_count": {"at_most": 10}}, rival({"x_count": {"at_least": 99}}), name="median", repeat=5
)
CLAIMS = {one.name: one for one in (OLD, NEW, MEDIAN)}
HEADER = header()


def seen(*values: int, cells: str, boundary: str = "", version: str = "27.3") -> Observation:
    release = version.partition(".")[0]
    from_names = [f"beam-test/{name}@otp{release}" for name in cells.split()]
    outside = [f"beam-test/{name}@otp{release}" for name in boundary.split()]
    made = observation(*(sample({"x_count": value}) for value in values), version=version)
    return _with_cells(made, from_names, outside)


def _with_cells(made: Observation, cells: list[str], boundary: list[str]) -> Observation:
    return msgspec.structs.replace(made, cells=tuple(cells), boundary=tuple(boundary))


def recorded(
    path: Path, *observations: Observation, fail_fast: bool = False
) -> tuple[Recorder, list[Decision], list[Finding]]:
    shown: list[Finding] = []
    with RunWriter(path) as writer:
        writer.append(HEADER)
        recorder = Recorder(
            claims=CLAIMS, writer=writer, on_finding=shown.append, fail_fast=fail_fast
        )
        return recorder, [recorder.decide(one) for one in observations], shown


def test_an_observation_gives_every_claim_its_finding(tmp_path: Path) -> None:
    """It is stored once and judged for each."""
    path = tmp_path / "r.jsonl"
    recorder, decisions, shown = recorded(path, seen(1, cells="old new"))
    assert decisions == [Decision()]
    assert [finding.cell for finding in shown] == ["beam-test/old@otp27", "beam-test/new@otp27"]
    assert {finding.verdict for finding in recorder.findings.values()} == {Verdict.CONFIRMED}
    assert len(read_run(path).observations) == 1


def test_the_sources_of_a_probe_are_kept_once(tmp_path: Path) -> None:
    """Before its first observation, and not again by a run that goes on."""
    (tmp_path / "beam_test.erl").write_text("-module(beam_test).\n")
    probes = ProbeStore(tmp_path, None)
    made = msgspec.structs.replace(
        seen(1, cells="old"), probe="beam_test:p", probe_sha256=probes.source_sha256("beam_test")
    )
    path = tmp_path / "r.jsonl"
    for _ in range(2):
        kept = read_run(path).sources if path.exists() else ()
        with RunWriter(path) as writer:
            writer.append(HEADER)
            sources = SourceKeeper(writer=writer, probes=probes, written=list(kept))
            recorder = Recorder(claims=CLAIMS, writer=writer, on_finding=print, sources=sources)
            recorder.decide(made)
            recorder.decide(made)
    kinds = [msgspec.json.decode(line)["kind"] for line in path.read_bytes().splitlines()]
    assert kinds == ["header", "source", *["observation"] * 2, "header", *["observation"] * 2]
    source = read_run(path).source_of(made)
    assert source is not None
    assert source.unpack() == b"-module(beam_test).\n"


def test_more_samples_are_drawn_while_any_of_the_claims_wants_them(tmp_path: Path) -> None:
    """Nothing is stored or shown before the last of them is content."""
    path = tmp_path / "r.jsonl"
    astride, decided = [1, 1, 30, 30, 1], [1, 1, 1, 30, 30, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1]
    _, decisions, shown = recorded(
        path, seen(*astride, cells="median old"), seen(*decided, cells="median old")
    )
    assert [decision.more for decision in decisions] == [True, False]
    assert len(shown) == 2


def test_a_claim_that_does_not_hold_out_of_its_range_is_as_it_says(tmp_path: Path) -> None:
    """The boundary cell is skipped with that reason, and stops no run."""
    path = tmp_path / "r.jsonl"
    made = seen(2, cells="", boundary="new", version="25.3")
    recorder, decisions, _ = recorded(path, made, fail_fast=True)
    (finding,) = recorder.findings.values()
    assert finding.boundary
    assert finding.verdict is Verdict.SKIPPED
    assert decisions == [Decision()]


def test_a_claim_that_holds_out_of_its_range_is_inconclusive(tmp_path: Path) -> None:
    """Its range says too little."""
    made = seen(1, cells="", boundary="new", version="25.3")
    recorder, _, _ = recorded(tmp_path / "r.jsonl", made)
    (finding,) = recorder.findings.values()
    assert finding.verdict is Verdict.INCONCLUSIVE
    assert "it holds on 25.3, too" in finding.reason


@pytest.mark.parametrize("fail_fast", [True, False])
def test_what_is_not_confirmed_is_worth_a_look_and_may_end_the_run(
    tmp_path: Path, *, fail_fast: bool
) -> None:
    """A failed call is no reason to draw more samples."""
    made = _with_cells(observation(failed(FailureKind.CRASHED)), ["beam-test/old@otp27"], [])
    _, decisions, _ = recorded(tmp_path / "r.jsonl", made, fail_fast=fail_fast)
    assert decisions == [Decision(keep=True, go_on=not fail_fast)]


def test_what_is_taken_over_is_judged_anew(tmp_path: Path) -> None:
    """By the claims as they are now, and stored in the run that takes it."""
    path = tmp_path / "r.jsonl"
    with RunWriter(path) as writer:
        writer.append(HEADER)
        recorder = Recorder(claims=CLAIMS, writer=writer, on_finding=lambda _finding: None)
        old = msgspec.structs.replace(seen(2, cells="old"), taken_from="other")
        recorder.take_over([old, seen(*[10] * 5, cells="median")])
        short = [seen(*[3] * 4, *[50] * 3, cells="median")]
        recorder.take_over(short)
    kept, whole = read_run(path).observations
    assert kept.taken_from == "other"
    assert len(whole.samples) == 5
    assert next(one.verdict for one in recorder.findings.values()) is Verdict.REFUTED


def test_what_the_run_file_holds_is_not_kept_in_memory(tmp_path: Path) -> None:
    """Of what nobody will look at the verdict alone; all of what is to be shown."""
    recorder, _, shown = recorded(
        tmp_path / "r.jsonl", seen(1, cells="old"), seen(2, cells="new", version="27.4")
    )
    assert all(finding.observation is not None for finding in shown)
    confirmed, refuted = recorder.findings.values()
    assert (confirmed.verdict, confirmed.observation, confirmed.checks) == (
        Verdict.CONFIRMED,
        None,
        (),
    )
    assert confirmed.reason == shown[0].reason
    assert refuted.observation is not None
    assert recorder.observations == [refuted.observation]
    assert len(read_run(tmp_path / "r.jsonl").observations) == 2


def test_what_a_probe_left_behind_is_kept_to_be_told(tmp_path: Path) -> None:
    """Confirmed or not."""
    left = msgspec.structs.replace(sample({"x_count": 1}), leftovers=("process <0.9.0>",))
    made = _with_cells(observation(left, version="27.3"), ["beam-test/old@otp27"], [])
    recorder, _, _ = recorded(tmp_path / "r.jsonl", made)
    assert recorder.observations == [made]


def test_who_shows_everything_keeps_everything(tmp_path: Path) -> None:
    """As JSON, or the slowest calls."""
    with RunWriter(tmp_path / "r.jsonl") as writer:
        writer.append(HEADER)
        recorder = Recorder(
            claims=CLAIMS, writer=writer, on_finding=lambda _finding: None, keeps_all=True
        )
        recorder.decide(seen(1, cells="old"))
    assert len(recorder.observations) == 1
    assert all(finding.checks for finding in recorder.findings.values())
