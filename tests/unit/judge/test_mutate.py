"""Mutation: a sound claim refutes every change of its predictions, a vacuous one is found out."""

from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.judging import SKILL, claim, failed, header, observation, rival, seen, when

from harness.claims.model import Claim, Skill
from harness.judge.finding import Verdict
from harness.judge.judge import judge
from harness.judge.mutate import mutate, mutations, survivors
from harness.run.file import read_run
from harness.run.model import FailureKind, LeftOutCell, Observation, Run

EVIDENCE = Path(__file__).parents[2] / "evidence"


def changes(one: Claim, observation: Observation) -> list[str]:
    return [change.description for change in mutations(one, observation)]


def alive(one: Claim, observation: Observation) -> list[str]:
    return [left.description for left in survivors(mutations(one, observation), observation)]


@pytest.mark.parametrize(
    ("written", "value"),
    [
        (64, 64),
        (0.5, 0.5),
        (0.0, 0),
        (-3, -3),
        (True, True),
        ("killed", "killed"),
        (["killed", 2, {"a": True}], ["killed", 2, {"a": True}]),
        ({"equals": {"a": 1, "b": None}}, {"a": 1, "b": None}),
        ({"not_equals": 64}, 3),
        ({"not_equals": "x"}, "y"),
        ({"one_of": [1, 2, "none"]}, 2),
        ({"one_of": ["none"]}, "none"),
        ({"at_least": 3}, 3),
        ({"at_least": 3}, 1000),
        ({"at_most": 3.5}, -2),
        ({"above": 3}, 3.5),
        ({"below": 3}, 0),
        ({"at_least": 1, "below": 3}, 2),
        ({"between": [1, 9]}, 5),
        ({"between": [-9.0, 0.0]}, 0.0),
        ({"approx": 100, "rel": 0.2}, 90),
        ({"approx": -1.0, "abs": 0.5}, -0.7),
        ({"contains": "bad"}, "a badarg"),
        ({"contains": 3}, [1, 3]),
        ({"absent": False}, 3),
        ({"matches": "^bad(arg|match)$"}, "badarg"),
        ({"matches": "(?is)A.BAD.*"}, "a\nbadarg"),
        ({"search": "^bad"}, "badarg"),
        ({"search": "(?i)BAD"}, "a\nbadarg"),
        ({"all": {"at_least": 1}}, [1, 5, 9]),
        ({"all": {"x_us": {"above": 0.5}, "ok": True}}, [{"x_us": 1, "ok": True}]),
        ({"any": 3}, [1, 2, 3, 4]),
        ({"any": {"at_least": 3}}, [1, 3, 100]),
        ({"any": True}, [True, False]),
        ({"any": {"between": [2, 3]}}, [1, 3, 9]),
        ({"any": {"reason": {"matches": "kill"}}}, [{"reason": "x"}, {"reason": "kill"}]),
        ({"any": {"not_equals": 3}}, [3, 4]),
        ({"length": 2}, [1, 2]),
        ({"length": {"at_least": 1}}, "text"),
    ],
)
def test_every_change_of_a_fulfilled_prediction_is_refuted(written: Any, value: Any) -> None:
    """Each predicate is changed at least once, and the evidence refutes each change."""
    one = claim({"found": written}, rival({"found": "~the rival's~"}))
    observation = seen({"found": value})
    assert judge(one, observation).verdict is Verdict.CONFIRMED
    assert len(changes(one, observation)) >= 2
    assert alive(one, observation) == []


def test_an_absent_key_that_turns_up_is_a_change() -> None:
    """`absent` is turned round: the evidence lacks the key, so asking for it is refuted."""
    one = claim({"found": {"absent": True}})
    assert changes(one, seen({})) == ["found: any value instead of no such key"]
    assert alive(one, seen({})) == []


def test_integers_are_shifted_by_one_each_way() -> None:
    """The threshold itself is what the claim is about."""
    one = claim({"size_bytes": 64}, rival({"size_bytes": 1}, "One."))
    assert changes(one, seen({"size_bytes": 64})) == [
        "size_bytes: 65 instead of 64",
        "size_bytes: 63 instead of 64",
        'the rival in the claim\'s place: "One."',
    ]


