"""Judge evidence: claim + observation -> finding, rivals included.

Knows: what a claim predicts, what was observed. Must not know: nodes, how anything is printed.
Pure: the same claim and observation give the same finding, today or in a year.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial

from harness.claims.evaluation import Held, conjunction, decide, evaluate, is_numeric
from harness.claims.model import Claim, Rival, Skill, by_name, replaced
from harness.claims.predicates import MISSING, Prediction, find, is_number
from harness.claims.versions import matches
from harness.judge.finding import Check, Finding, Judgement, RivalFinding, Verdict
from harness.judge.median import median_interval
from harness.judge.reasons import (
    absence,
    doubt,
    failed_call,
    faulty,
    fitting,
    listed,
    refutation,
    undecided_rival,
    version_of,
    with_samples,
)
from harness.judge.stability import over_rounds
from harness.run.cells import CellId, Json
from harness.run.model import FailureKind, Observation, Run

MOST_SAMPLES = 4
"""How many times `repeat` samples are drawn at most before a median counts as undecidable."""


def judge(claim: Claim, observation: Observation) -> Finding:
    """Judge one observation.

    Returns:
        `refuted` if a prediction fails; `inconclusive` if a sample failed, a key is missing, a
        median is undecided, a rival fits as well, none is about the release, what a range says
        holds outside of it, too, or lint calls the claim wrong in itself; else `confirmed`. A
        release that the claim is not about lies at its boundary: `skipped` when the claim does
        not hold there, which is what its range says.
        `skipped`, too, if the VM lacks what the probe needs.
    """
    version = version_of(observation)
    if version and not claim.applies_to(version):
        return _at_boundary(claim, observation, version)
    if (unmet := _unmet_need(observation)) is not None:
        return _without_checks(claim, observation, Verdict.SKIPPED, unmet)
    reason = _before_evidence(claim, observation, version)
    if reason is not None:
        return _without_checks(claim, observation, Verdict.INCONCLUSIVE, reason)
    check = _checker(claim, observation)
    checks = tuple(map(check, claim.predictions_on(version)))
    rivals = tuple(_rival(one, map(check, one.expect)) for one in claim.rivals_on(version))
    verdict, reason = _verdict(checks, rivals)
    if verdict is Verdict.CONFIRMED and (claim.unfinished or claim.faults):
        verdict, reason = Verdict.INCONCLUSIVE, faulty(claim)
    elif verdict is Verdict.CONFIRMED:
        verdict, reason = _idle_when(claim, version, check) or (verdict, reason)
    return Finding(
        cell=cell_of(claim, observation),
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
    return not wants_more(judge(claim, observation))


def wants_more(finding: Finding) -> bool:
    """Tell whether more samples could decide what the samples of a finding leave open."""
    seen, least = finding.observation, finding.claim.repeat
    if seen is None or seen.failed or len(seen.samples) >= MOST_SAMPLES * least:
        return False
    return len(seen.samples) < least or _more_would_help(finding)


def _more_would_help(finding: Finding) -> bool:
    """Tell whether something is still open, and all of it is a median astride its limit."""
    undecided = [check for check in finding.checks if check.holds is None]
    alive = [rival for rival in finding.rivals if not rival.contradicted]
    if any(check.holds is False for check in finding.checks) or not (undecided or alive):
        return False
    return all(check.astride for check in undecided) and all(
        any(check.astride for check in rival.checks) for rival in alive
    )


def judge_run(
    run: Run, skills: Sequence[Skill], *, known: Mapping[CellId, Finding] | None = None
) -> Judgement:
    """Judge a run with the claims as they are now, in the order of its plan.

    Args:
        run: complete or not.
        skills: today's claims.
        known: findings of cells that need not be judged again.

    Returns:
        A finding for each cell of the plan: `skipped` for those left out, `inconclusive` for
        those that the run never reached.
    """
    claims = by_name(skills)
    observed = {**run.by_cell, **run.by_boundary_cell}
    planned = map(_cell_id, (*run.header.cells, *run.header.boundary))
    left_out = {CellId(one.cell): one.reason for one in run.header.left_out}
    findings, unknown = [], []
    for cell in dict.fromkeys((*planned, *observed, *left_out)):
        claim = claims.get(cell.name)
        if claim is None:
            unknown.append(cell)
        elif known and cell in known:
            findings.append(known[cell])
        elif cell in observed:
            rounds = [judge(claim, seen) for seen in run.rounds.get(cell, ())]
            findings.append(over_rounds(judge(claim, observed[cell]), rounds))
        elif cell in left_out:
            findings.append(_unobserved(cell, claim, Verdict.SKIPPED, left_out[cell]))
        else:
            reason = "the run ended before this cell was observed"
            if run.damaged:
                reason = "no undamaged line of the run file holds an observation of this cell"
            findings.append(_unobserved(cell, claim, Verdict.INCONCLUSIVE, reason))
    return Judgement(findings=tuple(findings), unknown=tuple(unknown))


def _cell_id(text: str) -> CellId:
    return text if isinstance(text, CellId) else CellId(text)


def _unmet_need(observation: Observation) -> str | None:
    """Return what the VM lacks, where that is all that went wrong."""
    failed = [one.failure for one in observation.samples if one.failure is not None]
    if failed and all(failure.kind is FailureKind.UNMET_NEED for failure in failed):
        return failed[0].reason
    return None


def _before_evidence(claim: Claim, observation: Observation, version: str) -> str | None:
    """Return why the samples cannot be judged at all, None when they can."""
    failed = [one.failure for one in observation.samples if one.failure is not None]
    if failed:
        share = f" ({len(failed)} of {len(observation.samples)} samples)"
        several = len(observation.samples) > 1
        return failed_call(failed[0]) + (share if several else "")
    if not observation.samples:
        return "nothing was observed"
    if any(sample.evidence is None for sample in observation.samples):
        return "a sample has neither evidence nor a failure"
    ranged = claim.otp or claim.whens or any(rival.otp for rival in claim.rivals)
    if ranged and not version:
        return "the run does not say which OTP version was observed"
    return None


def _at_boundary(claim: Claim, observation: Observation, version: str) -> Finding:
    """Judge a release that the claim is not about: what it says must not hold there."""
    about = f"the claim is about OTP {claim.otp}"
    reason = _before_evidence(claim, observation, version)
    if reason is not None:
        said = f"{about}; on {version} there is no evidence: {reason}"
        return _without_checks(claim, observation, Verdict.SKIPPED, said, boundary=True)
    checks = tuple(map(_checker(claim, observation), claim.predictions_on(version)))
    against = next((check for check in checks if check.holds is False), None)
    verdict = Verdict.SKIPPED
    if against is not None:
        said = f"{about}; on {version} it does not hold, as that says: {refutation(against)}"
    elif all(check.holds for check in checks):
        verdict, said = Verdict.INCONCLUSIVE, f"{about}, but it holds on {version}, too"
    else:
        undecided = next(check for check in checks if check.holds is None)
        said = f"{about}; on {version} nothing decides: {doubt(undecided)}"
    return Finding(
        cell=cell_of(claim, observation),
        claim=claim,
        observation=observation,
        verdict=verdict,
        reason=said,
        checks=checks,
        boundary=True,
    )


def _idle_when(
    claim: Claim, version: str, check: Callable[[Prediction], Check]
) -> tuple[Verdict, str] | None:
    """Return the doubt that nothing moved where a `when` says that something did.

    Inside its range what it replaces must not hold; one that replaces nothing must not hold
    outside.
    """
    for at, when in enumerate(claim.whens):
        inside = matches(when.otp, version)
        without = claim.without_when(version, at)
        actual = claim.predictions_on(version) if inside else replaced(without, when.expect)
        given_up = [prediction for prediction in without if prediction not in actual]
        elsewhere = given_up if inside else () if given_up else when.expect
        if elsewhere and all(check(prediction).holds for prediction in elsewhere):
            what = "is said without" if inside else "is said of"
            reason = f'what {what} "when {when.otp}" holds on {version}, too: nothing moved there'
            return Verdict.INCONCLUSIVE, reason
    return None


def cell_of(claim: Claim, observation: Observation) -> CellId:
    """Return which of the cells that an observation serves is the claim's."""
    return CellId.of(claim.skill, claim.id, observation.runtime)


