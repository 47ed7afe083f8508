"""What becomes of a claim whose probe was sabotaged.

Knows: findings and why they came out so. Must not know: how a probe is changed or run.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from harness.claims.model import Claim
from harness.claims.predicates import MISSING
from harness.judge.finding import Finding, Verdict
from harness.run.model import FailureKind


class Fate(StrEnum):
    """Say what a sabotaged probe did to its claim, worst first."""

    VACUOUS = "vacuous"
    UNPROVEN = "unproven"
    FELL = "fell"
    UNTRIED = "untried"


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """Hold what became of one claim under one variant on one runtime, and why."""

    skill: str
    variant: str
    clause: str
    claim: str
    runtime: str
    fate: Fate
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SabotageReport:
    """Hold the trials of one skill.

    `bare` are the claims that no variant names, `unmet` the rivals, each behind its claim, that
    the evidence of no variant fulfils: perhaps no value of the probe can. Rivals about releases
    that the run did not have are not among them.
    """

    skill: str
    trials: tuple[Trial, ...]
    bare: tuple[str, ...] = ()
    unmet: tuple[tuple[str, str], ...] = ()

    @property
    def untried(self) -> tuple[tuple[str, str], ...]:
        """Return each variant and claim that no runtime tried."""
        tried = {(t.variant, t.claim) for t in self.trials if t.fate is not Fate.UNTRIED}
        named = dict.fromkeys((trial.variant, trial.claim) for trial in self.trials)
        return tuple(pair for pair in named if pair not in tried)

    def of(self, fate: Fate) -> tuple[Trial, ...]:
        """Return the trials that ended so."""
        return tuple(trial for trial in self.trials if trial.fate is fate)


def fate(plain: Finding, sabotaged: Finding) -> tuple[Fate, str]:
    """Tell what a sabotage did to a claim, and why.

    A claim falls when it is refuted, when a rival fits the evidence, when nothing was measured, or
    when the probe itself says that it could not set up. A probe that merely crashes, hangs or
    does not compile proves nothing; nor does one whose claim does not hold without sabotage.
    """
    if plain.verdict is Verdict.SKIPPED:
        return Fate.UNTRIED, plain.reason
    if plain.verdict is not Verdict.CONFIRMED:
        return Fate.UNPROVEN, f"without sabotage it is {plain.verdict}: {plain.reason}"
    if sabotaged.verdict is Verdict.CONFIRMED:
        return Fate.VACUOUS, sabotaged.reason
    if sabotaged.verdict is Verdict.REFUTED or _falls_undecided(sabotaged):
        return Fate.FELL, sabotaged.reason
    return Fate.UNPROVEN, sabotaged.reason


def unmet_rivals(claim: Claim, tried: Iterable[tuple[str, Finding]]) -> tuple[str, ...]:
    """Return the statements of the rivals that the evidence of no variant fulfilled.

    Args:
        claim: whose rivals.
        tried: what came of its variants, each behind its OTP version; rivals about none of these
            versions could not be met.
    """
    found = list(tried)
    met = {
        rival.statement
        for _, finding in found
        for rival in finding.rivals
        if all(check.holds for check in rival.checks)
    }
    about = [rival for version, _ in found for rival in claim.rivals_on(version)]
    return tuple(dict.fromkeys(rival.statement for rival in about if rival.statement not in met))


def _falls_undecided(finding: Finding) -> bool:
    kinds = [failure for failure in _failures(finding) if failure is not None]
    if kinds:
        return set(kinds) == {FailureKind.SETUP}
    undecided = [check for check in finding.checks if check.holds is None]
    if undecided:
        return not any(check.value is MISSING or check.astride for check in undecided)
    return any(
        all(check.holds for check in rival.checks)
        for rival in finding.rivals
        if not rival.contradicted
    )


def _failures(finding: Finding) -> Sequence[FailureKind | None]:
    samples = finding.observation.samples if finding.observation else ()
    return [sample.failure.kind if sample.failure else None for sample in samples]
