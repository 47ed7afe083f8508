"""`beamproof init`.

Knows: its options. Must not know: what is written.
"""

from __future__ import annotations

import shlex
from pathlib import Path

import click

from harness.authoring.project import init as write_project
from harness.cli.examples import examples
from harness.system.streams import echo


@click.command(
    "init",
    short_help="Begin a folder with claims of your own.",
    epilog=examples("beamproof init proofs"),
)
@click.argument("folder", metavar="[DIR]", default=".", type=click.Path(path_type=Path))
@click.option("--skill", default="our-vm", show_default=True, help="Name of its first skill.")
def init(folder: Path, skill: str) -> None:
    """Make DIR (this folder) a project with claims of its own: a first one that holds, and CI."""
    for path in write_project(folder, skill):
        echo(str(path))
    into = "" if folder.resolve() == Path.cwd() else f"cd {shlex.quote(str(folder))} && "
    echo(f"then: {into}beamproof verify")
