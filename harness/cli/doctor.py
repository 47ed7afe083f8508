"""`beamproof doctor`.

Knows: its options, exit codes. Must not know: what is examined.
"""

from __future__ import annotations

from pathlib import Path

import click

from harness.cli.examples import examples
from harness.cli.otp import image_lines, runtime_options_of
from harness.cli.runtime import source_options
from harness.errors import ExitCode
from harness.runtimes import doctor as examining
from harness.system.streams import echo

_MARKS = {"ok": "✔", "optional": "•", "missing": "✘"}


@click.command(
    "doctor", short_help="Say what is missing on this machine.", epilog=examples("beamproof doctor")
)
@source_options
@click.pass_context
def doctor(context: click.Context, otp_roots: tuple[Path, ...], images: tuple[str, ...]) -> None:
    """Say what is missing on this machine, and the command that mends it."""
    options = runtime_options_of(otp_roots, images)
    checks = examining.examine(options)
    width = max(len(check.name) for check in checks)
    for check in checks:
        echo(f"{_MARKS[check.state]} {check.name:<{width}}  {check.found}")
        if check.mend:
            echo(f"  {'':<{width}}  → {check.mend}")
    for line in image_lines(options):
        echo(line)
    if not examining.is_able(checks):
        context.exit(ExitCode.RUNTIME_MISSING)
