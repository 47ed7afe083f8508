"""`beamproof new`.

Knows: its options. Must not know: what is written.
"""

from __future__ import annotations

from pathlib import Path

import click

from harness.authoring.scaffold import scaffold
from harness.cli.options import claims_option, probes_option
from harness.system.streams import echo


@click.command("new")
@click.argument("name", metavar="SKILL/CLAIM")
@claims_option
@probes_option
def new(name: str, claims_dir: Path, probes_dir: Path) -> None:
    """Begin a new claim with its probe."""
    files = scaffold(name, claims_dir, probes_dir)
    echo(f"{files.claim_file}: the claim; replace every TODO")
    echo(f"{files.probe_file}: its probe")
    echo(f"then: beamproof lint && beamproof verify --claim '{name}'")
