"""A folder of claims for a team of its own: a first claim that holds, what falls without, CI.

Knows: the files of the template. Must not know: what will be claimed.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path

from harness.claims.model import is_name, module_of
from harness.errors import InputError, StorageError

_FILES = {
    "claims/skill.toml": "claims/{skill}.toml",
    "claims/sabotage/skill.toml": "claims/sabotage/{skill}.toml",
    "erlang_probes/skill.erl": "erlang_probes/{module}.erl",
    "workflows/beamproof.yml": ".github/workflows/beamproof.yml",
    "pre-commit-config.yaml": ".pre-commit-config.yaml",
}
"""Where each file of the template goes."""


def init(folder: Path, skill: str) -> tuple[Path, ...]:
    """Write a first claim with its probe, its variants and its CI into a folder.

    Returns:
        The files that were written.

    Raises:
        InputError: the skill's name is none, or a file is there already: none was written.
        StorageError: a file cannot be written.
    """
    if not is_name(skill):
        raise InputError(f'"{skill}" is no name of a skill', hint="kebab-case, e.g. our-timers")
    contents = {folder / name: text for name, text in _template(skill).items()}
    there = [path for path in contents if path.exists()]
    if there:
        raise InputError(
            f"{there[0]} is there already: nothing was written",
            hint="name another folder, or add a claim: beamproof new SKILL/CLAIM",
        )
    for path, text in contents.items():
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("x", encoding="utf-8") as file:
                file.write(text)
        except OSError as error:
            raise StorageError(f"cannot write {path}: {error.strerror}") from error
    return tuple(contents)


def _template(skill: str) -> Mapping[str, str]:
    module = module_of(skill)
    root = files(__package__) / "template"
    return {
        target.format(skill=skill, module=module): (root / source)
        .read_text(encoding="utf-8")
        .replace("SKILL", skill)
        .replace("MODULE", module)
        for source, target in _FILES.items()
    }
