"""The file that shows a skill's claims without beamproof, as the site offers it.

Knows: which claims such a file can hold. Must not know: pages, what stands in the file.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from harness.errors import InputError
from harness.judge.view import SkillView
from harness.report.repro.escript import escript, why_not


@dataclass(frozen=True, slots=True)
class Shown:
    """Hold one skill's file: its name, its text (empty for none) and the claims in it, by id."""

    name: str
    text: str
    claims: frozenset[str]


def shown(skill: SkillView, sources: Mapping[str, str]) -> Shown:
    """Return the file of those of a skill's claims that one file can show.

    Args:
        skill: judged.
        sources: the texts of probe modules by name; a claim whose probe is not there is left out.
    """
    name = f"{skill.name}.escript"
    claims = [one.claim for one in skill.claims if one.claim.module in sources]
    claims = [claim for claim in claims if why_not(claim) is None]
    if not claims:
        return Shown(name, "", frozenset())
    try:
        text = escript(claims, sources)
    except InputError:  # a probe that is gone: the page of its claim says so
        return Shown(name, "", frozenset())
    return Shown(name, text, frozenset(claim.id for claim in claims))
