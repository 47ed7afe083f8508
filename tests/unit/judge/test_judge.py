"""Judging: what confirms, what refutes, and everything that must do neither."""

import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.judging import SKILL, claim, failed, observation, rival, sample, seen, when

from harness.claims.model import Claim, Skill
from harness.judge.finding import Verdict, overall
from harness.judge.judge import MOST_SAMPLES, enough, judge, judge_run
from harness.judge.view import untried_boundaries
from harness.run.model import Damage, FailureKind, Footer, Header, LeftOutCell, Outcome, Run, Sample

LAW = claim(
    {"size_bytes": 64}, rival({"size_bytes": {"at_most": 1}}, "Everything is off the heap.")
)


def verdict_of(one: Claim, *evidence: dict[str, Any], version: str = "27.3.4.1") -> Verdict:
    return judge(one, seen(*evidence, version=version)).verdict


def test_evidence_that_fits_and_contradicts_every_rival_confirms() -> None:
    """The one way to be confirmed."""
    finding = judge(LAW, seen({"size_bytes": 64}))
    assert finding.verdict is Verdict.CONFIRMED
    assert finding.reason == "1 prediction holds, 1 rival is contradicted"
    assert finding.cell == "beam-test/law@otp27"
    assert finding.rivals[0].contradicted
    assert finding.rivals[0].by is not None
    assert finding.rivals[0].by.found == 64


def test_evidence_against_a_prediction_refutes() -> None:
    """The reason shows predicted and found side by side."""
    finding = judge(LAW, seen({"size_bytes": 65}))
    assert finding.verdict is Verdict.REFUTED
    assert finding.reason == "size_bytes: predicted 64, found 65"


def test_the_reason_counts_what_it_does_not_show() -> None:
    """One sentence, however many predictions fail."""
    two = claim({"a_bytes": 1, "b_bytes": 2})
    assert judge(two, seen({"a_bytes": 0, "b_bytes": 0})).reason.endswith("found 0 (and 1 more)")


def test_evidence_that_fits_a_rival_as_well_decides_nothing() -> None:
    """A claim whose rival survives is not confirmed, and the reason names the rival."""
    vague = claim({"size_bytes": {"at_least": 1}}, rival({"size_bytes": 64}, "Just 64."))
    finding = judge(vague, seen({"size_bytes": 64}))
    assert finding.verdict is Verdict.INCONCLUSIVE
    assert finding.reason == 'the evidence fits the rival as well: "Just 64."'


def test_a_rival_without_evidence_is_not_contradicted() -> None:
    """A rival's missing key is a doubt, not a contradiction."""
    one = claim({"size_bytes": 64}, rival({"other_bytes": 3}, "It is 3."))
    finding = judge(one, seen({"size_bytes": 64}))
    assert finding.verdict is Verdict.INCONCLUSIVE
    assert "the evidence has no such key" in finding.reason


def test_a_missing_key_is_inconclusive() -> None:
    """What was not measured refutes nothing."""
    finding = judge(LAW, seen({"sizes_bytes": 64}))
    assert finding.verdict is Verdict.INCONCLUSIVE
    assert finding.reason == (
        "size_bytes: the evidence has no such key, but sizes_bytes;"
        ' did you mean "sizes_bytes"?; predicted 64'
    )
    assert finding.checks[0].found_text == "(missing)"


def test_keys_are_named_where_the_path_ends() -> None:
    """Not all of them, and those of the map in which one was looked for."""
    deep = claim({"cases": {"link": {"reason": "killed"}}}, rival({"x": 1}))
    many = {f"k{number}": number for number in range(9)}
    said = judge(deep, seen({"cases": {"link": many}})).reason
    assert "no such key, but k0, k1, k2, k3, k4, k5 and 3 more; predicted" in said
    assert "no such key, but other; pred" in judge(deep, seen({"cases": {"other": 1}})).reason
    assert "no such key; predicted" in judge(deep, seen({})).reason


def test_what_is_still_to_be_done_is_not_confirmed() -> None:
    """The frame that `beamproof new` writes holds, and proves nothing."""
    frame = replace(LAW, statement="TODO: one sentence.")
    finding = judge(frame, seen({"size_bytes": 64}))
    assert finding.verdict is Verdict.INCONCLUSIVE
    assert finding.reason == "the claim is not finished: it still says TODO"