def _checker(claim: Claim, observation: Observation) -> Callable[[Prediction], Check]:
    evidence = [sample.evidence or {} for sample in observation.samples]
    return partial(_check, evidence=evidence, on_median=claim.repeat > 1)


def _without_checks(
    claim: Claim, observation: Observation, verdict: Verdict, reason: str, *, boundary: bool = False
) -> Finding:
    return Finding(
        cell=cell_of(claim, observation),
        claim=claim,
        observation=observation,
        verdict=verdict,
        reason=reason,
        boundary=boundary,
    )


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
    if found[at] is MISSING and outcome.holds is None:
        outcome = Held(holds=None, note=absence(evidence[at], prediction.path))
    note = with_samples(outcome, outcomes, at)
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
    alive = [rival for rival in rivals if not rival.contradicted]
    if failed:
        fits = [rival for rival in alive if all(check.holds for check in rival.checks)]
        return Verdict.REFUTED, listed(failed, refutation) + fitting(fits)
    undecided = [check for check in checks if check.holds is None]
    if undecided:
        return Verdict.INCONCLUSIVE, listed(undecided, doubt)
    if not rivals:
        return Verdict.INCONCLUSIVE, "no rival is about this release: nothing wrong is contradicted"
    if alive:
        return Verdict.INCONCLUSIVE, listed(alive, undecided_rival)
    held = "1 prediction holds" if len(checks) == 1 else f"{len(checks)} predictions hold"
    against = "1 rival is" if len(rivals) == 1 else f"{len(rivals)} rivals are"
    return Verdict.CONFIRMED, f"{held}, {against} contradicted"


def _unobserved(cell: CellId, claim: Claim, verdict: Verdict, reason: str) -> Finding:
    return Finding(cell=cell, claim=claim, observation=None, verdict=verdict, reason=reason)
