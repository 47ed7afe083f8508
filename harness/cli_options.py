"""The options that several verbs share: where claims, probes, runs and the cache are.

Knows: folders and their defaults. Must not know: what lies in them.
"""

from __future__ import annotations

import os
from pathlib import Path

import click

from harness.errors import InputError

_PACKAGE = Path(__file__).resolve().parent

RUNS = Path(".beamproof/runs")
"""Where runs are stored unless told otherwise, below the working directory."""


def default_claims_dir() -> Path:
    """Return BEAMPROOF_CLAIMS, else the claims of the checkout, else those that were installed."""
    return _default("BEAMPROOF_CLAIMS", "claims")


def default_probes_dir() -> Path:
    """Return BEAMPROOF_PROBES, else the probes of the checkout, else those that were installed."""
    return _default("BEAMPROOF_PROBES", "erlang_probes")


def default_runs_dir() -> Path:
    """Return BEAMPROOF_RUNS, else `RUNS`."""
    return Path(os.environ.get("BEAMPROOF_RUNS") or RUNS)


def cache_dir() -> Path:
    """Return BEAMPROOF_CACHE, else the user's cache folder of beamproof."""
    if named := os.environ.get("BEAMPROOF_CACHE"):
        return Path(named)
    from platformdirs import user_cache_path  # noqa: PLC0415  slow, and often not needed

    return user_cache_path("beamproof")


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


def _default(variable: str, folder: str) -> Path:
    if named := os.environ.get(variable):
        return Path(named)
    checkout = _PACKAGE.parent / folder
    return checkout if checkout.is_dir() else _PACKAGE / "_bundled" / folder


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
