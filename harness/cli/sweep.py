"""`beamproof sweep`.

Knows: its options, exit codes. Must not know: how leftovers are found.
"""

from __future__ import annotations

from collections.abc import Sequence

import click

from harness.cli.examples import examples
from harness.errors import ExitCode
from harness.folders import cache_dir
from harness.runtimes import sweep as sweeping
from harness.system.streams import echo, say


@click.command(
    "sweep", short_help="Remove what crashed runs left behind.", epilog=examples("beamproof sweep")
)
@click.option("--dry-run", is_flag=True, help="Say what would be removed, and remove nothing.")
@click.option("--all", "everything", is_flag=True, help="Containers of living runs, too.")
@click.pass_context
def sweep(context: click.Context, *, dry_run: bool, everything: bool) -> None:
    """Remove what crashed runs left behind: containers, VMs, temporary folders."""
    act = sweeping.find if dry_run else sweeping.sweep
    found = act(cache_dir(), everything=everything)
    verb = "would remove" if dry_run else "removed"
    named: tuple[tuple[str, Sequence[object]], ...] = (
        ("container", found.containers),
        ("process", found.processes),
        ("folder", found.folders),
    )
    for kind, items in named:
        for item in items:
            echo(f"{verb} {kind} {item}")
    for problem in found.problems:
        say(f"beamproof: {problem}")
    if not found:
        echo("nothing was left behind")
    if found.problems:
        context.exit(ExitCode.FAILURE)
