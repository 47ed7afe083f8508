"""`beamproof new`.

Knows: its options. Must not know: what is written.
"""

from __future__ import annotations

import shlex
from pathlib import Path

import click

from harness.authoring.scaffold import scaffold
from harness.cli import names
from harness.cli.examples import examples
from harness.cli.options import claims_option, probes_option
from harness.folders import default_claims_dir, default_probes_dir, new_folders
from harness.system.streams import echo


@click.command("new", epilog=examples("beamproof new beam-memory-management/my-claim"))
@click.argument("name", metavar="SKILL/CLAIM", type=names.CLAIM)
@claims_option
@probes_option
def new(name: str, claims_dir: Path, probes_dir: Path) -> None:
    """Begin a new claim with its probe."""
    claims_dir, probes_dir = new_folders(claims_dir, probes_dir)
    files = scaffold(name, claims_dir, probes_dir)
    echo(f"{files.claim_file}: the claim; replace every TODO")
    echo(f"{files.probe_file}: its probe")
    options = [
        *_option("--claims", claims_dir, default_claims_dir()),
        *_option("--probes", probes_dir, default_probes_dir()),
    ]
    skill = name.partition("/")[0]
    lint = shlex.join(["beamproof", "lint", skill, *options])
    echo(f"then: {lint} && {shlex.join(['beamproof', 'verify', '--claim', name, *options])}")


def _option(option: str, folder: Path, default: Path) -> list[str]:
    """Return an option that names a folder, nothing where it is found without."""
    return [] if folder.resolve() == default.resolve() else [option, str(folder)]
