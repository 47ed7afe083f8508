"""`beamproof lint`.

Knows: its options, exit codes. Must not know: what is checked.
"""

from __future__ import annotations

from pathlib import Path

import click
import msgspec

from harness.authoring.lint import fix
from harness.authoring.lint import lint as lint_skills
from harness.claims.folder import refuse_none
from harness.claims.paths import refuse_unknown
from harness.cli import names
from harness.cli.examples import examples
from harness.cli.options import claims_option, json_option, probes_option
from harness.errors import ExitCode
from harness.folders import project
from harness.report import workflow_commands
from harness.system.streams import echo, print_json, print_lines, say


@click.command(
    "lint",
    short_help="Check claims and probes of SKILLS (all without any).",
    epilog=examples("beamproof lint", "beamproof lint beam-ets-internals --fix"),
)
@click.argument("skills", nargs=-1, type=names.SKILL)
@click.option("--fix", "fixes", is_flag=True, help="Put the claim files into the one layout first.")
@json_option
@claims_option
@probes_option
@click.pass_context
def lint(  # noqa: PLR0913  an option each
    context: click.Context,
    skills: tuple[str, ...],
    claims_dir: Path,
    probes_dir: Path,
    *,
    fixes: bool,
    as_json: bool,
) -> None:
    """Check the claim files and probes of SKILLS (all without any).

    --fix orders the keys of each claim and sets empty lines and blanks; comments stay with what
    they stand above, and what a file says is the same before and after.
    """
    refuse_unknown(claims_dir, skills)
    for path in fix(claims_dir, skills) if fixes else ():
        say(f"{path}: put into the one layout")
    linted = lint_skills(claims_dir, probes_dir, skills, project().sources)
    if not linted.problems:
        refuse_none(linted.skills, claims_dir)
    if as_json:
        print_json([msgspec.to_builtins(one, enc_hook=str) for one in linted.problems])
    else:
        print_lines(str(problem) for problem in linted.problems)
        claims = sum(len(skill.claims) for skill in linted.skills)
        echo(
            f"{len(linted.skills)} skills, {claims} claims: {linted.errors} errors,"
            f" {len(linted.problems) - linted.errors} warnings"
        )
        if workflow_commands.wanted():
            print_lines(workflow_commands.of_problems(linted.problems))
    if linted.errors:
        context.exit(ExitCode.BAD_INPUT)
