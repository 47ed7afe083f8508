"""Which stored run is meant, and what earlier runs tell of the next.

Knows: a folder of runs, their names, how long their calls took. Must not know: evidence.
"""

from __future__ import annotations

import contextlib
from pathlib import Path

from harness.errors import BeamproofError, InputError
from harness.run.file import read_run
from harness.system.files import replace_file

_LATEST = ".latest"
"""Names the run that was begun or resumed last: clocks are put back, and files are touched."""


def note_latest(path: Path) -> None:
    """Remember a run as its folder's latest; a folder that cannot be written goes without."""
    with contextlib.suppress(OSError):
        replace_file(path.parent / _LATEST, path.name.encode())


def latest_run(runs_dir: Path) -> Path:
    """Return the run that was begun or resumed last; where none is noted, the newest file.

    Raises:
        InputError: there is none.
    """
    with contextlib.suppress(OSError, ValueError):
        noted = runs_dir / (runs_dir / _LATEST).read_text(encoding="utf-8")
        if noted.parent == runs_dir and noted.is_file():
            return noted
    runs = runs_newest_first(runs_dir)
    if not runs:
        raise InputError(
            f"there is no run in {runs_dir}",
            hint="beamproof verify makes one; another folder is named with --runs DIR",
        )
    return runs[0]


def run_path(text: str | None, runs_dir: Path) -> Path:
    """Return the run file that was meant: a path, a run's name, or `latest` (also for None).

    A name may end as its file does: that is how reports show it.
    """
    if text is None or text == "latest":
        return latest_run(runs_dir)
    named = runs_dir / f"{text.removesuffix('.jsonl')}.jsonl"
    return named if named.is_file() and not Path(text).exists() else Path(text)


_RUNS_ASKED = 3
_MOST_BYTES = 32 * 1024**2


def seconds_of_calls(runs_dir: Path) -> dict[tuple[str, str], float]:
    """Return how long calls took in the last runs, by runtime and name of the call.

    Only the order of a run hangs on it: runs that cannot be read, or are very large, are passed
    over.
    """
    found: dict[tuple[str, str], float] = {}
    for path in reversed(runs_newest_first(runs_dir)[:_RUNS_ASKED]):
        try:
            if path.stat().st_size > _MOST_BYTES:
                continue
            run = read_run(path)
        except (BeamproofError, OSError):
            continue
        for seen in run.observations:
            elapsed_us = sum(sample.elapsed_us for sample in seen.samples)
            found[seen.runtime, seen.call] = elapsed_us / 1e6
    return found


def runs_newest_first(runs_dir: Path) -> list[Path]:
    """Return the run files of a folder, the one that was written to last first; no empty ones."""
    runs = [path for path in runs_dir.glob("*.jsonl") if path.is_file() and path.stat().st_size]
    return sorted(runs, key=lambda path: (path.stat().st_mtime_ns, path.name), reverse=True)
