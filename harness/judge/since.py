"""What the evidence of a claim says of a release, so that releases can be compared by it.

Knows: claims and observations. Must not know: runtimes, how releases are searched or shown.

Compared is what the claim speaks of and nothing else: of a prediction of one value the value that
was found, of a range whether it holds. What passes (pids, references, addresses) is left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from harness.claims.model import Claim, replaced
from harness.claims.predicates import Op, Prediction
from harness.judge.finding import Check, Finding
from harness.judge.judge import judge
from harness.run.answers import masked
from harness.run.model import FailureKind, Observation

AS_PREDICTED = "as predicted"

_NO_ANSWER = frozenset(
    {
        FailureKind.SETUP,
        FailureKind.NOT_COMPILED,
        FailureKind.NOT_STARTED,
        FailureKind.UNMET_NEED,
    }
)
"""Failures that say something of the machine or of the probe, and nothing of the release."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimAnswer:
    """Hold what one release answered.

    `parts` are the texts that are compared, by path of the evidence; `checks` what was found for
    what the claim predicts everywhere; `failure` why there is no evidence, empty where there is.
    """

    version: str
    observation: Observation
    parts: Mapping[str, str]
    checks: tuple[Check, ...]
    failure: str = ""

    def same(self, other: object, /) -> bool:
        """Tell whether another release answered the same."""
        return isinstance(other, ClaimAnswer) and self.parts == other.parts

    @property
    def holds(self) -> bool:
        """Tell whether what the claim predicts everywhere holds."""
        return not self.failure and all(check.holds for check in self.checks)

    @property
    def said(self) -> str:
        """Return the answer in one line."""
        if self.failure:
            return self.failure
        against = [check for check in self.checks if not check.holds]
        if not against:
            return AS_PREDICTED
        first = (
            f"{against[0].path}: predicted {against[0].predicted}, found {against[0].found_text}"
        )
        return first + (f", and {len(against) - 1} more" if len(against) > 1 else "")


def bare(claim: Claim) -> Claim:
    """Return a claim without ranges and rivals: what it predicts everywhere."""
    return replace(claim, otp="", whens=(), rivals=(), faults=())


def answer_of(claim: Claim, observation: Observation, version: str) -> ClaimAnswer | str:
    """Return what an observation answers, or why it answers nothing.

    Args:
        claim: with all its ranges; what they replace is compared as well.
        observation: of any release.
        version: of that release.
    """
    failed = [one.failure for one in observation.samples if one.failure is not None]
    finding = judge(bare(claim), observation)
    if failed:
        if failed[0].kind in _NO_ANSWER:
            return failed[0].reason
        text = f"no evidence: {failed[0].kind.value}: {masked(failed[0].reason)}"
        return ClaimAnswer(
            version=version, observation=observation, parts={"": text}, checks=(), failure=text
        )
    watched = _finding(claim, observation)
    return ClaimAnswer(
        version=version,
        observation=observation,
        parts={check.path: _part(check) for check in watched.checks},
        checks=finding.checks,
    )


def _finding(claim: Claim, observation: Observation) -> Finding:
    """Judge all that the claim says of any release, each path once."""
    watched = claim.expect
    for when in claim.whens:
        watched = replaced(when.expect, watched)
    return judge(replace(bare(claim), expect=watched), observation)


def _part(check: Check) -> str:
    ranged = not is_exact(check.prediction) or check.interval is not None
    if check.holds is not None and ranged:
        return AS_PREDICTED if check.holds else "not as predicted"
    return masked(check.found_text)


def is_exact(prediction: Prediction) -> bool:
    """Tell whether a prediction names the one value."""
    return all(predicate.op is Op.EQUALS for predicate in prediction.leaf.predicates)


def differences(last: ClaimAnswer, first: ClaimAnswer) -> tuple[tuple[str, str, str], ...]:
    """Return what differs between two answers: path, the text of the one, that of the other."""
    paths = dict.fromkeys((*last.parts, *first.parts))
    pairs = ((path, last.parts.get(path, ""), first.parts.get(path, "")) for path in paths)
    return tuple((path, old, new) for path, old, new in pairs if old != new)
