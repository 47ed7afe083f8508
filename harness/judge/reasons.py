"""The one sentence that each verdict is given.

Knows: checks and failures. Must not know: how a verdict is decided, nodes, formats.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from harness.claims.evaluation import Held
from harness.claims.model import Claim
from harness.judge.finding import Check, RivalFinding
from harness.run.cells import Json
from harness.run.model import Failure, FailureKind, Observation
from harness.suggest import did_you_mean

_T = TypeVar("_T")

_KEYS_SHOWN = 6
"""How many keys are named where another one was looked for."""


_FAILED = {
    FailureKind.SETUP: "the probe could not set up its measurement",
    FailureKind.CRASHED: "the probe crashed",
    FailureKind.TIMEOUT: "the probe did not answer in time",
    FailureKind.NODE_DIED: "the node died during the call",
    FailureKind.BAD_EVIDENCE: "the probe returned something that is not evidence",
    FailureKind.NOT_COMPILED: "the probe does not compile",
    FailureKind.NOT_STARTED: "the node did not start",
    FailureKind.UNMET_NEED: "a need of the probe is not met",
}


def failed_call(failure: Failure) -> str:
    """Say why a call has no evidence."""
    raised = f"{failure.error_class}: " if failure.error_class else ""
    return f"{_FAILED[failure.kind]}: {raised}{failure.reason}"


def with_samples(outcome: Held, outcomes: Sequence[Held], at: int) -> str:
    """Return the note of an outcome with the samples that decided against the prediction.

    A cell of which some samples hold and others do not is flaky: so the probe is wrong, or the
    sentence is true of a part only.
    """
    if len(outcomes) == 1 or outcome.holds:
        return outcome.note
    against = sum(one.holds is not True for one in outcomes)
    where = f"in each of {len(outcomes)} samples"
    if against < len(outcomes):
        where = f"flaky: in {against} of {len(outcomes)} samples, the first is {at + 1}"
    return ", ".join(filter(None, (outcome.note, where)))


def absence(evidence: Mapping[str, Json], path: Sequence[str]) -> str:
    """Say that a key is not there, which ones are instead, and what was probably meant."""
    here: Json = dict(evidence)
    for key in path:
        if not isinstance(here, dict) or not here:
            break
        if key not in here:
            shown = ", ".join(list(here)[:_KEYS_SHOWN])
            more = f" and {len(here) - _KEYS_SHOWN} more" if len(here) > _KEYS_SHOWN else ""
            return f"the evidence has no such key, but {shown}{more}{did_you_mean(key, here)}"
        here = here[key]
    return "the evidence has no such key"


def faulty(claim: Claim) -> str:
    """Say why a claim is never confirmed, whatever is found: where lint calls it wrong."""
    if not claim.faults:
        return "the claim is not finished: it still says TODO"
    said = listed(claim.faults, str)
    return f"it holds, but lint calls the claim wrong: {said}; see beamproof lint {claim.skill}"


def listed(found: Sequence[_T], say: Callable[[_T], str]) -> str:
    """Say the first, and how many more there are: a reason is one sentence."""
    more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
    return say(found[0]) + more


def refutation(check: Check) -> str:
    """Say what was predicted and what was found instead."""
    note = f" ({check.note})" if check.note else ""
    return f"{check.path}: predicted {check.predicted}, found {check.found_text}{note}"


def doubt(check: Check) -> str:
    """Say which prediction is undecided, and why."""
    return f"{check.path}: {check.note or 'undecided'}; predicted {check.predicted}"


def undecided_rival(rival: RivalFinding) -> str:
    """Say which rival the evidence does not contradict."""
    check = next((check for check in rival.checks if check.holds is None), None)
    if check is None:
        return f'the evidence fits the rival as well: "{rival.statement}"'
    return f'the rival is not contradicted: "{rival.statement}" ({check.path}: {check.note})'


def fitting(rivals: Sequence[RivalFinding]) -> str:
    """Say which wrong belief the evidence of a refuted claim fits, if any."""
    if not rivals:
        return ""
    return f'; the evidence fits this rival: "{rivals[0].statement}"'


def version_of(observation: Observation) -> str:
    """Return the full version of the VM that was observed; empty when none answered."""
    return observation.build.otp_version if observation.build else ""
