"""`beamproof corrections`.

Knows: its options, files. Must not know: how a document is read, what the page says.
"""

from __future__ import annotations

from pathlib import Path

import click

from harness.authoring.answers import answered
from harness.authoring.page import read_text
from harness.cli import names
from harness.cli.examples import examples
from harness.cli.options import claims_option, runs_option
from harness.cli.stored import claims_and_hashes, emit
from harness.errors import ExitCode
from harness.judge.view import view
from harness.report.corrections import corrections as corrections_of
from harness.report.corrections import render_corrections
from harness.run.latest import run_meant
from harness.system.streams import say


@click.command(
    short_help="Show what a run refutes or narrows in a document.",
    epilog=examples(
        "beamproof corrections claims/research.md",
        "beamproof corrections claims/research.md --run runs/night.jsonl -o docs/corrections.md",
    ),
)
@click.argument("document", type=click.Path(path_type=Path))
@click.option(
    "--run", "run", type=names.RUN, metavar="RUN", help="A file or a run's name [default: latest]."
)
@click.option(
    "--output", "-o", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
    help="File to write [default: standard output].",
)  # fmt: skip
@claims_option
@runs_option
def corrections(
    document: Path, run: str | None, output: Path | None, claims_dir: Path, runs_dir: Path
) -> int:
    """Show which statements of DOCUMENT are refuted or imprecise, as Markdown for its maintainer.

    The claims say which of its words they prove, narrow or correct; RUN says which of the claims
    hold, and with what evidence.
    """
    text = read_text(document)
    skills, hashes = claims_and_hashes(claims_dir)
    sentences = answered(text, skills)
    judged = view(run_meant(run, runs_dir), skills, claims_sha256=hashes)
    found = corrections_of(document.name, sentences, judged)
    emit(render_corrections(found).encode("utf-8", "replace"), output)
    if found.open:
        left_out = ", ".join(claim.name for claim in found.open)
        say(f"! the run does not confirm, and leaves out: {left_out}")
    return ExitCode.CONFIRMED
