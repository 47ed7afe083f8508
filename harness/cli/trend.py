"""`beamproof trend`.

Knows: options, files. Must not know: how a history is read.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase
from pathlib import Path

import click

from harness.cli import names
from harness.cli.examples import examples
from harness.cli.options import claims_option, json_option, runs_option
from harness.cli.stored import claims_and_hashes, readable_runs
from harness.errors import ExitCode, InputError
from harness.judge.finding import Verdict
from harness.judge.trend import in_order, trends
from harness.judge.view import RunView, view
from harness.report.terminal.history import trend_json, trend_text
from harness.system.streams import echo, print_json


@click.command(
    short_help="Show verdicts and key figures over all runs.",
    epilog=examples("beamproof trend --claim 'refc-*'"),
)
@click.argument("folder", metavar="[DIR]", required=False, type=click.Path(path_type=Path))
@click.option(
    "--claim",
    "patterns",
    multiple=True,
    type=names.CLAIM,
    metavar="GLOB",
    help="Only these claims.",
)
@click.option("--all", "everything", is_flag=True, help="Also claims that never changed.")
@json_option
@claims_option
@runs_option
def trend(  # noqa: PLR0913 (one parameter an option)
    folder: Path | None, patterns: Sequence[str], *, everything: bool, as_json: bool,
    claims_dir: Path, runs_dir: Path,
) -> int:  # fmt: skip
    """Show verdicts and key figures of claims over all runs in DIR (the folder of stored runs).

    Without --claim and --all: claims whose verdict changed, or that the newest run does not
    confirm. `beamproof report DIR -o SITE` shows the same on a site.
    """
    folder = folder or runs_dir
    skills, hashes = claims_and_hashes(claims_dir)
    views = in_order(view(run, skills, claims_sha256=hashes) for run in readable_runs(folder))
    chosen = [
        one
        for name, one in trends(views).items()
        if (not patterns or _matches(name, patterns))
        and (patterns or everything or one.verdict_changes or not _all_well(views[-1], name))
    ]
    if patterns and not chosen:
        raise InputError(f"no run in {folder} has a claim like {', '.join(patterns)}")
    if as_json:
        print_json([trend_json(one) for one in chosen])
        return ExitCode.CONFIRMED
    echo(trend_text(chosen, [view.run.header.started for view in views]).removesuffix("\n"))
    if not chosen:
        echo("every claim kept its verdict, and the newest run confirms all (--all: each)")
    return ExitCode.CONFIRMED


def _matches(name: str, patterns: Iterable[str]) -> bool:
    names = (name, name.partition("/")[2])
    return any(fnmatchcase(one, pattern) for one in names for pattern in patterns)


def _all_well(newest: RunView, name: str) -> bool:
    return all(
        finding.verdict in {Verdict.CONFIRMED, Verdict.SKIPPED}
        for finding in newest.findings
        if finding.claim.name == name
    )
