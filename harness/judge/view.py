"""A judged run in the order in which people read it: skills, claims, releases.

Knows: runs and findings. Must not know: any format of a report.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from harness.claims.model import Claim, Skill
from harness.claims.versions import matches
from harness.judge.finding import Finding, Verdict
from harness.judge.judge import judge_run
from harness.run.cells import CellId, release_order
from harness.run.model import Run, RuntimeRecord

WORST_FIRST = (Verdict.REFUTED, Verdict.INCONCLUSIVE, Verdict.SKIPPED, Verdict.CONFIRMED)
"""The order in which verdicts are listed: what needs a person stands first."""

NEEDS_ATTENTION = (Verdict.REFUTED, Verdict.INCONCLUSIVE)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimView:
    """Hold one claim of a run with its finding on each runtime, in the runtimes' order."""

    claim: Claim
    cells: Mapping[str, Finding]

    @property
    def worst(self) -> Verdict:
        """Return the verdict that the claim's row is sorted by."""
        found = {finding.verdict for finding in self.cells.values()}
        return next(verdict for verdict in WORST_FIRST if verdict in found)

    @property
    def proof(self) -> tuple[Finding, ...]:
        """Return the confirmed findings; none where a cell is refuted or inconclusive."""
        if self.worst in NEEDS_ATTENTION:
            return ()
        return tuple(one for one in self.cells.values() if one.verdict is Verdict.CONFIRMED)


@dataclass(frozen=True, slots=True, kw_only=True)
class SkillView:
    """Hold one skill of a run, its claims in the order of the claim file."""

    name: str
    description: str
    claims: tuple[ClaimView, ...]

    def counts(self, runtime: str | None = None) -> Counter[Verdict]:
        """Count the verdicts, on one runtime or on all."""
        return Counter(
            finding.verdict
            for claim in self.claims
            for name, finding in claim.cells.items()
            if runtime in (None, name)
        )


@dataclass(frozen=True, kw_only=True)
class RunView:
    """Hold one judged run.

    `unknown` are cells that the run holds although no claim file has their claim (any more).
    `changed` names the skills whose claim file differs from the one that the run was made with.
    """

    run: Run
    findings: tuple[Finding, ...]
    skills: tuple[SkillView, ...]
    unknown: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()

    @cached_property
    def runtimes(self) -> tuple[str, ...]:
        """Return the runtimes' names by release, those without a VM included."""
        return tuple(sorted({one.cell.runtime for one in self.findings}, key=release_order))

    @cached_property
    def records(self) -> Mapping[str, RuntimeRecord]:
        """Return what the run says of each runtime that it had."""
        return {record.name: record for record in self.run.header.runtimes}

    @cached_property
    def by_cell(self) -> Mapping[CellId, Finding]:
        """Return the findings by cell."""
        return {finding.cell: finding for finding in self.findings}

    @cached_property
    def _of_claim(self) -> Mapping[str, Sequence[Finding]]:
        found: dict[str, list[Finding]] = {}
        for finding in self.findings:
            found.setdefault(finding.cell.name, []).append(finding)
        return found

    @cached_property
    def counts(self) -> Counter[Verdict]:
        """Count the verdicts of all cells."""
        return Counter(finding.verdict for finding in self.findings)

    def warnings(self, claim: Claim | None = None) -> tuple[str, ...]:
        """Return what a reader must know before believing the counts, one sentence each.

        Args:
            claim: whose findings are read; without one, all of them.
        """
        return tuple(self._warnings(claim))

    def _warnings(self, claim: Claim | None) -> Iterable[str]:
        footer = self.run.footer
        if not self.run.complete:
            planned, seen = len(self.run.header.cells), len(self.run.by_cell)
            how = f"{footer.outcome.value}" if footer else "cut short"
            why = f" ({footer.reason})" if footer and footer.reason else ""
            yield f"The run is incomplete: {how}{why}; {seen} of {planned} cells were observed."
        for damage in self.run.damaged:
            yield f"Line {damage.line} of the run file is damaged and left out: {damage.reason}."
        changed = [one for one in self.changed if claim is None or one == claim.skill]
        if changed:
            yield f"Judged with claims that changed since the run was made: {', '.join(changed)}."
        own = self.findings if claim is None else self._of_claim.get(claim.name, ())
        if untried := untried_boundaries(own):
            yield f"No release of this run lies on the other side of: {'; '.join(untried)}."
        if self.unknown and claim is None:
            shown = ", ".join(self.unknown[:3])
            more = f" and {len(self.unknown) - 3} more" if len(self.unknown) > 3 else ""  # noqa: PLR2004 (as many as were shown)
            yield f"No claim file has {shown}{more}: these cells are not judged."


def untried_boundaries(findings: Sequence[Finding]) -> tuple[str, ...]:
    """Return the ranges whose other side no observed release lies on, each with its claim.

    A range says that something is otherwise elsewhere: `otp` wants a release outside of it, `when`
    one on either side.
    """
    claims = {finding.claim.name: finding.claim for finding in findings}
    versions: dict[str, set[str]] = {}
    for finding in findings:
        seen = finding.observation
        if seen is not None and seen.build is not None:
            versions.setdefault(finding.claim.name, set()).add(seen.build.otp_version)
    untried = []
    for name, observed in versions.items():
        claim = claims[name]
        if claim.otp and all(map(claim.applies_to, observed)):
            untried.append(f"{name} ({claim.otp})")
        sides = {when.otp: {matches(when.otp, one) for one in observed} for when in claim.whens}
        untried += [f"{name} (when {otp})" for otp, tried in sides.items() if len(tried) == 1]
    return tuple(untried)


def view(
    run: Run, skills: Sequence[Skill], *, claims_sha256: Mapping[str, str] | None = None
) -> RunView:
    """Judge a run with today's claims and lay it out.

    Args:
        run: complete or not.
        skills: today's claims; a cell whose claim is not among them is told, not judged.
        claims_sha256: the hash of each skill's claim file today, to tell whether it changed.
    """
    judgement = judge_run(run, skills)
    return RunView(
        run=run,
        findings=judgement.findings,
        skills=_skills(judgement.findings, {skill.name: skill for skill in skills}),
        unknown=judgement.unknown,
        changed=tuple(
            name
            for name, digest in run.header.claims_sha256.items()
            if claims_sha256 is not None and claims_sha256.get(name, digest) != digest
        ),
    )


def _skills(findings: Sequence[Finding], skills: Mapping[str, Skill]) -> tuple[SkillView, ...]:
    rows: dict[str, dict[str, dict[str, Finding]]] = {}
    for finding in findings:
        cell = finding.cell
        rows.setdefault(cell.skill, {}).setdefault(cell.claim, {})[cell.runtime] = finding
    return tuple(
        SkillView(
            name=name,
            description=skills[name].description,
            claims=tuple(
                ClaimView(
                    claim=next(iter(cells.values())).claim,
                    cells={one: cells[one] for one in sorted(cells, key=release_order)},
                )
                for cells in claims.values()
            ),
        )
        for name, claims in rows.items()
    )
