"""Judge evidence: claim + observation -> finding, rivals included.

Knows: what a claim predicts, what was observed. Must not know: nodes, how anything is printed.
Pure: the same claim and observation give the same finding, today or in a year.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial

from harness.claims.evaluation import conjunction, decide, evaluate, is_numeric
from harness.claims.model import Claim, Rival, Skill, by_name
from harness.claims.predicates import Prediction, find, is_number
from harness.judge.finding import Check, Finding, Judgement, RivalFinding, Verdict
from harness.judge.median import median_interval
from harness.judge.reasons import (
    doubt,
    failed_call,
    listed,
    refutation,
    undecided_rival,
    version_of,
    with_sample,
)
from harness.run.cells import Json
from harness.run.model import Observation, Run

MOST_SAMPLES = 4
"""How many times `repeat` samples are drawn at most before a median counts as undecidable."""


def judge(claim: Claim, observation: Observation) -> Finding:
    """Judge one observation.

    Returns:
        `refuted` if a prediction fails; `inconclusive` if a sample failed, a key is missing, a
        median is undecided or a rival fits as well; `skipped` if the claim is not about the
        release that ran; else `confirmed`.
    """
    early = _before_evidence(claim, observation)
    if early is not None:
        return Finding(
            cell=observation.cell,
            claim=claim,
            observation=observation,
            verdict=early[0],
            reason=early[1],
        )
    version = version_of(observation)
    evidence = [sample.evidence or {} for sample in observation.samples]
    check = partial(_check, evidence=evidence, on_median=claim.repeat > 1)
    checks = tuple(check(one) for one in claim.predictions_on(version))
    rivals = tuple(_rival(one, map(check, one.expect)) for one in claim.rivals_on(version))
    verdict, reason = _verdict(checks, rivals)
    return Finding(
        cell=observation.cell,
        claim=claim,
        observation=observation,
        verdict=verdict,
        reason=reason,
        checks=checks,
        rivals=rivals,
    )


def enough(claim: Claim, observation: Observation) -> bool:
    """Tell whether drawing more samples is needless.

    It is needless once the claim is decided, a sample failed, or `MOST_SAMPLES` times `repeat`
    samples are there; needed while a median of the claim or of a rival is astride.
    """
    samples = observation.samples
    if any(sample.failure is not None for sample in samples):
        return True
    if len(samples) < claim.repeat:
        return False
    if len(samples) >= MOST_SAMPLES * claim.repeat:
        return True
    finding = judge(claim, observation)
    return finding.verdict is not Verdict.INCONCLUSIVE or not _more_would_help(finding)


def _more_would_help(finding: Finding) -> bool:
    """Tell whether everything that is still open is a median astride its limit."""
    undecided = [check for check in finding.checks if check.holds is None]
    alive = [rival for rival in finding.rivals if not rival.contradicted]
    return all(check.astride for check in undecided) and all(
        any(check.astride for check in rival.checks) for rival in alive
    )


def judge_run(run: Run, skills: Sequence[Skill]) -> Judgement:
    """Judge a stored run with the claims as they are now, in the order of its plan.

    Returns:
        A finding for each cell of the plan: `skipped` for those left out, `inconclusive` for
        those that the run never reached.
    """
    claims = by_name(skills)
    observed = {one.cell: one for one in run.observations}
    left_out = {one.cell: one.reason for one in run.header.left_out}
    findings, unknown = [], []
    for cell in dict.fromkeys((*run.header.cells, *observed, *left_out)):
        claim = claims.get(cell.rpartition("@")[0])
        if claim is None:
            unknown.append(cell)
        elif cell in observed:
            findings.append(judge(claim, observed[cell]))
        elif cell in left_out:
            findings.append(_unobserved(cell, claim, Verdict.SKIPPED, left_out[cell]))
        else:
            reason = "the run ended before this cell was observed"
            findings.append(_unobserved(cell, claim, Verdict.INCONCLUSIVE, reason))
    return Judgement(findings=tuple(findings), unknown=tuple(unknown))


def _before_evidence(claim: Claim, observation: Observation) -> tuple[Verdict, str] | None:
    failed = [one.failure for one in observation.samples if one.failure is not None]
    if failed:
        share = f" ({len(failed)} of {len(observation.samples)} samples)"
        several = len(observation.samples) > 1
        return Verdict.INCONCLUSIVE, failed_call(failed[0]) + (share if several else "")
    if not observation.samples:
        return Verdict.INCONCLUSIVE, "nothing was observed"
    if any(sample.evidence is None for sample in observation.samples):
        return Verdict.INCONCLUSIVE, "a sample has neither evidence nor a failure"
    version = version_of(observation)
    if not version:
        if claim.otp or claim.whens or any(rival.otp for rival in claim.rivals):
            return Verdict.INCONCLUSIVE, "the run does not say which OTP version was observed"
    elif not claim.applies_to(version):
        return Verdict.SKIPPED, f"the claim is about OTP {claim.otp}, not {version}"
    return None


def _check(
    prediction: Prediction, *, evidence: Sequence[dict[str, Json]], on_median: bool
) -> Check:
    """Check one prediction against all samples.

    Only a claim that asks for repetition speaks of a median; what any other claim predicts is a
    law, and one sample in a thousand that breaks it refutes it.
    """
    found = [find(one, prediction.path) for one in evidence]
    numbers = [value for value in found if is_number(value)]
    if on_median and len(numbers) == len(found) > 1 and is_numeric(prediction.leaf):
        return _check_median(prediction, numbers)
    outcomes = [evaluate(prediction.leaf, value) for value in found]
    outcome = conjunction(outcomes)
    at = next((n for n, one in enumerate(outcomes) if one == outcome), 0)
    note = with_sample(outcome, at, len(found))
    return Check(prediction=prediction, value=found[at], holds=outcome.holds, note=note)


def _check_median(prediction: Prediction, numbers: Sequence[float]) -> Check:
    interval = median_interval(numbers)
    holds = decide(prediction.leaf, interval.low, interval.high)
    note = ""
    if holds is None:
        sure = f"{100 * interval.confidence:.0f} % interval of the median"
        note = f"the {sure} of {interval.samples} samples lies astride the limit"
    return Check(
        prediction=prediction,
        value=interval.median,
        holds=holds,
        note=note,
        interval=interval,
    )


def _rival(rival: Rival, found: Iterable[Check]) -> RivalFinding:
    checks = tuple(found)
    by = next((check for check in checks if check.holds is False), None)
    return RivalFinding(
        statement=rival.statement, contradicted=by is not None, by=by, checks=checks
    )


def _verdict(checks: Sequence[Check], rivals: Sequence[RivalFinding]) -> tuple[Verdict, str]:
    failed = [check for check in checks if check.holds is False]
    if failed:
        return Verdict.REFUTED, listed(failed, refutation)
    undecided = [check for check in checks if check.holds is None]
    if undecided:
        return Verdict.INCONCLUSIVE, listed(undecided, doubt)
    alive = [rival for rival in rivals if not rival.contradicted]
    if alive:
        return Verdict.INCONCLUSIVE, listed(alive, undecided_rival)
    held = "1 prediction holds" if len(checks) == 1 else f"{len(checks)} predictions hold"
    against = "1 rival is" if len(rivals) == 1 else f"{len(rivals)} rivals are"
    return Verdict.CONFIRMED, f"{held}, {against} contradicted"


def _unobserved(cell: str, claim: Claim, verdict: Verdict, reason: str) -> Finding:
    return Finding(cell=cell, claim=claim, observation=None, verdict=verdict, reason=reason)
