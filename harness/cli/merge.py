"""`beamproof merge`.

Knows: options, files. Must not know: how runs become one.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from harness.cli.options import runs_option
from harness.errors import ExitCode
from harness.report.output import write_file
from harness.run.file import read_run
from harness.run.merge import Wins
from harness.run.merge import merge as merged
from harness.system.streams import say

if TYPE_CHECKING:
    pass
from harness.cli.stored import run_paths


@click.command()
@click.argument("runs", nargs=-1, required=True, metavar="RUN...")
@click.option(
    "--output", "-o", required=True, type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE", help="The joined run.",
)  # fmt: skip
@click.option(
    "--wins", type=click.Choice(["first", "last", "newest"]),
    help="Which run stands where two disagree [default: refuse].",
)  # fmt: skip
@click.option("--complete/--partial", help="Exit with 2 when a cell is missing [default: 0].")
@runs_option
def merge(
    runs: Sequence[str], output: Path, wins: str | None, *, complete: bool, runs_dir: Path
) -> int:
    """Join the RUNs of several machines, e.g. one a release, into one, and say what is missing."""
    joined = merged(
        [read_run(path) for path in run_paths(runs, runs_dir)],
        wins=Wins(wins) if wins else None,
        command=("merge", *runs),
        at=datetime.now(UTC).isoformat(timespec="milliseconds"),
    )
    write_file(output, joined.content())
    say(f"{output}: {len(joined.observations)} cells of {len(runs)} runs")
    for path in joined.incomplete:
        say(f"! incomplete: {path}")
    for cell in joined.missing:
        say(f"! missing: {cell}")
    return ExitCode.INCONCLUSIVE if complete and joined.missing else ExitCode.CONFIRMED
