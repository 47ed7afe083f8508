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
    """Hold a claim that a run confirms, with the confirmed findings, the oldest release first."""

    claim: Claim
    findings: tuple[Finding, ...]

    @cached_property
    def versions(self) -> tuple[str, ...]:
        """Return the full versions that confirm it, e.g. `25.2.3`."""
        return versions(self.findings)


def proven(skill: SkillView) -> tuple[Proven, ...]:
    """Return what a run confirms of a skill, in the order of its claim file."""
    found = ((one.claim, one.proof) for one in skill.claims)
    return tuple(
        Proven(claim=claim, findings=_by_release(proof)) for claim, proof in found if proof
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


def mark(claim: Claim) -> str:
    """Return the mark that links a sentence with its claim; it renders to nothing."""
    return write_mark([claim.name])


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
    """Return the values that a claim predicts, as far as there are at most so many."""
    found: dict[str, dict[str, str]] = {}
    for finding in proof.findings:
        for check in finding.checks:
            found.setdefault(check.path, {})[version(finding)] = check.found_text
    shown = [
        f"{code(path)} {_values(row, proof.versions)}" for path, row in list(found.items())[:most]
    ]
    more = f", and {len(found) - most} more" if len(found) > most else ""
    return ", ".join(shown) + more


def _values(by_release: Mapping[str, str], releases: Sequence[str]) -> str:
    """Return what was found on each release, once where it is the same on all."""
    distinct = dict.fromkeys(by_release.values())
    if len(distinct) == 1 and len(by_release) == len(releases):
        return code(next(iter(distinct)))
    return joined([f"{code(text)} ({release})" for release, text in by_release.items()])
