"""`beamproof judge`.

Knows: its options, exit codes. Must not know: how a verdict is reached.
"""

from __future__ import annotations

from pathlib import Path

import click
from rich.console import Console

from harness.claims.folder import load_skills
from harness.cli.options import claims_option, json_option, runs_option
from harness.judge.exit import exit_code
from harness.judge.finding import Judgement
from harness.judge.judge import judge_run
from harness.report.terminal.findings import render_findings
from harness.report.to_json import finding_report
from harness.run.latest import run_meant
from harness.run.model import Run
from harness.system.streams import print_json, say


@click.command("judge")
@click.argument("run", required=False)
@json_option
@claims_option
@runs_option
@click.pass_context
def judge(
    context: click.Context, run: str | None, claims_dir: Path, runs_dir: Path, *, as_json: bool
) -> None:
    """Judge a stored RUN by the claims as they are.

    RUN is a file, a run's name, or `latest` (the default): what was observed last of each cell.
    """
    stored = run_meant(run, runs_dir)
    judgement = judge_run(stored, load_skills(claims_dir))
    if as_json:
        findings = [finding_report(finding) for finding in judgement.findings]
        print_json({"run": str(stored.path), "findings": findings, "unknown": judgement.unknown})
    else:
        _render(judgement, stored)
    _warn(stored, judgement)
    context.exit(exit_code(judgement.findings))


def _render(judgement: Judgement, run: Run) -> None:
    console = Console(highlight=False)
    render_findings(judgement.findings, run, console=console)


def _warn(run: Run, judgement: Judgement) -> None:
    if not run.complete:
        say(f"{run.path} is half a run: it was never closed as complete")
    for cell in judgement.unknown:
        say(f"{cell} was not judged: there is no such claim any more")
