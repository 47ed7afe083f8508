"""The options that several verbs share: where claims, probes, runs and the cache are.

Knows: folders and their defaults. Must not know: what lies in them.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from harness.claims.model import Skill
from harness.errors import ExitCode, NothingSelectedError
from harness.folders import RUNS, default_claims_dir, default_probes_dir, default_runs_dir
from harness.judge.finding import Verdict

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


EXIT_CODES = {
    Verdict.REFUTED: ExitCode.REFUTED,
    Verdict.INCONCLUSIVE: ExitCode.INCONCLUSIVE,
    Verdict.CONFIRMED: ExitCode.CONFIRMED,
    Verdict.SKIPPED: ExitCode.NOTHING_SELECTED,
}


def refuse_none(skills: Sequence[Skill], claims_dir: Path) -> None:
    """Refuse a folder without any claim.

    Raises:
        NothingSelectedError: there is no claim file.
    """
    if not skills:
        raise NothingSelectedError(
            f"there is no claim file in {claims_dir}", hint="beamproof new SKILL/CLAIM begins one"
        )