def test_what_lint_calls_wrong_is_not_confirmed() -> None:
    """The reason names the place, the fault and the next step; a refutation stays one."""
    faults = ("beam-test.toml:7: it has no rival", "beam-test.toml:7: no source")
    faulty = replace(LAW, faults=faults)
    finding = judge(faulty, seen({"size_bytes": 64}))
    assert finding.verdict is Verdict.INCONCLUSIVE
    assert finding.reason == (
        "it holds, but lint calls the claim wrong: beam-test.toml:7: it has no rival (and 1 more);"
        " see beamproof lint beam-test"
    )
    assert verdict_of(faulty, {"size_bytes": 65}) is Verdict.REFUTED


def test_a_refuted_prediction_outweighs_a_missing_one() -> None:
    """Refuted > inconclusive."""
    two = claim({"a_bytes": 1, "b_bytes": 2})
    assert verdict_of(two, {"b_bytes": 3}) is Verdict.REFUTED


def test_what_a_vm_lacks_is_skipped_with_the_reason() -> None:
    """A need that is not met says nothing of the claim, unless something else failed, too."""
    finding = judge(LAW, observation(failed(FailureKind.UNMET_NEED, "the VM has no mnesia")))
    assert (finding.verdict, finding.reason) == (Verdict.SKIPPED, "the VM has no mnesia")


@pytest.mark.parametrize("kind", sorted(set(FailureKind) - {FailureKind.UNMET_NEED}))
def test_a_failed_sample_is_never_a_refutation(kind: FailureKind) -> None:
    """Whatever goes wrong with a call, its cell is inconclusive and says why."""
    finding = judge(LAW, observation(failed(kind, "no reply")))
    assert finding.verdict is Verdict.INCONCLUSIVE
    assert finding.reason.endswith(": error: no reply")
    with_refuting = observation(sample({"size_bytes": 65}), failed(kind))
    finding = judge(LAW, with_refuting)
    assert finding.verdict is Verdict.INCONCLUSIVE
    assert finding.reason.endswith("(1 of 2 samples)")


def test_nothing_observed_is_inconclusive() -> None:
    """Neither no sample nor an empty one decides."""
    assert judge(LAW, observation()).reason == "nothing was observed"
    empty = judge(LAW, observation(Sample(elapsed_us=1, node="n")))
    assert empty.verdict is Verdict.INCONCLUSIVE


def test_leftovers_do_not_change_the_verdict() -> None:
    """They are shown elsewhere; the evidence stands."""
    left = Sample(evidence={"size_bytes": 64}, elapsed_us=1, node="n", leftovers=("ets: t",))
    assert judge(LAW, observation(left)).verdict is Verdict.CONFIRMED


@pytest.mark.parametrize(
    ("version", "found", "verdict"),
    [
        ("25.2.3", 64, Verdict.CONFIRMED),
        ("25.3.1", 65, Verdict.CONFIRMED),
        ("27.3.4.1", 65, Verdict.CONFIRMED),
        ("27.3.4.1", 64, Verdict.REFUTED),
        ("28.0-rc1", 66, Verdict.CONFIRMED),
        ("24.3.4.17", 60, Verdict.SKIPPED),
    ],
)
def test_predictions_follow_the_version_that_ran(
    version: str, found: int, verdict: Verdict
) -> None:
    """A `when` replaces the same key from its release on, the last that fits wins."""
    moved = claim(
        {"size_bytes": 64},
        rival({"size_bytes": 1}),
        otp=">=25",
        whens=(when(">=25.3", {"size_bytes": 65}), when(">=28.0-rc1", {"size_bytes": 66})),
    )
    assert verdict_of(moved, {"size_bytes": found}, version=version) is verdict


def test_a_when_replaces_nested_keys_one_by_one() -> None:
    """Keys that it does not name stay as they were; a whole subtree can be declared absent."""
    base = {"cases": {"link": "killed", "exit": "kill"}}
    wrong = rival({"cases": {"exit": "normal"}})
    moved = claim(base, wrong, whens=(when(">=27", {"cases": {"link": "kill"}}),))
    assert verdict_of(moved, {"cases": {"link": "kill", "exit": "kill"}}) is Verdict.CONFIRMED
    assert verdict_of(moved, {"cases": {"link": "kill", "exit": "x"}}) is Verdict.REFUTED
    gone = claim(base, rival({"other": 2}), whens=(when(">=27", {"cases": {"absent": True}}),))
    assert verdict_of(gone, {"other": 1}) is Verdict.CONFIRMED


def test_rivals_are_asked_on_their_releases_only() -> None:
    """A belief that was right on an old release is a rival on the new ones."""
    old = rival({"size_bytes": {"at_least": 64}}, "Old.", otp="<26")
    one = claim({"size_bytes": 64}, old, rival({"size_bytes": 1}))
    assert verdict_of(one, {"size_bytes": 64}) is Verdict.CONFIRMED
    assert verdict_of(one, {"size_bytes": 64}, version="25.2.3") is Verdict.INCONCLUSIVE


