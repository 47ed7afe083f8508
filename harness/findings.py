"""The findings of a whole run: every planned cell judged with the claims as they are now.

Knows: runs, claims, the judge. Must not know: how evidence was made or how findings are shown.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from harness import judge
from harness.claims import Claim, Skill
from harness.errors import InputError
from harness.judge import Finding
from harness.plan import LeftOut, split_cell
from harness.run import Run


def claims_by_name(skills: Iterable[Skill]) -> dict[str, Claim]:
    """Return every claim by `skill/claim`."""
    return {f"{skill.name}/{claim.id}": claim for skill in skills for claim in skill.claims}


def findings_of(run: Run, claims: Mapping[str, Claim]) -> tuple[Finding, ...]:
    """Judge a run with today's claims, in the order in which its cells were planned.

    Raises:
        InputError: the run holds a claim that no claim file has.
    """
    observed = {observation.cell: observation for observation in run.observations}
    left_out = {out.cell: out.reason for out in run.header.left_out}
    findings: list[Finding] = []
    for cell in (*run.header.cells, *left_out):
        skill, name, _ = split_cell(cell)
        claim = claims.get(f"{skill}/{name}")
        if claim is None:
            raise InputError(
                f"{run.path} holds {cell}, but no claim file has {skill}/{name}",
                hint="judge it with the claims it was made with: --claims DIR",
            )
        if cell in observed:
            findings.append(judge.judge(claim, observed[cell]))
        else:
            findings.append(judge.skipped(claim, cell, left_out.get(cell, "not run")))
    return tuple(findings)


def left_out_findings(claims: Mapping[str, Claim], left_out: Iterable[LeftOut]) -> list[Finding]:
    """Return a skipped finding for every cell that did not run."""
    found = []
    for out in left_out:
        skill, name, _ = split_cell(out.cell)
        found.append(judge.skipped(claims[f"{skill}/{name}"], out.cell, out.reason))
    return found
