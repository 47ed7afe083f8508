"""`beamproof coverage`.

Knows: its options, exit codes. Must not know: how a document is read.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from harness.authoring.coverage import Status
from harness.authoring.coverage import coverage as coverage_of
from harness.authoring.lint import DOCUMENT
from harness.claims.folder import load_skills
from harness.claims.model import Skill
from harness.cli.examples import examples
from harness.cli.options import claims_option, json_option
from harness.errors import ExitCode, InputError
from harness.report.terminal import claims
from harness.system.streams import print_json, print_lines


@click.command(
    "coverage",
    short_help="Show which statements of a document are quoted.",
    epilog=examples("beamproof coverage", "beamproof coverage claims/research.md"),
)
@click.argument("document", type=click.Path(path_type=Path, dir_okay=False), required=False)
@click.option("--section", type=click.IntRange(1), help="Section of the document.")
@click.option("--skill", "named", metavar="SKILL", help="Its claims [default: by section].")
@json_option
@claims_option
@click.pass_context
def coverage(context: click.Context, /, **given: Any) -> None:
    """Show which statements of DOCUMENT the claims quote [default: research.md of the claims]."""
    document = given["document"] or given["claims_dir"] / DOCUMENT
    if given["document"] and not document.is_file():
        raise InputError(f"cannot read the document {document}: there is no such file")
    skill = _skill_of_section(given["claims_dir"], given["section"], given["named"])
    section = given["section"] or skill.section
    if section is None:
        raise InputError(f"{skill.path} names no section", hint="name it with --section N")
    try:
        text = document.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"cannot read the document {document}: {error}") from error
    rows = coverage_of(text, section, skill)
    if given["as_json"]:
        print_json(claims.coverage_json(rows))
    else:
        print_lines(claims.coverage_lines(rows))
    if any(row.status in {Status.UNCOVERED, Status.PARTLY} for row in rows):
        context.exit(ExitCode.INCONCLUSIVE)


def _skill_of_section(claims_dir: Path, section: int | None, named: str | None) -> Skill:
    if named is not None:
        return load_skills(claims_dir, [named])[0]
    if section is None:
        known = ", ".join(
            f"{skill.section} ({skill.name})" for skill in load_skills(claims_dir) if skill.section
        )
        raise InputError(
            "which section?", hint=f"name it with --section N or --skill SKILL: {known or 'none'}"
        )
    skills = load_skills(claims_dir)
    found = next((skill for skill in skills if skill.section == section), None)
    if found is None:
        known = ", ".join(f"{skill.section} ({skill.name})" for skill in skills if skill.section)
        raise InputError(
            f"no skill in {claims_dir} is about section {section}",
            hint=f"sections with a skill: {known or 'none'}",
        )
    return found
