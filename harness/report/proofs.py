"""What a run proves of a claim, in the words of pages for people and agents: releases, evidence.

Knows: claims, findings, Markdown. Must not know: files, which page it is said on.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from harness.authoring.marks import write_mark
from harness.claims.model import Claim
from harness.judge.finding import Finding
from harness.judge.view import SkillView
from harness.run.model import Run

_CODE = re.compile(r"(`[^`]*`)")
_SPECIAL = re.compile(
    r"""(
        <(?=[A-Za-z/!?])           # a tag, a comment
      | \\(?=[^\w\s])             # an escape
      | (?<!\w)_ | _(?!\w)         # emphasis: within words it is none
      | ~(?=~)
      | \[(?=[^\]]*\][(\[:])       # a link
    )""",
    re.VERBOSE,
)
_CONTROL = re.compile(r"[\x00-\x1f\x7f]+")


@dataclass(frozen=True, kw_only=True)
class Proven:
    """Hold a claim that a run confirms, with the confirmed findings, the oldest release first.

    `outside` are findings on releases that the claim is not about, where it does not hold.
    """

    claim: Claim
    findings: tuple[Finding, ...]
    outside: tuple[Finding, ...] = ()

    @cached_property
    def versions(self) -> tuple[str, ...]:
        """Return the full versions that confirm it, e.g. `25.2.3`."""
        return versions(self.findings)


def proven(skill: SkillView) -> tuple[Proven, ...]:
    """Return what a run confirms of a skill, in the order of its claim file."""
    return tuple(
        Proven(
            claim=one.claim,
            findings=_by_release(one.proof),
            outside=_by_release(
                cell for cell in one.cells.values() if cell.boundary and cell.checks
            ),
        )
        for one in skill.claims
        if one.proof
    )


def _by_release(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    return tuple(sorted(findings, key=lambda one: _numbers(version(one))))


def versions(findings: Iterable[Finding]) -> tuple[str, ...]:
    """Return the distinct versions of OTP of some findings, in order."""
    return tuple(sorted({version(one) for one in findings}, key=_numbers))


def version(finding: Finding) -> str:
    """Return the full version that a finding is about, else the runtime's name."""
    seen = finding.observation
    return finding.cell.runtime if seen is None or seen.build is None else seen.build.otp_version


def _numbers(text: str) -> tuple[list[int], str]:
    return [int(part) for part in re.findall(r"\d+", text)], text


def joined(words: Sequence[str]) -> str:
    """Return words as a sentence lists them, e.g. `24.3, 25.2 and 27.3`."""
    if len(words) < 2:  # noqa: PLR2004  one word is no list
        return "".join(words)
    return f"{', '.join(words[:-1])} and {words[-1]}"


def days(run: Run, findings: Iterable[Finding]) -> str:
    """Return the day on which findings were observed, or the first and the last of them."""
    found = {one.observation.at[:10] for one in findings if one.observation is not None}
    first, last = min(found, default=run.header.started[:10]), max(found, default="")
    return first if last in {"", first} else f"{first} to {last}"


def moved(claim: Claim) -> tuple[str, ...]:
    """Return why a claim's evidence is not the same on all releases, with which these are."""
    reasons: dict[str, list[str]] = {}
    for when in claim.whens:
        reasons.setdefault(when.why, []).append(when.otp)
    return tuple(f"OTP {joined(on)}: {why}" for why, on in reasons.items())


def covered(findings: Iterable[Finding]) -> str:
    """Return the releases that some findings are about, as marks name them: `25,27`."""
    found = {int(digits[0]) for one in findings if (digits := re.match(r"\d+", version(one)))}
    return ",".join(map(str, sorted(found)))


def mark(proof: Proven, covers: str) -> str:
    """Return the mark behind a claim's sentence; it renders to nothing, and `prove` reads it.

    Args:
        proof: of the claim.
        covers: the releases that the page speaks of, as `covered` gives them.
    """
    own = covered(proof.findings)
    return write_mark([proof.claim.name], "" if own == covers else own)


def prose(text: str) -> str:
    """Return a sentence for Markdown that is read raw as well: little is escaped, `code` stays."""
    parts = _CODE.split(_CONTROL.sub(" ", text).strip())
    return "".join(part if part[:1] == "`" else _escaped(part) for part in parts)


def _escaped(text: str) -> str:
    plain = _SPECIAL.sub(r"\\\1", text)
    return plain.replace("*", "\\*") if plain.count("*") > 1 else plain  # one alone marks nothing


def code(text: str) -> str:
    """Return text as a code span, also inside of a table."""
    plain = _CONTROL.sub(" ", text).replace("|", "\\|")
    fence = "`" * (max(map(len, re.findall("`+", plain)), default=0) + 1)
    pad = " " if "`" in plain[:1] + plain[-1:] else ""
    return f"{fence}{pad}{plain}{pad}{fence}"


def against(proof: Proven, statement: str) -> str:
    """Return what contradicts a wrong belief: what it would mean, and what the VMs showed.

    Empty where the belief is about none of the releases.
    """
    found: dict[tuple[str, str], dict[str, str]] = {}
    for finding in proof.findings:
        by = next((one.by for one in finding.rivals if one.statement == statement), None)
        if by is not None:
            found.setdefault((by.path, by.predicted), {})[version(finding)] = by.found_text
    return " ".join(
        f"It would mean {code(path)}: {code(predicted)}; the VM showed"
        f" {_values(by_release, proof.versions)}."
        for (path, predicted), by_release in found.items()
    )


def measured(proof: Proven, most: int) -> str:
    """Return values of what a claim predicts: at most so many, and none that is long."""
    found: dict[str, dict[str, str]] = {}
    for finding in proof.findings:
        for check in finding.checks:
            found.setdefault(check.path, {})[version(finding)] = check.found_text
    short = [path for path, row in found.items() if max(map(len, row.values())) <= _SHORT][:most]
    shown = [f"{code(path)} {_values(found[path], proof.versions)}" for path in short]
    more = [f"{len(found) - len(short)} more"] if len(found) > len(short) else []
    return joined([*shown, *more])


_SHORT = 60
"""Characters of a value that can be read in a sentence."""


def elsewhere(proof: Proven) -> tuple[str, ...]:
    """Return a sentence a release that the claim is not about: that it does not hold there."""
    return tuple(f"T{one.reason[1:]}." for one in proof.outside)


def _values(by_release: Mapping[str, str], releases: Sequence[str]) -> str:
    """Return what was found on each release, once where it is the same on all."""
    distinct = dict.fromkeys(by_release.values())
    if len(distinct) == 1 and len(by_release) == len(releases):
        return code(next(iter(distinct)))
    return joined([f"{code(text)} ({release})" for release, text in by_release.items()])