def test_without_a_rival_on_the_release_nothing_is_confirmed() -> None:
    """Evidence that contradicts nobody proves nothing; no further sample would change that."""
    alone = claim({"size_bytes": 64}, rival({"size_bytes": 1}, otp="<26"), repeat=2)
    finding = judge(alone, seen(*({"size_bytes": 64},) * 2))
    assert finding.verdict is Verdict.INCONCLUSIVE
    assert "no rival is about this release" in finding.reason
    assert enough(alone, seen(*({"size_bytes": 64},) * 2))


def test_a_refutation_names_the_rival_that_the_evidence_fits() -> None:
    """It may be the true sentence."""
    finding = judge(LAW, seen({"size_bytes": 1}))
    assert finding.verdict is Verdict.REFUTED
    assert finding.reason.endswith(
        'found 1; the evidence fits this rival: "Everything is off the heap."'
    )


@pytest.mark.parametrize(
    ("evidence", "verdict", "said"),
    [
        ({"size_bytes": 64}, Verdict.INCONCLUSIVE, "but it holds on 25.2.3, too"),
        ({"size_bytes": 65}, Verdict.SKIPPED, "it does not hold, as that says: size_bytes"),
        ({"other": 1}, Verdict.SKIPPED, "on 25.2.3 nothing decides: size_bytes"),
    ],
)
def test_a_range_is_a_statement_about_the_releases_outside(
    evidence: dict[str, Any], verdict: Verdict, said: str
) -> None:
    """What is said to hold since 26 must not hold on 25; that it does not is no confirmation."""
    since = claim({"size_bytes": 64}, rival({"size_bytes": 1}), otp=">=26")
    finding = judge(since, seen(evidence, version="25.2.3"))
    assert (finding.verdict, finding.boundary) == (verdict, True)
    assert said in finding.reason
    undefined = judge(since, observation(failed(FailureKind.CRASHED), version="25.2.3"))
    assert (undefined.verdict, undefined.boundary) == (Verdict.SKIPPED, True)
    assert "on 25.2.3 there is no evidence: the probe crashed" in undefined.reason


def test_a_when_that_replaces_must_be_needed() -> None:
    """Where what it replaces holds as well, nothing moved."""
    base = {"size_bytes": {"at_least": 60}}
    moved = claim(base, rival({"size_bytes": 1}), whens=(when(">=26", {"size_bytes": 65}),))
    assert verdict_of(moved, {"size_bytes": 64}, version="25.2.3") is Verdict.CONFIRMED
    finding = judge(moved, seen({"size_bytes": 65}))
    assert finding.verdict is Verdict.INCONCLUSIVE
    assert "what is said without" in finding.reason
    assert finding.reason.endswith("holds on 27.3.4.1, too: nothing moved there")


def test_a_when_that_only_adds_must_not_hold_elsewhere() -> None:
    """What is said of 26 alone is not true of 25."""
    added = claim({"a": 1}, rival({"a": 2}), whens=(when(">=26", {"b": True}),))
    assert verdict_of(added, {"a": 1, "b": False}, version="25.2.3") is Verdict.CONFIRMED
    assert verdict_of(added, {"a": 1, "b": True}, version="25.2.3") is Verdict.INCONCLUSIVE
    assert verdict_of(added, {"a": 1, "b": True}) is Verdict.CONFIRMED


def test_an_unknown_version_is_inconclusive_where_it_matters() -> None:
    """A claim about some releases cannot be judged on an unknown one; one about all can."""
    somewhere = claim({"size_bytes": 64}, otp=">=25")
    assert judge(somewhere, seen({"size_bytes": 64}, version=None)).verdict is Verdict.INCONCLUSIVE
    assert judge(LAW, seen({"size_bytes": 64}, version=None)).verdict is Verdict.CONFIRMED


RATIO = claim({"cost_ratio": {"at_least": 2}}, rival({"cost_ratio": {"at_most": 0}}), repeat=6)


def ratios(*values: float) -> tuple[dict[str, Any], ...]:
    return tuple({"cost_ratio": value} for value in values)


