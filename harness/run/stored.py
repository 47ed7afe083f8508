"""Which stored run is meant.

Knows: a folder of runs and their names. Must not know: what lies in a run.
"""

from __future__ import annotations

from pathlib import Path

from harness.errors import InputError


def latest_run(runs_dir: Path) -> Path:
    """Return the run file that was written to last.

    Raises:
        InputError: there is none.
    """
    runs = [path for path in runs_dir.glob("*.jsonl") if path.is_file()]
    if not runs:
        raise InputError(
            f"there is no run in {runs_dir}",
            hint="beamproof verify makes one; another folder is named with --runs DIR",
        )
    return max(runs, key=lambda path: (path.stat().st_mtime_ns, path.name))


def run_path(text: str | None, runs_dir: Path) -> Path:
    """Return the run file that was meant: a path, a run's name, or `latest` (also for None)."""
    if text is None or text == "latest":
        return latest_run(runs_dir)
    named = runs_dir / f"{text}.jsonl"
    return named if named.is_file() and not Path(text).exists() else Path(text)
