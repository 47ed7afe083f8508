"""`beamproof prove --suggest --ask`: a person says of each suggestion whether it is one.

Knows: questions at a terminal, documents as files. Must not know: how suggestions are made.
"""

from __future__ import annotations

from collections.abc import Sequence

import click

from harness.authoring.insertion import with_marks
from harness.authoring.marks import write_mark
from harness.authoring.page import Page, Sentence
from harness.documents.remark import Level, Remark
from harness.errors import InputError
from harness.report.output import write_file
from harness.report.phrases import plural
from harness.system.streams import echo, say


def ask(pages: Sequence[Page], found: Sequence[Remark]) -> None:
    """Show each suggestion, ask whether to write its mark, and write those that were accepted.

    A warning is only shown: a sentence that is like a refuted belief is for its author to mend.
    What was accepted before an interruption is written as well.

    Raises:
        InputError: a document changed since it was read.
        StorageError: a document cannot be written.
    """
    accepted: list[Remark] = []
    try:
        for one in found:
            echo(f"{one.path}:{one.line}: {one.level}: {one.sentence}")
            echo(f"  {one.message}")
            if one.level is Level.NOTE and click.confirm("  write the mark?", default=False):
                accepted.append(one)
    finally:
        for page in pages:
            own = [one for one in accepted if one.path == page.path]
            if own:
                _write(page, own)


def _write(page: Page, accepted: Sequence[Remark]) -> None:
    places = {(one.line, one.text): one for one in page.sentences}
    wanted: list[tuple[Sentence, str]] = [
        (places[one.line, one.sentence], write_mark([one.claim]))
        for one in accepted
        if one.sentence is not None and one.claim is not None
    ]
    text, unplaced = with_marks(page.path.read_bytes().decode(), wanted)
    if unplaced:
        raise InputError(
            f"{page.path}:{unplaced[0].end_line}: the document changed since it was read:"
            " nothing was written",
            hint=f"beamproof prove --suggest --ask {page.path}",
        )
    write_file(page.path, text.encode())
    say(
        f"{page.path}: {plural(len(wanted), 'mark')} written; prove it: beamproof prove {page.path}"
    )
