"""`beamproof new`.

Knows: its options, what to ask for. Must not know: what is written.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from harness.authoring.draft import SOURCE, STATEMENT, Draft, Rival, prediction
from harness.authoring.scaffold import scaffold
from harness.cli import names
from harness.cli.begun import begun_lines
from harness.cli.examples import examples
from harness.cli.options import claims_option, probes_option
from harness.errors import InputError
from harness.folders import new_folders
from harness.system.streams import print_lines, say

Check = Callable[[str], object]
"""Raise InputError on what is no answer."""


@click.command(
    "new",
    short_help="Begin a new claim with its probe.",
    epilog=examples(
        "beamproof new beam-memory-management/my-claim",
        "beamproof new our-vm/word-size --statement 'A word has 8 bytes.'"
        " --expect word_bytes=8 --rival 'A word has 4 bytes.' word_bytes=4",
    ),
)
@click.argument("name", metavar="SKILL/CLAIM", type=names.CLAIM)
@click.option("--statement", metavar="TEXT", help="The sentence that is claimed.")
@click.option("--source", "sources", multiple=True, metavar="URL", help="What says so.")
@click.option(
    "--expect", multiple=True, metavar="KEY=VALUE", help="What the probe will find [repeatable]."
)
@click.option(
    "--rival",
    "rivals",
    type=(str, str),
    multiple=True,
    metavar="TEXT KEY=VALUE",
    help="A wrong belief, and what it predicts [repeatable].",
)
@click.option("--range", "otp", default="", metavar="RANGE", help="Releases: '>=26'.")
@click.option("--probe", default="", metavar="NAME", help="Its probe; one that is there is called.")
@click.option("--ask/--no-ask", default=None, help="Ask for it [default: on a terminal].")
@claims_option
@probes_option
def new(name: str, claims_dir: Path, probes_dir: Path, **given: Any) -> None:
    """Begin a new claim with its probe: both compile and run, and decide nothing until filled in.

    Without an option it asks on a terminal; what nobody says is left as TODO.
    """
    claims_dir, probes_dir = new_folders(claims_dir, probes_dir)
    said = any(given[one] for one in ("statement", "sources", "expect", "rivals", "otp", "probe"))
    terminal = sys.stdin.isatty() and sys.stdout.isatty()
    asks = (terminal and not said) if given["ask"] is None else given["ask"]
    if asks:
        _ask(given)
    files = scaffold(name, claims_dir, probes_dir, _draft(given))
    print_lines(begun_lines(name, files, claims_dir, probes_dir))


def _draft(given: dict[str, Any]) -> Draft:
    """Return what the options say; what they do not says TODO.

    Raises:
        InputError: a prediction is none.
    """
    said = list(map(prediction, given["expect"]))
    expect = dict(said)
    if len(expect) < len(said):
        raise InputError(f"--expect predicts a key twice: {', '.join(key for key, _ in said)}")
    rivals = [
        Rival(statement=text, expect=dict((prediction(one),))) for text, one in given["rivals"]
    ]
    return Draft(
        statement=given["statement"] or STATEMENT,
        sources=given["sources"] or (SOURCE,),
        expect=expect or {"found_count": 1},
        rivals=rivals,
        otp=given["otp"],
        probe=given["probe"],
    )


def _ask(given: dict[str, Any]) -> None:
    """Ask for what no option says."""
    say("An empty answer is left as TODO.")
    given["statement"] = given["statement"] or _answer("Statement: one true sentence")
    given["sources"] = given["sources"] or _several("Source (URL)")
    given["expect"] = given["expect"] or _several("The probe finds (KEY=VALUE)", prediction)
    if not given["rivals"] and (rival := _answer("Rival: the wrong belief")):
        predicted = _answer("The rival predicts (KEY=VALUE)", prediction)
        given["rivals"] = ((rival, predicted),) if predicted else ()


def _several(question: str, check: Check | None = None) -> tuple[str, ...]:
    answer = _answer(question, check)
    return (answer,) if answer else ()


def _answer(question: str, check: Check | None = None) -> str:
    """Ask until the answer is one."""
    while True:
        answer: str = click.prompt(question, default="", show_default=False, err=True).strip()
        try:
            if answer and check is not None:
                check(answer)
        except InputError as error:
            say(str(error))
        else:
            return answer
