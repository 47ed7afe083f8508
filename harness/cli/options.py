"""The options that several verbs share: where claims, probes, runs and the cache are.

Knows: folders and their defaults. Must not know: what lies in them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import click

from harness.folders import RUNS, default_claims_dir, default_probes_dir, default_runs_dir
from harness.system.verbosity import Verbosity

claims_option = click.option(
    "--claims",
    "claims_dir",
    type=click.Path(path_type=Path, file_okay=False),
    default=default_claims_dir,
    metavar="DIR",
    help="Folder of the claim files [default: BEAMPROOF_CLAIMS, ./claims or above, its own].",
)

probes_option = click.option(
    "--probes",
    "probes_dir",
    type=click.Path(path_type=Path, file_okay=False),
    default=default_probes_dir,
    metavar="DIR",
    help="Folder of the probes [default: BEAMPROOF_PROBES, ./erlang_probes or above, its own].",
)

runs_option = click.option(
    "--runs",
    "runs_dir",
    type=click.Path(path_type=Path, file_okay=False),
    default=default_runs_dir,
    metavar="DIR",
    help=f"Folder of stored runs [default: BEAMPROOF_RUNS, else {RUNS}].",
)


F = TypeVar("F", bound=Callable[..., Any])


def verbosity_options(command: F) -> F:
    """Add --verbose and --quiet, and --durations."""
    for option in (
        click.option("--durations", type=click.IntRange(0), default=0, metavar="N",
                     help="List the N slowest calls."),
        click.option("--quiet", "-q", is_flag=True, help="Totals alone."),
        click.option("--verbose", "-v", is_flag=True, help="A line a claim, and each as it comes."),
    ):  # fmt: skip
        command = option(command)
    return command


def verbosity_of(given: Mapping[str, Any]) -> Verbosity:
    """Return what --verbose and --quiet come to.

    Raises:
        UsageError: both were given.
    """
    if given["verbose"] and given["quiet"]:
        raise click.UsageError("--verbose and --quiet exclude each other")
    if given["quiet"]:
        return Verbosity.QUIET
    return Verbosity.VERBOSE if given["verbose"] else Verbosity.NORMAL


json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
