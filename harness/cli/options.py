"""The options that several verbs share: where claims, probes, runs and the cache are.

Knows: folders and their defaults. Must not know: what lies in them.
"""

from __future__ import annotations

from pathlib import Path

import click

from harness.folders import RUNS, default_claims_dir, default_probes_dir, default_runs_dir

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


json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