@pytest.mark.parametrize(
    ("values", "verdict"),
    [
        ((2.1, 2.2, 2.3, 2.4, 2.5, 2.6), Verdict.CONFIRMED),
        ((1.1, 1.2, 1.3, 1.4, 1.5, 1.9), Verdict.REFUTED),
        ((1.9, 2.2, 2.3, 2.4, 2.5, 2.6), Verdict.INCONCLUSIVE),
        ((0.1, 2.2, 2.3, 2.4, 2.5, 2.6, 2.7, 2.8, 2.9), Verdict.CONFIRMED),
    ],
)
def test_a_number_sampled_often_is_judged_on_its_median(
    values: tuple[float, ...], verdict: Verdict
) -> None:
    """Inside the interval confirms, outside refutes, astride decides nothing; outliers do not."""
    assert verdict_of(RATIO, *ratios(*values)) is verdict


def test_a_law_must_hold_in_every_sample_however_many_are_drawn() -> None:
    """A claim that does not ask for repetition has no median to hide behind."""
    assert verdict_of(LAW, *({"size_bytes": 64},) * 20) is Verdict.CONFIRMED
    finding = judge(LAW, seen(*({"size_bytes": 64},) * 19, {"size_bytes": 65}))
    assert finding.verdict is Verdict.REFUTED
    assert (
        finding.reason
        == "size_bytes: predicted 64, found 65 (flaky: in 1 of 20 samples, the first is 20)"
    )


def test_an_undecided_median_shows_its_interval() -> None:
    """The reason says how sure, of how many; the check shows the interval."""
    finding = judge(RATIO, seen(*ratios(1.9, 2.2, 2.3, 2.4, 2.5, 2.6)))
    assert "97 % interval of the median of 6 samples lies astride the limit" in finding.reason
    assert finding.checks[0].found_text == "2.35 [1.9, 2.6], n = 6"
    assert finding.checks[0].astride


def test_text_must_hold_in_every_sample() -> None:
    """There is no median of texts: one sample against it refutes."""
    named = claim({"reason": "killed"}, rival({"reason": "normal"}))
    assert verdict_of(named, *({"reason": "killed"},) * 5) is Verdict.CONFIRMED
    finding = judge(named, seen({"reason": "killed"}, {"reason": "kill"}))
    assert finding.verdict is Verdict.REFUTED
    assert finding.reason.endswith('found "kill" (flaky: in 1 of 2 samples, the first is 2)')


def test_a_key_missing_in_one_sample_is_inconclusive() -> None:
    """Samples of different shape decide nothing."""
    assert verdict_of(RATIO, *ratios(3, 3, 3, 3, 3), {}) is Verdict.INCONCLUSIVE


def test_enough_draws_the_least_number_first() -> None:
    """`repeat` samples are drawn whatever the first ones say."""
    assert not enough(RATIO, seen(*ratios(1, 1, 1, 1, 1)))
    assert enough(RATIO, seen(*ratios(1, 1, 1, 1, 1, 1)))
    assert enough(LAW, seen({"size_bytes": 65}))


def test_enough_draws_on_while_a_median_is_astride_up_to_the_limit() -> None:
    """More samples narrow the interval; past the limit the cell stays inconclusive."""
    astride = ratios(1.9, 2.2, 2.3, 2.4, 2.5, 2.6)
    assert not enough(RATIO, seen(*astride))
    coin = ratios(*(1.0, 3.0) * 12)
    assert len(coin) == MOST_SAMPLES * RATIO.repeat
    assert enough(RATIO, seen(*coin))
    assert verdict_of(RATIO, *coin) is Verdict.INCONCLUSIVE
    assert not enough(RATIO, seen(*coin[:-1]))


def test_enough_draws_on_for_a_rival_that_is_astride() -> None:
    """A rival that more samples could contradict keeps the sampling going."""
    one = claim({"x_ratio": {"above": 0.5}}, rival({"x_ratio": {"at_least": 2}}), repeat=2)
    assert not enough(one, seen({"x_ratio": 1.0}, {"x_ratio": 2.5}))
    assert enough(one, seen({"x_ratio": 1.0}, {"x_ratio": 1.1}))
    assert enough(one, seen({"x_ratio": 2.5}, {"x_ratio": 2.6}))


def test_enough_stops_at_a_failure_and_at_what_samples_cannot_decide() -> None:
    """A crash or a missing key is not mended by drawing on."""
    assert enough(RATIO, observation(failed(FailureKind.TIMEOUT)))
    assert enough(RATIO, seen(*({},) * 6))


