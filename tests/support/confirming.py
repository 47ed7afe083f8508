"""A judged run that confirms every claim: what pages made of proofs are tested on, at full size.

Knows: claims, findings. Must not know: pages. No evidence is behind it: what is found at each key
is `true`, and each rival is contradicted by its first prediction.
"""

from __future__ import annotations

from collections.abc import Sequence

from harness.claims.model import Claim, Skill
from harness.judge.finding import Check, Finding, RivalFinding, Verdict
from harness.judge.view import ClaimView, RunView, SkillView
from harness.run.cells import CellId
from harness.run.model import Build, Run

from . import judging

VERSIONS = ("25.2.3", "27.3.4.1")


def confirming(run: Run, skills: Sequence[Skill]) -> RunView:
    """Return a run in which each claim is confirmed on OTP 25 and 27."""
    views = tuple(
        SkillView(
            name=skill.name,
            description=skill.description,
            claims=tuple(ClaimView(claim=one, cells=_cells(one)) for one in skill.claims),
        )
        for skill in skills
    )
    findings = tuple(
        finding for skill in views for one in skill.claims for finding in one.cells.values()
    )
    return RunView(run=run, findings=findings, skills=views)


def _cells(claim: Claim) -> dict[str, Finding]:
    found = (_finding(claim, judging.build(version)) for version in VERSIONS)
    return {finding.cell.runtime: finding for finding in found}


def _finding(claim: Claim, build: Build) -> Finding:
    version = build.otp_version
    return Finding(
        cell=CellId.of(claim.skill, claim.id, f"otp{build.otp_release}"),
        claim=claim,
        observation=judging.seen({}, version=version),
        verdict=Verdict.CONFIRMED,
        reason="it holds",
        checks=tuple(
            Check(prediction=one, value=True, holds=True) for one in claim.predictions_on(version)
        ),
        rivals=tuple(
            RivalFinding(statement=one.statement, contradicted=True, by=check, checks=(check,))
            for one in claim.rivals_on(version)
            for check in [Check(prediction=one.expect[0], value=True, holds=False)]
        ),
    )
