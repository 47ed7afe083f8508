"""`beamproof repro`.

Knows: its options, where sources lie. Must not know: what the file holds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import click

from harness.claims.folder import load_skills
from harness.claims.model import Claim, Skill
from harness.cli import names
from harness.cli.examples import examples
from harness.cli.options import claims_option, probes_option
from harness.cli.show import find_claim
from harness.cli.stored import emit, output_option
from harness.errors import InputError
from harness.folders import own_probes_dir
from harness.report.repro.escript import escript, why_not
from harness.system.streams import say


@click.command(
    "repro",
    short_help="Write a file that shows a claim on any Erlang, without us.",
    epilog=examples(
        "beamproof repro beam-memory-management/refc-threshold > show.escript",
        "beamproof repro beam-ets-internals -o ets.escript",
    ),
)
@click.argument("name", metavar="SKILL[/CLAIM]", type=names.CLAIM)
@output_option
@claims_option
@probes_option
def repro(name: str, output: Path | None, claims_dir: Path, probes_dir: Path) -> None:
    """Write an escript that shows CLAIM on any Erlang from OTP 24 on, without this project.

    It holds the probe's source, calls it in a VM with the claim's flags, and judges what came by
    the same rules. Of a SKILL it holds every claim that can be shown so: those that need native
    code, limits from outside or a second release cannot.
    """
    skills = load_skills(claims_dir)
    claims = _claims(skills, name)
    emit(escript(claims, read_sources(probes_dir)).encode(), output)


def _claims(skills: Sequence[Skill], name: str) -> Sequence[Claim]:
    skill = next((skill for skill in skills if skill.name == name), None)
    if skill is None:
        return [find_claim(skills, name)]
    shown = [claim for claim in skill.claims if why_not(claim) is None]
    for claim in skill.claims:
        if (reason := why_not(claim)) is not None:
            say(f"left out: {claim.name}: {reason}")
    if not shown:
        raise InputError(f"{skill.name} has no claim that one file can show")
    return shown


def read_sources(probes_dir: Path) -> Mapping[str, str]:
    """Return the texts of a folder's modules by name, with those of ours that it may use.

    Raises:
        InputError: one cannot be read.
    """
    paths = [*own_probes_dir().glob("probe_*.erl"), *probes_dir.glob("*.erl")]
    try:
        return {path.stem: path.read_text(encoding="utf-8") for path in paths}
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{probes_dir}: a probe cannot be read: {error}") from error