def test_ranges_are_turned_round_and_pushed_beyond_the_evidence() -> None:
    """Changes follow what was found, not what was written."""
    one = claim({"x_count": {"at_least": 3}})
    assert changes(one, seen({"x_count": 10})) == [
        "x_count: below 3 instead of at least 3",
        "x_count: at least 11 instead of at least 3",
    ]


def test_predictions_are_those_of_the_release_that_ran() -> None:
    """A `when` is changed where it holds, and does not undo the change."""
    one = claim({"size_bytes": 64}, whens=(when(">=27", {"size_bytes": 65}),))
    observation = seen({"size_bytes": 65})
    assert changes(one, observation)[0] == "size_bytes: 66 instead of 65"
    assert alive(one, observation) == []


def test_a_median_refutes_changes_too() -> None:
    """With several samples everything is pushed beyond all of them."""
    one = claim({"x_ratio": {"between": [1.0, 3.0]}}, rival({"x_ratio": {"above": 5}}), repeat=6)
    observation = seen(*({"x_ratio": value} for value in (1.5, 1.6, 2.0, 2.1, 2.5, 2.9)))
    assert judge(one, observation).verdict is Verdict.CONFIRMED
    assert alive(one, observation) == []


def test_a_rival_that_the_evidence_does_not_refute_survives() -> None:
    """Put in the claim's place it would be believed."""
    one = claim({"size_bytes": 64}, rival({"size_bytes": {"at_least": 1}}, "Some."))
    assert alive(one, seen({"size_bytes": 64})) == ['the rival in the claim\'s place: "Some."']


@given(st.integers(), st.integers(0, 50), st.integers(0, 50))
def test_no_range_around_an_integer_is_vacuous(found: int, under: int, over: int) -> None:
    """Wherever the evidence lies within a range, every change is refuted."""
    one = claim({"x_count": {"between": [found - under, found + over]}})
    assert alive(one, seen({"x_count": found})) == []


@given(
    st.floats(-1e12, 1e12),
    st.floats(0, 1e6),
    st.sampled_from(["at_least", "at_most", "approx", "between"]),
)
def test_no_range_around_a_float_is_vacuous(found: float, width: float, op: str) -> None:
    """As for integers, by a tenth of what was found."""
    written = {
        "at_least": {"at_least": found - width},
        "at_most": {"at_most": found + width},
        "approx": {"approx": found, "abs": width},
        "between": {"between": [found - width, found + width]},
    }[op]
    one = claim({"x_ratio": written})
    assert alive(one, seen({"x_ratio": found})) == []


def test_claims_without_a_confirmed_cell_are_named() -> None:
    """What was refuted or never ran proves nothing about its predictions."""
    skill = Skill(
        name=SKILL,
        description="",
        claims=(claim({"size_bytes": 64}, name="other-law"),),
    )
    report = mutate(skill, read_run(EVIDENCE / "beam-memory-management.jsonl"))
    assert report.tried == 0
    assert report.untested == ((f"{SKILL}/other-law", "the run has no cell of it"),)


def test_what_no_vm_could_be_asked_is_skipped() -> None:
    """It is told, and is nobody's fault; what was never run is."""
    lacks = observation(failed(FailureKind.UNMET_NEED, "no engine"))
    law = claim({"a_count": 1}, rival({"a_count": 2}))
    other = claim({"a_count": 1}, rival({"a_count": 2}), name="other-law")
    left = LeftOutCell(cell=f"{SKILL}/other-law@otp27", reason="no quota")
    made = Run(
        path=Path("r.jsonl"),
        header=msgspec.structs.replace(header(*lacks.cells), left_out=(left,)),
        observations=(lacks,),
    )
    skill = Skill(name=SKILL, description="", claims=(law, other))
    report = mutate(skill, made)
    assert report.skipped == ((f"{SKILL}/law", "no engine"), (f"{SKILL}/other-law", "no quota"))
    assert report.untested == ()


def test_a_claim_about_other_releases_is_skipped() -> None:
    """The run has its boundary cells only."""
    law = claim({"a_count": 1}, rival({"a_count": 2}), otp=">=28")
    made = Run(
        path=Path("r.jsonl"),
        header=msgspec.structs.replace(header(), boundary=(f"{SKILL}/law@otp27",)),
        observations=(),
    )
    report = mutate(Skill(name=SKILL, description="", claims=(law,)), made)
    reason = "it is about OTP >=28, of which the run has none"
    assert report.skipped == ((f"{SKILL}/law", reason),)
