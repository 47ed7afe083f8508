"""Loading the skills of a folder.

Knows: claim files by name. Must not know: what a claim means, nodes, runs.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from harness.claims.faults import with_faults
from harness.claims.file import read_skill
from harness.claims.model import Skill
from harness.claims.paths import refuse_unknown, skill_paths
from harness.errors import ClaimError, NothingSelectedError
from harness.folders import project


def load_skill(path: Path) -> Skill:
    """Read one claim file; its claims know their faults.

    Raises:
        ClaimError: the file is wrong; every problem is named with its line.
    """
    skill, problems = read_skill(path)
    if skill is None or problems:
        listed = "\n".join(str(problem) for problem in problems)
        raise ClaimError(listed, hint="beamproof lint lists everything that is wrong")
    return with_faults(skill, project().sources)


def load_skills(claims_dir: Path, names: Iterable[str] | None = None) -> tuple[Skill, ...]:
    """Read all skills of a folder, or those named, each once, in the order given.

    Raises:
        InputError: the folder or a skill is not there; the message says what was probably meant.
        ClaimError: a claim file is wrong.
    """
    paths = skill_paths(claims_dir)
    wanted = list(paths) if names is None else list(dict.fromkeys(names))
    refuse_unknown(claims_dir, wanted)
    return tuple(load_skill(paths[name]) for name in wanted)


def refuse_none(skills: Sequence[Skill], claims_dir: Path) -> None:
    """Refuse a folder without any claim.

    Raises:
        NothingSelectedError: there is no claim file.
    """
    if not skills:
        raise NothingSelectedError(
            f"there is no claim file in {claims_dir}", hint="beamproof new SKILL/CLAIM begins one"
        )
