"""`beamproof compare`.

Knows: options, files. Must not know: how runs are compared.
"""

from __future__ import annotations

from pathlib import Path

import click

from harness.cli import names
from harness.cli.examples import examples
from harness.cli.options import claims_option, runs_option
from harness.cli.stored import claims_and_hashes, emit
from harness.errors import ExitCode
from harness.judge.compare import compare as compared
from harness.judge.view import view
from harness.report.markdown import render_comparison
from harness.report.terminal.history import comparison_text
from harness.report.to_json import render_json
from harness.run.latest import run_meant


@click.command(
    short_help="Say what changed from one run to another.",
    epilog=examples(
        "beamproof compare yesterday.jsonl today.jsonl",
        "beamproof compare yesterday.jsonl --common --format markdown",
    ),
)
@click.argument("old", type=names.RUN)
@click.argument("new", required=False, type=names.RUN)
@click.option(
    "--format", "form", default="text", show_default=True,
    type=click.Choice(["text", "json", "markdown"]),
)  # fmt: skip
@click.option("--common", is_flag=True, help="Only the cells that both runs have.")
@click.option(
    "--output",
    "-o",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="File to write [default: standard output].",
)
@claims_option
@runs_option
def compare(  # noqa: PLR0913, PLR0917 (one parameter an option)
    old: str, new: str | None, form: str, output: Path | None, claims_dir: Path, runs_dir: Path,
    *, common: bool,
) -> int:  # fmt: skip
    """Say what changed from run OLD to NEW; exit 1 when something got worse.

    Without NEW: what was observed last of each cell.

    Worse is a verdict that fell, a new cell that is not confirmed, and what was confirmed and is
    not observed any more; with --common, only the first.
    """
    skills, hashes = claims_and_hashes(claims_dir)
    before, now = (
        view(run_meant(one, runs_dir), skills, claims_sha256=hashes) for one in (old, new)
    )
    comparison = compared(before, now, common_only=common)
    if form == "json":
        content = render_json(comparison)
    elif form == "markdown":
        content = render_comparison(comparison).encode("utf-8", "replace")
    else:
        content = comparison_text(comparison).encode("utf-8", "replace")
    emit(content, output)
    return ExitCode.REFUTED if comparison.worse else ExitCode.CONFIRMED
