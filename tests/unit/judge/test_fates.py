"""What a sabotaged probe means for its claim: fallen, vacuous, or nothing at all."""

from __future__ import annotations

import pytest

from harness.judge.judge import judge
from harness.judge.sabotage import Fate, SabotageReport, Trial, fate, unmet_rivals
from harness.run.model import FailureKind, Observation
from tests.support.judging import claim, failed, observation, rival, sample

OTP = ("25.2.3", "27.3.4.1")
CLAIM = claim({"found_count": {"at_least": 5}, "kinds": {"length": 2}}, rival({"found_count": 9}))
PLAIN = judge(CLAIM, observation(sample({"found_count": 7, "kinds": [1, 2]})))


@pytest.mark.parametrize(
    ("evidence", "expected"),
    [
        ({"found_count": 7, "kinds": [1, 2]}, Fate.VACUOUS),
        ({"found_count": 4, "kinds": [1, 2]}, Fate.FELL),
        ({"found_count": 9, "kinds": [1, 2]}, Fate.FELL),
        ({"found_count": 7}, Fate.UNPROVEN),
    ],
)
def test_the_evidence_decides(evidence: dict[str, object], expected: Fate) -> None:
    """A refutation is a fall, and so is a rival that fits; a key that is gone proves nothing."""
    assert fate(PLAIN, judge(CLAIM, observation(sample(evidence))))[0] is expected


@pytest.mark.parametrize("kind", FailureKind)
def test_only_a_setup_that_fails_is_a_fall(kind: FailureKind) -> None:
    """Whoever breaks a probe altogether has shown nothing of its claim."""
    expected = Fate.FELL if kind is FailureKind.SETUP else Fate.UNPROVEN
    assert fate(PLAIN, judge(CLAIM, observation(failed(kind))))[0] is expected


def test_nothing_measured_is_a_fall() -> None:
    """The judge itself says that an empty list shows nothing."""
    law = claim({"gaps_ms": {"all": {"at_most": 3}}}, rival({"gaps_ms": {"all": 9}}))
    plain = judge(law, observation(sample({"gaps_ms": [1]})))
    assert fate(plain, judge(law, observation(sample({"gaps_ms": []}))))[0] is Fate.FELL


def test_an_undecided_median_is_no_fall() -> None:
    """More samples might have confirmed it."""
    law = claim({"took_ms": {"at_most": 5}}, rival({"took_ms": {"at_least": 90}}), repeat=6)
    plain = judge(law, _samples(1, 2, 1, 2, 1, 2))
    assert fate(plain, judge(law, _samples(1, 9, 1, 9, 1, 9)))[0] is Fate.UNPROVEN


def test_a_claim_that_does_not_hold_without_sabotage_cannot_fall() -> None:
    """The plain probe beside it is the control."""
    wrong = judge(CLAIM, observation(sample({"found_count": 1, "kinds": [1, 2]})))
    what, reason = fate(wrong, wrong)
    assert what is Fate.UNPROVEN
    assert reason.startswith("without sabotage it is refuted: found_count")


def test_what_no_runtime_tried_is_known() -> None:
    """A variant that is tried on one release at least is tried."""
    trials = (
        _trial("first", "otp25", Fate.UNTRIED),
        _trial("first", "otp27", Fate.FELL),
        _trial("second", "otp27", Fate.UNTRIED),
    )
    assert SabotageReport(skill="beam-test", trials=trials).untried == (("second", "law"),)


def test_a_rival_that_no_variant_meets_is_told() -> None:
    """Unless the run had no release that it is about: there nothing could meet it."""
    law = claim(
        {"found_count": 7},
        rival({"found_count": 9}, statement="It is nine."),
        rival({"found_count": 1}, statement="It is one."),
        rival({"found_count": 0}, statement="It was none.", otp="<25"),
    )
    tried = [(version, judge(law, observation(sample({"found_count": 9})))) for version in OTP]
    assert unmet_rivals(law, tried) == ("It is one.",)
    assert unmet_rivals(law, []) == ()


def _samples(*found: float) -> Observation:
    return observation(*(sample({"took_ms": one}) for one in found))


def _trial(variant: str, runtime: str, what: Fate) -> Trial:
    return Trial(
        skill="beam-test",
        variant=variant,
        clause="",
        claim="law",
        runtime=runtime,
        fate=what,
        reason="",
    )


def test_what_cannot_run_is_not_tried() -> None:
    """A need that the machine does not meet is no fault of the variant."""
    lacking = judge(CLAIM, observation(failed(FailureKind.UNMET_NEED, "no mnesia")))
    assert fate(lacking, lacking)[0] is Fate.UNTRIED
