"""The options that several verbs share: where claims, probes, runs and the cache are.

Knows: folders and their defaults. Must not know: what lies in them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import click
import msgspec

from harness.claims.model import Skill
from harness.errors import ExitCode, NothingSelectedError
from harness.folders import RUNS, default_claims_dir, default_probes_dir, default_runs_dir
from harness.judge.finding import Verdict


def say(line: str) -> None:
    """Print a line of progress beside what the command is asked for: on standard error."""
    click.echo(line, err=True)


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


def print_lines(lines: Iterable[str]) -> None:
    """Print lines on standard output."""
    for line in lines:
        click.echo(line)


def print_json(value: Any) -> None:
    """Print a value as indented JSON on standard output."""
    click.echo(msgspec.json.format(msgspec.json.encode(value)))