def run_of(*cells: str, closed: bool = True, **fields: Any) -> Run:
    header = Header(
        run="r",
        beamproof="0.1.0",
        started="2025-06-01T12:00:00Z",
        command=("verify",),
        seed=1,
        cells=cells,
        claims_sha256={},
        probes_sha256={},
        runtimes=(),
        left_out=fields.pop("left_out", ()),
    )
    footer = Footer(ended="2025-06-01T12:01:00Z", outcome=Outcome.COMPLETE, observations=1)
    return Run(path=Path("r.jsonl"), header=header, footer=footer if closed else None, **fields)


def test_a_cell_whose_line_is_damaged_is_inconclusive_for_that_reason() -> None:
    """Nobody takes it for one that the run never reached."""
    run = run_of(f"{SKILL}/law@otp27", observations=(), damaged=(Damage(line=2, reason="x"),))
    (finding,) = judge_run(run, [Skill(name=SKILL, description="", claims=(LAW,))]).findings
    assert finding.verdict is Verdict.INCONCLUSIVE
    assert finding.reason.startswith("no undamaged line")


def test_what_is_known_is_not_judged_again() -> None:
    """A run that has just been judged sample by sample keeps its findings."""
    run = run_of(f"{SKILL}/law@otp27", observations=(seen({"size_bytes": 64}),))
    skills = [Skill(name=SKILL, description="", claims=(LAW,))]
    (finding,) = judge_run(run, skills).findings
    (again,) = judge_run(run, skills, known={finding.cell: finding}).findings
    assert again is finding


def test_a_run_is_judged_cell_by_cell_in_the_order_of_its_plan() -> None:
    """Cells left out are skipped, cells never reached inconclusive, cells without a claim named."""
    cells = [f"{SKILL}/law@otp25", f"{SKILL}/law@otp27", f"{SKILL}/gone@otp27"]
    run = run_of(
        *cells,
        closed=False,
        observations=(seen({"size_bytes": 64}),),
        left_out=(LeftOutCell(cell=f"{SKILL}/law@otp24", reason="no package"),),
    )
    judgement = judge_run(run, [Skill(name=SKILL, description="", claims=(LAW,))])
    assert [(one.cell, one.verdict) for one in judgement.findings] == [
        (cells[0], Verdict.INCONCLUSIVE),
        (cells[1], Verdict.CONFIRMED),
        (f"{SKILL}/law@otp24", Verdict.SKIPPED),
    ]
    assert judgement.findings[0].reason == "the run ended before this cell was observed"
    assert judgement.findings[2].reason == "no package"
    assert judgement.unknown == (cells[2],)


def test_the_worst_verdict_speaks_for_the_whole() -> None:
    """Refuted > inconclusive > confirmed; skipped alone is nothing."""
    assert overall([Verdict.CONFIRMED, Verdict.REFUTED, Verdict.INCONCLUSIVE]) is Verdict.REFUTED
    assert overall([Verdict.CONFIRMED, Verdict.INCONCLUSIVE]) is Verdict.INCONCLUSIVE
    assert overall([Verdict.SKIPPED, Verdict.CONFIRMED]) is Verdict.CONFIRMED
    assert overall([]) is Verdict.SKIPPED


@given(st.lists(st.integers(0, 5), min_size=1, max_size=24))
def test_judging_again_gives_the_same_finding(values: list[int]) -> None:
    """The judge is pure."""
    one = seen(*ratios(*values))
    assert judge(RATIO, one) == judge(RATIO, one)


def test_a_thousand_cells_are_judged_in_a_moment() -> None:
    """Judging is no part of what a user waits for; generous, since machines are shared."""
    expect = {f"key{n}_bytes": n for n in range(10)}
    one = claim(expect, *(rival({"key1_bytes": n}) for n in (2, 3, 4)))
    run = seen({f"key{n}_bytes": n for n in range(10)})
    started = time.process_time()
    assert all(judge(one, run).verdict is Verdict.CONFIRMED for _ in range(1000))
    assert time.process_time() - started < 2


def test_a_range_whose_other_side_nobody_observed_is_told() -> None:
    """A run on 27 alone says nothing of "since 26"."""
    since = claim({"size_bytes": 64}, rival({"size_bytes": 1}), otp=">=26")
    moved = claim(
        {"size_bytes": 64},
        rival({"size_bytes": 1}),
        name="moved",
        whens=(when("<27", {"size_bytes": 65}),),
    )
    new, old = seen({"size_bytes": 64}), seen({"size_bytes": 65}, version="25.2.3")
    assert untried_boundaries([judge(since, new), judge(moved, new)]) == (
        "beam-test/law (>=26)",
        "beam-test/moved (when <27)",
    )
    both = [judge(one, observed) for one in (since, moved) for observed in (new, old)]
    assert untried_boundaries(both) == ()
