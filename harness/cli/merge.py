"""`beamproof merge`.

Knows: options, files. Must not know: how runs become one.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from harness.cli import names
from harness.cli.examples import examples
from harness.cli.options import runs_option
from harness.cli.stored import run_paths
from harness.errors import ExitCode
from harness.report.output import write_file
from harness.report.phrases import plural
from harness.report.releases import label
from harness.run.cells import CellId
from harness.run.file import read_run
from harness.run.merge import Wins
from harness.run.merge import merge as merged
from harness.runtimes import wanted
from harness.system.clock import now_iso
from harness.system.streams import say


def _releases(_context: click.Context, _option: click.Parameter, text: str) -> tuple[str, ...]:
    return wanted.names(text) if text else ()


@click.command(
    short_help="Join the runs of several machines into one.",
    epilog=examples("beamproof merge otp25.jsonl otp27.jsonl --expect 25,27 --output night.jsonl"),
)
@click.argument("runs", nargs=-1, type=names.RUN, required=True, metavar="RUN...")
@click.option(
    "--output", "-o", required=True, type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE", help="The joined run.",
)  # fmt: skip
@click.option(
    "--wins", type=click.Choice(["first", "last", "newest"]),
    help="Which run stands where two disagree [default: refuse].",
)  # fmt: skip
@click.option(
    "--expect", metavar="RELEASES", callback=_releases, default="",
    help="Releases that some run should hold, e.g. 24-27: one that none does is told and left out.",
)  # fmt: skip
@click.option("--complete/--partial", help="Exit with 2 when a cell is missing [default: 0].")
@runs_option
def merge(  # noqa: PLR0913 (one parameter an option)
    runs: Sequence[str], output: Path, wins: str | None, *, expect: tuple[str, ...], complete: bool,
    runs_dir: Path,
) -> int:  # fmt: skip
    """Join the RUNs of several machines, e.g. one a release, into one, and say what is missing."""
    stored = [read_run(path) for path in run_paths(runs, runs_dir)]
    joined = merged(
        stored,
        wins=Wins(wins) if wins else None,
        expected=expect,
        command=("beamproof", "merge", *runs),
        at=now_iso(),
    )
    write_file(output, joined.content())
    cells = {cell for seen in joined.observations for cell in seen.cells}
    say(f"{output}: {plural(len(cells), 'cell')} of {plural(len(stored), 'run')}")
    for path in joined.incomplete:
        say(f"! incomplete: {path}")
    for runtime in joined.absent:
        say(f"! {label(runtime)}: no run of it arrived")
    told = {runtime for runtime, _ in joined.absent_shares}
    for runtime, share in joined.absent_shares:
        say(f"! {label(runtime)}: share {share} did not arrive")
    for runtime in dict.fromkeys(runtime for runtime, _ in joined.absent_shares):
        lost = sum(CellId(cell).runtime == runtime for cell in joined.missing)
        say(f"! {label(runtime)}: {plural(lost, 'cell')} missing")
    for cell in joined.missing:
        if CellId(cell).runtime not in told:
            say(f"! missing: {cell}")
    lacks = joined.missing or joined.absent
    return ExitCode.INCONCLUSIVE if complete and lacks else ExitCode.CONFIRMED
