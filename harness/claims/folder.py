"""Which skills there are in a folder, and loading them.

Knows: claim files by name. Must not know: what a claim means, nodes, runs.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from harness.errors import ClaimError, InputError
from harness.run.cells import Json, Need, NodeMode, ProbeCall
from harness.claims.predicates import Prediction
from harness.claims.versions import matches
from harness.claims.model import Skill


def load_skill(path: Path) -> Skill:
    """Read one claim file.

    Raises:
        ClaimError: the file is wrong; every problem is named with its line.
    """
    from harness.claims.file import read_skill  # noqa: PLC0415  it builds this module's models

    skill, problems = read_skill(path)
    if skill is None or problems:
        listed = "\n".join(str(problem) for problem in problems)
        raise ClaimError(listed, hint="beamproof lint lists everything that is wrong")
    return skill


def skill_paths(claims_dir: Path) -> dict[str, Path]:
    """Return the claim files of a folder by skill, in order.

    Raises:
        InputError: the folder is not there.
    """
    if not claims_dir.is_dir():
        raise InputError(
            f"there is no claims folder {claims_dir}",
            hint="name it with --claims DIR or BEAMPROOF_CLAIMS",
        )
    return {path.stem: path for path in sorted(claims_dir.glob("*.toml"))}


def load_skills(claims_dir: Path, names: Iterable[str] | None = None) -> tuple[Skill, ...]:
    """Read all skills of a folder, or those named, each once, in the order given.

    Raises:
        InputError: the folder or a skill is not there; the message says what was probably meant.
        ClaimError: a claim file is wrong.
    """
    paths = skill_paths(claims_dir)
    wanted = list(paths) if names is None else list(dict.fromkeys(names))
    for name in wanted:
        if name not in paths:
            raise InputError(
                f'there is no skill "{name}" in {claims_dir}', hint=_known(name, paths)
            )
    return tuple(load_skill(paths[name]) for name in wanted)


def _known(name: str, paths: Mapping[str, Path]) -> str:
    close = get_close_matches(name, list(paths), n=1, cutoff=0.5)
    if close:
        return f'did you mean "{close[0]}"?'
    return f"skills: {', '.join(paths) or 'none'}"
