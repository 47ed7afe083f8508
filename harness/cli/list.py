"""`beamproof list`.

Knows: its options. Must not know: how claims are read.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import click

from harness.claims.folder import load_skills, refuse_none
from harness.cli import names
from harness.cli.examples import examples
from harness.cli.options import claims_option, json_option
from harness.report.terminal import claims
from harness.system.streams import print_json, print_lines


@click.command("list", epilog=examples("beamproof list", "beamproof list beam-ets-internals"))
@click.argument("skills", nargs=-1, type=names.SKILL)
@json_option
@claims_option
def list_claims(skills: tuple[str, ...], claims_dir: Path, *, as_json: bool) -> None:
    """List the claims of SKILLS (all without any)."""
    loaded = load_skills(claims_dir, skills or None)
    refuse_none(loaded, claims_dir)
    if as_json:
        print_json([claims.claim_json(one) for skill in loaded for one in skill.claims])
        return
    columns = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    print_lines(line for skill in loaded for line in claims.skill_lines(skill, columns))
