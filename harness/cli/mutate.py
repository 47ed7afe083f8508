"""`beamproof mutate`.

Knows: its options, exit codes. Must not know: how predictions are changed.
"""

from __future__ import annotations

from typing import Any

import click
import msgspec

from harness.claims.folder import load_skills
from harness.cli import names
from harness.cli.examples import examples
from harness.cli.options import claims_option, json_option, runs_option
from harness.errors import ExitCode, NothingSelectedError
from harness.judge.mutate import mutate as mutate_skill
from harness.report.terminal import claims
from harness.run.latest import run_meant
from harness.system.streams import print_json, print_lines


@click.command(
    "mutate",
    short_help="Change predictions: stored evidence must refute each.",
    epilog=examples("beamproof mutate beam-memory-management"),
)
@click.argument("skills", nargs=-1, type=names.SKILL, metavar="[SKILL]...")
@click.option(
    "--run",
    type=names.RUN,
    metavar="RUN",
    help="The stored run [default: the newest of each cell].",
)
@json_option
@claims_option
@runs_option
@click.pass_context
def mutate(context: click.Context, /, **given: Any) -> None:
    """Change the predictions of SKILL one at a time: stored evidence must refute each change."""
    stored = run_meant(given["run"], given["runs_dir"])
    known = {cell.skill for cell in stored.by_cell}
    skills = load_skills(given["claims_dir"], given["skills"] or sorted(known))
    reports = {skill.name: mutate_skill(skill, stored) for skill in skills}
    if given["as_json"]:
        print_json(msgspec.to_builtins(reports))
    else:
        print_lines(
            line for name, one in reports.items() for line in claims.mutation_lines(name, one)
        )
    if not any(report.tried for report in reports.values()):
        raise NothingSelectedError(f"{stored.path} has no confirmed cell of {', '.join(reports)}")
    if any(report.survivors for report in reports.values()):
        context.exit(ExitCode.REFUTED)
    if any(report.untested for report in reports.values()):
        context.exit(ExitCode.INCONCLUSIVE)
