"""What is told after a claim was begun: its files, and what to run next.

Knows: files, commands. Must not know: what was written.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import Path

from harness.authoring.scaffold import Scaffold
from harness.folders import default_claims_dir, default_probes_dir


def begun_lines(name: str, files: Scaffold, claims_dir: Path, probes_dir: Path) -> Iterator[str]:
    """Yield the files of a claim, and the commands that check it."""
    yield f"{files.claim_file}: the claim; replace every TODO"
    yield f"{files.probe_file}: its probe"
    options = [
        *_option("--claims", claims_dir, default_claims_dir()),
        *_option("--probes", probes_dir, default_probes_dir()),
    ]
    lint = shlex.join(["beamproof", "lint", name.partition("/")[0], *options])
    yield f"then: {lint} && {shlex.join(['beamproof', 'verify', '--claim', name, *options])}"


def _option(option: str, folder: Path, default: Path) -> list[str]:
    """Return an option that names a folder, nothing where it is found without."""
    return [] if folder.resolve() == default.resolve() else [option, str(folder)]
