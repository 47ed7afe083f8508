"""The one sentence that each verdict is given.

Knows: checks and failures. Must not know: how a verdict is decided, nodes, formats.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from harness.claims.evaluation import Held
from harness.judge.finding import Check, RivalFinding
from harness.run.model import Failure, FailureKind, Observation

_T = TypeVar("_T")


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


def with_sample(outcome: Held, at: int, total: int) -> str:
    """Return the note of an outcome, naming the sample that decided against the prediction."""
    if total == 1 or outcome.holds:
        return outcome.note
    return ", ".join(filter(None, (outcome.note, f"in sample {at + 1} of {total}")))


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
