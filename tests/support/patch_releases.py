"""Patch releases to test with: a real install under other versions than its own."""

from __future__ import annotations

import re
import shutil
from pathlib import Path


def dressed(erl: Path, version: str, folder: Path) -> Path:
    """Make an install that says another version, and return its folder.

    Args:
        erl: the program of a real install; all of it but versions and start script is shared.
        version: what its VM shall say.
        folder: where it is made.
    """
    root, made = erl.resolve().parent.parent, folder / version
    (made / "bin").mkdir(parents=True)
    for part in root.iterdir():
        if part.name not in {"bin", "releases"}:
            (made / part.name).symlink_to(part)
    shutil.copytree(root / "releases", made / "releases")
    for file in made.glob("releases/*/OTP_VERSION"):
        file.unlink()
        file.write_text(f"{version}\n")
    for part in (root / "bin").iterdir():
        if part.name != "erl":
            (made / "bin" / part.name).symlink_to(part.resolve())
    script = re.sub(r"(?m)^ *ROOTDIR=.*$", f'ROOTDIR="{made}"', erl.read_text())
    (made / "bin" / "erl").write_text(script)
    (made / "bin" / "erl").chmod(0o755)
    return made
