"""`beamproof export`.

Knows: options, files. Must not know: how questions are made, what a format holds.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import click

from harness.authoring.expressions import is_text
from harness.cli import names
from harness.cli.examples import examples
from harness.cli.options import claims_option, runs_option
from harness.cli.stored import claims_and_hashes, emit, output_option
from harness.errors import ExitCode, InputError, NothingSelectedError
from harness.judge.view import RunView, view
from harness.report.export.formats import Format, folder, jsonl
from harness.report.export.questions import HELDOUT, Question, candidates, questions
from harness.report.output import refuse_foreign, write_site
from harness.run.latest import run_meant
from harness.system.streams import say


@click.command(
    "export",
    short_help="Write what is proven as questions for evaluations.",
    epilog=examples(
        "beamproof export --format jsonl > questions.jsonl",
        "beamproof export latest --format inspect -o evaluation",
        "beamproof export runs/night.jsonl --format lm-eval --seed 2 -o evaluation",
    ),
)
@click.argument("run", required=False, type=names.RUN)
@click.option("--format", "form", required=True, type=click.Choice([one.value for one in Format]))
@click.option("--seed", default="1", show_default=True, help="Decides the choices and their order.")
@output_option
@claims_option
@runs_option
def export(  # noqa: PLR0913, PLR0917 (one parameter an option)
    run: str | None, form: str, seed: str, output: Path | None, claims_dir: Path, runs_dir: Path
) -> int:
    """Write what RUN confirms as questions: a true statement among wrong beliefs.

    RUN is a file, a run's name, or `latest` (the default): what was observed last of each cell.
    Each question has the releases, the evidence and the sources with it. Neither length, position
    nor hedging words tell the answer: claims for which that cannot be had are left out, with their
    number. One question in four is held out, by a hash of its claim.
    """
    wanted = Format(form)
    if not is_text(seed):
        raise InputError("--seed is not UTF-8")
    if wanted is not Format.JSONL and output is None:
        raise InputError(f"--format {form} writes several files", hint="name a folder: -o DIR")
    skills, hashes = claims_and_hashes(claims_dir)
    judged = view(run_meant(run, runs_dir), skills, claims_sha256=hashes)
    made = questions(judged, seed)
    if not made:
        raise NothingSelectedError(
            f"{judged.run.path} gives no question: {_left_out(judged, made)}",
            hint="beamproof verify runs claims; questions need several of a skill",
        )
    _write(wanted, made, output)
    parts = Counter(one.split for one in made)
    say(f"{len(made)} questions, {parts[HELDOUT]} of them held out; {_left_out(judged, made)}")
    return ExitCode.CONFIRMED


def _write(form: Format, made: Sequence[Question], output: Path | None) -> None:
    if form is Format.JSONL or output is None:
        emit(jsonl(made), output)
        return
    files = list(folder(form, made))
    refuse_foreign(output, (name for name, _ in files))
    write_site(output, files)


def _left_out(judged: RunView, made: Sequence[Question]) -> str:
    proven = sum(1 for _ in candidates(judged))
    every = sum(len(skill.claims) for skill in judged.skills)
    return (
        f"left out are {every - proven} claims that are not confirmed and"
        f" {proven - len(made)} whose answer length or wording would give away"
    )
