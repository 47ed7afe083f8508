"""Which skills there are in a folder, by the names of their files alone.

Knows: names. Must not know: what is in a claim file; `verify` asks before anything else is loaded.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from harness.errors import InputError
from harness.suggest import closest

_ALIKE = 0.5
"""How alike a skill's name must be to be suggested: the names are long."""


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


def refuse_unknown(claims_dir: Path, names: Iterable[str]) -> None:
    """Refuse skills that have no claim file.

    Raises:
        InputError: the folder or a skill is not there; the message says what was probably meant.
    """
    paths = skill_paths(claims_dir)
    for name in names:
        if name not in paths:
            close = closest(name, paths, alike=_ALIKE)
            known = f'did you mean "{close}"?' if close else f"skills: {', '.join(paths) or 'none'}"
            raise InputError(f'there is no skill "{name}" in {claims_dir}', hint=known)
