"""The options that several verbs share: where claims, probes, runs and the cache are.

Knows: folders and their defaults. Must not know: what lies in them.
"""

from __future__ import annotations

import os
from pathlib import Path

import click

from harness.errors import InputError
from harness.folders import default_claims_dir, default_probes_dir

RUNS = Path(".beamproof/runs")
"""Where runs are stored unless told otherwise, below the working directory."""


def default_runs_dir() -> Path:
    """Return BEAMPROOF_RUNS, else `RUNS`."""
    return Path(os.environ.get("BEAMPROOF_RUNS") or RUNS)


def say(line: str) -> None:
    """Print a line of progress beside what the command is asked for: on standard error."""
    click.echo(line, err=True)


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


claims_option = click.option(
    "--claims",
    "claims_dir",
    type=click.Path(path_type=Path, file_okay=False),
    default=default_claims_dir,
    metavar="DIR",
    help="Folder of the claim files [default: BEAMPROOF_CLAIMS, else the ones beside beamproof].",
)

probes_option = click.option(
    "--probes",
    "probes_dir",
    type=click.Path(path_type=Path, file_okay=False),
    default=default_probes_dir,
    metavar="DIR",
    help="Folder of the probes [default: BEAMPROOF_PROBES, else the ones beside beamproof].",
)

runs_option = click.option(
    "--runs",
    "runs_dir",
    type=click.Path(path_type=Path, file_okay=False),
    default=default_runs_dir,
    metavar="DIR",
    help=f"Folder of stored runs [default: BEAMPROOF_RUNS, else {RUNS}].",
)
