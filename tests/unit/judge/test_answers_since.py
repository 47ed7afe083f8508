"""What the evidence of a claim answers, so that releases can be compared by it."""

from __future__ import annotations

from typing import Any

import pytest
from support.judging import claim, failed, observation, rival, sample, seen, when

from harness.claims.model import Claim
from harness.judge.since import AS_PREDICTED, ClaimAnswer, answer_of, differences
from harness.run.model import FailureKind

LAW = claim({"a_count": 1, "b_us": {"at_most": 9}}, rival({"a_count": 0}), otp=">=26")


def answer(evidence: dict[str, Any], version: str = "27.3.4.1", about: Claim = LAW) -> ClaimAnswer:
    found = answer_of(about, seen(evidence, version=version), version)
    assert isinstance(found, ClaimAnswer)
    return found


def test_a_value_is_compared_and_a_range_by_whether_it_holds() -> None:
    """And what nobody predicts is not looked at."""
    one = answer({"a_count": 1, "b_us": 5, "noise": 1})
    assert one.same(answer({"a_count": 1, "b_us": 7, "noise": 2}))
    assert not one.same(answer({"a_count": 2, "b_us": 5}))
    assert not one.same(answer({"a_count": 1, "b_us": 50}))
    assert answer({"a_count": 1, "b_us": 50}).same(answer({"a_count": 1, "b_us": 60}))


def test_a_release_outside_of_the_claims_range_is_asked_like_any_other() -> None:
    """The range is what is looked for; rivals have no say."""
    old = answer({"a_count": 1, "b_us": 5}, "25.2.3")
    assert (old.holds, old.said) == (True, AS_PREDICTED)
    against = answer({"a_count": 0, "b_us": 50}, "25.2.3")
    assert not against.holds
    assert against.said == "a_count: predicted 1, found 0, and 1 more"


def test_what_a_table_replaces_is_compared_by_what_the_claim_says_everywhere() -> None:
    """So the release at which a table begins is a change; its own keys are compared, too."""
    law = claim({"a_count": 1}, whens=(when("<26", {"a_count": 2, "c_count": 3}),))
    old = answer({"a_count": 2, "c_count": 3}, "25.2.3", law)
    new = answer({"a_count": 1, "c_count": 4}, "26.2", law)
    assert differences(old, new) == (("c_count", "3", "4"), ("a_count", "2", "1"))


def test_pids_and_the_like_are_no_difference() -> None:
    """They are others in each VM."""
    law = claim({"who": "x"})
    one, other = (answer({"who": f"<0.{n}.0> at 0x7f00aa{n}1"}, about=law) for n in (81, 93))
    assert one.same(other)


def test_a_probe_that_crashes_is_an_answer() -> None:
    """The same on two releases where it says the same."""
    crashed = [
        answer_of(LAW, observation(failed(FailureKind.CRASHED, f"undef in <0.{n}.0>")), "25.0")
        for n in (7, 8)
    ]
    one, other = crashed
    assert isinstance(one, ClaimAnswer)
    assert one.same(other)
    assert not one.holds
    assert not one.same(answer({"a_count": 1, "b_us": 5}))
    assert one.said.startswith("no evidence: crashed: undef in")


@pytest.mark.parametrize(
    "kind", [FailureKind.SETUP, FailureKind.UNMET_NEED, FailureKind.NOT_COMPILED]
)
def test_what_says_nothing_of_the_release_is_no_answer(kind: FailureKind) -> None:
    """The reason is told instead."""
    assert answer_of(LAW, observation(failed(kind, "no compiler")), "25.0") == "no compiler"


def test_evidence_without_a_key_is_said() -> None:
    """Neither as predicted nor otherwise."""
    found = answer_of(LAW, observation(sample({"b_us": 1})), "25.0")
    assert isinstance(found, ClaimAnswer)
    assert not found.holds
    assert not found.same(answer({"a_count": 1, "b_us": 5}))
