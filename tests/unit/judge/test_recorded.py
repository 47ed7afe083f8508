"""A recorded run of real VMs, judged and mutated without one."""

import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from harness.claims.folder import load_skills
from harness.claims.model import Claim, Skill
from harness.judge.finding import Verdict
from harness.judge.judge import judge, judge_run
from harness.judge.mutate import mutate, mutations
from harness.run.cells import CellId
from harness.run.file import read_run
from harness.run.model import Observation, Run, Sample

EVIDENCE = Path(__file__).parents[2] / "evidence"


@pytest.fixture(scope="module")
def skill() -> Skill:
    return load_skills(EVIDENCE / "claims", ["beam-memory-management"])[0]


@pytest.fixture(scope="module")
def run() -> Run:
    return read_run(EVIDENCE / "beam-memory-management.jsonl")


def test_every_recorded_cell_is_confirmed(skill: Skill, run: Run) -> None:
    """Two releases, every claim, judged again from the file."""
    judgement = judge_run(run, [skill])
    assert {one.verdict for one in judgement.findings} == {Verdict.CONFIRMED}
    assert len(judgement.findings) == 2 * len(skill.claims)
    assert judgement.unknown == ()


def test_every_change_of_a_prediction_is_refuted(skill: Skill, run: Run) -> None:
    """No claim of the recorded skill passes vacuously."""
    report = mutate(skill, run)
    assert report.untested == ()
    assert report.survivors == ()
    assert report.tried > 10 * len(skill.claims)


def test_every_claim_is_changed_in_every_prediction(skill: Skill, run: Run) -> None:
    """No prediction is left out, and every rival stands in the claim's place once."""
    for claim, observation in _observed(skill, run):
        version = observation.build.otp_version if observation.build else ""
        said = [change.description for change in mutations(claim, observation)]
        for prediction in claim.predictions_on(version):
            assert any(one.startswith(f"{prediction.name}: ") for one in said), prediction.name
        rivals = [one for one in said if one.startswith("the rival in the claim's place")]
        assert len(rivals) == len(claim.rivals_on(version))


def test_evidence_without_its_keys_is_inconclusive(skill: Skill, run: Run) -> None:
    """Take any evidence away, and no cell is confirmed or refuted by what is not there."""
    for claim, observation in _observed(skill, run):
        empty = tuple(msgspec.structs.replace(one, evidence={}) for one in observation.samples)
        bare = msgspec.structs.replace(observation, samples=empty)
        finding = judge(claim, bare)
        absent = any("no such key" in check.predicted for check in finding.checks)
        assert finding.verdict is Verdict.INCONCLUSIVE or absent, finding.reason
        crashed = msgspec.structs.replace(observation, samples=_without_evidence(bare.samples))
        assert judge(claim, crashed).verdict is Verdict.INCONCLUSIVE


def _observed(skill: Skill, run: Run) -> Iterator[tuple[Claim, Observation]]:
    """Yield each claim with each observation that serves it."""
    claims = {claim.id: claim for claim in skill.claims}
    for observation in run.observations:
        for cell in observation.cells:
            yield claims[CellId(cell).claim], observation


def _without_evidence(samples: tuple[Sample, ...]) -> tuple[Sample, ...]:
    return tuple(msgspec.structs.replace(one, evidence=None) for one in samples)


def test_judging_six_thousand_cells_takes_no_time(skill: Skill, run: Run) -> None:
    """As many cells as a run over everything has; generous, since machines are shared."""
    rounds = 6000 // len(run.observations) + 1
    started = time.process_time()
    for _ in range(rounds):
        judge_run(run, [skill])
    assert time.process_time() - started < 6
