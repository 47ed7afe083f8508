"""`beamproof judge`.

Knows: its options, exit codes. Must not know: how a verdict is reached.
"""

from __future__ import annotations

from typing import Any

import click
from rich.console import Console

from harness.claims.folder import load_skills
from harness.cli import names
from harness.cli.examples import examples
from harness.cli.options import (
    claims_option,
    json_option,
    runs_option,
    verbosity_of,
    verbosity_options,
)
from harness.judge.exit import exit_code
from harness.judge.finding import Judgement
from harness.judge.judge import judge_run
from harness.report.terminal.afterwards import duration_lines
from harness.report.terminal.findings import render_findings
from harness.report.to_json import finding_report
from harness.run.latest import run_meant
from harness.run.model import Run
from harness.system.streams import print_json, print_lines, say


@click.command(
    "judge",
    epilog=examples(
        "beamproof judge latest", "beamproof judge .beamproof/nightly/night.jsonl --json"
    ),
)
@click.argument("run", required=False, type=names.RUN)
@json_option
@verbosity_options
@claims_option
@runs_option
@click.pass_context
def judge(context: click.Context, /, **given: Any) -> None:
    """Judge a stored RUN by the claims as they are.

    RUN is a file, a run's name, or `latest` (the default): what was observed last of each cell.
    """
    verbosity = verbosity_of(given)
    stored = run_meant(given["run"], given["runs_dir"])
    judgement = judge_run(stored, load_skills(given["claims_dir"]))
    if given["as_json"]:
        findings = [finding_report(finding) for finding in judgement.findings]
        print_json({"run": str(stored.path), "findings": findings, "unknown": judgement.unknown})
    else:
        console = Console(highlight=False)
        render_findings(judgement.findings, stored, console=console, verbosity=verbosity)
        print_lines(duration_lines(stored, given["durations"]))
    _warn(stored, judgement)
    context.exit(exit_code(judgement.findings))


def _warn(run: Run, judgement: Judgement) -> None:
    if not run.complete:
        say(f"{run.path} is half a run: it was never closed as complete")
    for cell in judgement.unknown:
        say(f"{cell} was not judged: there is no such claim any more")
