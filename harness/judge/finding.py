"""What judging gives: verdicts, checks, findings.

Knows: the shape of a finding. Must not know: how it is decided, or printed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

from harness.claims.expect import words
from harness.claims.model import Claim
from harness.claims.predicates import MISSING, Missing, Prediction, show
from harness.judge.found import found_text
from harness.judge.median import MedianInterval
from harness.run.cells import CellId, Json
from harness.run.model import Observation


class Verdict(StrEnum):
    """Name the verdicts, worst first."""

    REFUTED = "refuted"
    INCONCLUSIVE = "inconclusive"
    CONFIRMED = "confirmed"
    SKIPPED = "skipped"


_NO_ROUNDS: Mapping[Verdict, int] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """Hold one prediction beside what was found.

    `holds` is None where the evidence cannot decide it, and `note` says why. `value` is what was
    found (of several samples the median, or the first that decided). `astride` tells that more
    samples could decide it. The texts are made when they are asked for: most never are.
    """

    prediction: Prediction
    value: Json | Missing
    holds: bool | None
    note: str = ""
    interval: MedianInterval | None = None

    @property
    def path(self) -> str:
        """Return where in the evidence the value lies, e.g. `cases.link.reason`."""
        return self.prediction.name

    @property
    def predicted(self) -> str:
        """Return the prediction in words."""
        return words(self.prediction.leaf)

    @property
    def found(self) -> Json:
        """Return the value, None where there is none."""
        return None if self.value is MISSING else self.value

    @property
    def found_text(self) -> str:
        """Return the value in one short line, of several samples with the median's interval."""
        interval = self.interval
        if interval is None:
            return found_text(self.prediction.leaf, self.value)
        text = show(interval.median)
        if interval.low != interval.high:
            text += f" [{show(interval.low)}, {show(interval.high)}]"
        return f"{text}, n = {interval.samples}"

    @property
    def astride(self) -> bool:
        """Tell whether the median's interval lies on both sides of the limit."""
        return self.interval is not None and self.holds is None


@dataclass(frozen=True, slots=True, kw_only=True)
class RivalFinding:
    """Say whether the evidence contradicts a wrong belief; `by` is the first that does."""

    statement: str
    contradicted: bool
    by: Check | None
    checks: tuple[Check, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Hold the verdict on one cell, with one sentence of reason and everything behind it.

    `boundary` tells that the claim is not about the release: there it must not hold. `rounds`
    counts the verdicts of a campaign that observed the cell again and again; empty without one.
    """

    cell: CellId
    claim: Claim
    observation: Observation | None
    verdict: Verdict
    reason: str
    checks: tuple[Check, ...] = ()
    rivals: tuple[RivalFinding, ...] = ()
    boundary: bool = False
    rounds: Mapping[Verdict, int] = field(default_factory=lambda: _NO_ROUNDS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """Hold what a run comes to: a finding a cell, and the cells whose claim is gone."""

    findings: tuple[Finding, ...]
    unknown: tuple[str, ...] = ()


def overall(verdicts: Iterable[Verdict]) -> Verdict:
    """Return the verdict of a whole: refuted > inconclusive > confirmed > skipped."""
    found = set(verdicts)
    return next((one for one in Verdict if one in found), Verdict.SKIPPED)
