"""Another revision's sources beside this one's, so that both are measured in one run.

Knows: git. Must not know: what is measured.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[2]


@contextmanager
def beside(revision: str | None) -> Iterator[dict[str, Path]]:
    """Check a revision out for as long as it is measured; give the sources by name, ours first."""
    if not revision:
        yield {"now": ROOT}
        return
    with tempfile.TemporaryDirectory() as folder:
        archive = subprocess.run(
            ["git", "archive", revision], cwd=ROOT, capture_output=True, check=True
        )
        subprocess.run(["tar", "-x", "-C", folder], input=archive.stdout, check=True)
        yield {"now": ROOT, revision: Path(folder)}


def environment(sources: Path) -> dict[str, str]:
    """Return the environment in which Python finds the harness of these sources."""
    return {**os.environ, "PYTHONPATH": str(sources)}
