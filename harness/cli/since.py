"""`beamproof since`: between which releases an answer changes.

Knows: its options, exit codes. Must not know: how releases are searched, asked or written.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import click

from harness.authoring.expressions import is_text
from harness.claims.folder import load_skills
from harness.claims.model import Claim
from harness.cli import names
from harness.cli.examples import examples
from harness.cli.options import claims_option, json_option, probes_option
from harness.cli.runtime import runtime_options
from harness.cli.show import find_claim
from harness.collect import workshop as workshop_
from harness.collect.workshop import Workshop
from harness.errors import InputError, NothingSelectedError
from harness.folders import cache_dir
from harness.judge.since import ClaimAnswer
from harness.report.phrases import plural
from harness.report.terminal import since as text
from harness.runtimes.choices import Choice, choices
from harness.runtimes.request import RuntimeRequest
from harness.system.streams import echo, print_json, print_lines, say
from harness.verify import since_write
from harness.verify.since import ClaimQuestion, ExpressionQuestion, Question, Row
from harness.verify.since_told import ENDS, Steps, Told, refuse_silence

_CLAIM = re.compile(r"[a-z][a-z0-9-]*(/[a-z][a-z0-9-]*)?(@.*)?")
"""What names a claim; anything else is an expression, and so is a word with a full stop."""


@click.command(
    "since",
    short_help="Find between which releases an answer changes.",
    epilog=examples(
        "beamproof since beam-ets-internals/zero-keys --otp 23-29",
        "beamproof since '0.0 =:= -0.0' --otp 23-29",
        "beamproof since beam-memory-management/refc-threshold --otp '27.*' --images images.txt",
        "beamproof since beam-ets-internals/zero-keys --otp 25,27 --write when",
    ),
)
@click.argument("what", metavar="SKILL/CLAIM|EXPRESSION", type=names.CLAIM)
@runtime_options
@click.option("--all", "every", is_flag=True, help="Ask every release, also between equal answers.")
@click.option(
    "--repeat", type=click.IntRange(1, 100), default=3, show_default=True,
    help="Answers a release; three times as many where they differ.",
)  # fmt: skip
@click.option(
    "--timeout", type=click.FloatRange(0.1), default=10.0, metavar="S", show_default=True,
    help="Seconds for an expression; a claim has its own.",
)  # fmt: skip
@click.option(
    "--write", type=click.Choice(["otp", "when"]),
    help="Write the claim's range, or tables of what is otherwise, into its file.",
)  # fmt: skip
@json_option
@claims_option
@probes_option
@click.pass_context
def since(context: click.Context, /, **given: Any) -> None:
    """Find between which releases the answer of a claim, or of an expression, changes.

    By default every patch release that is here is chosen from, and releases of 24-27 that can be
    fetched. The ends are asked first, then the middle of whatever differs. Answers that differ by
    pids, references, addresses or timings alone are equal.

    Exit code 0: changes were found, or every release was asked and all answer alike; 2: the ends
    answer alike and not all were asked, or an answer comes and goes.
    """
    if not is_text(given["what"]):
        raise InputError("the expression is not UTF-8")
    if not given["what"].strip(" \n\t."):
        raise InputError("there is no expression to evaluate", hint="beamproof since '1 + 1'")
    claim = _claim(given)
    if claim is None and given["write"]:
        raise click.UsageError("--write is for claims: an expression has no file to write to")
    request = RuntimeRequest.of(given)
    there = _choices(request)
    workshop = workshop_.workshop_for(workshop_.new_run_id(), given["probes_dir"], cache_dir())
    steps = Steps(show=say if given["as_json"] else echo)
    row = Row(
        choices=there,
        question=_question(claim, given, workshop),
        workshop=workshop,
        options=request.options(),
        progress=say,
        on_step=steps.add,
    )
    steps.show(f"{len(there)} to choose from: {', '.join(one.version for one in there)}")
    search = row.search(every=given["every"])
    changes = search.changes()
    refuse_silence(row, search, strict=request.is_strict)
    told = Told.of(row, search, changes, steps)
    _print(told, given["what"] if claim is None else claim.name, as_json=given["as_json"])
    if claim is not None and given["write"]:
        _write(claim, told.answers, given["write"])
    context.exit(told.exit_code)


def _choices(request: RuntimeRequest) -> tuple[Choice, ...]:
    """Return what there is to choose from.

    Raises:
        NothingSelectedError: fewer than two.
    """
    asked = request.wanted if request.otp is not None else None
    there = choices(asked, way=request.way, options=request.options(), progress=say)
    if len(there) < ENDS:
        known = f" ({there[0].version})" if there else ""
        raise NothingSelectedError(
            f"there is nothing to search: {plural(len(there), 'release')}{known} to choose from",
            hint="name more with --otp 23-29; beamproof otp list --patches shows what is here",
        )
    return there


def _question(claim: Claim | None, given: dict[str, Any], workshop: Workshop) -> Question:
    if claim is not None:
        return ClaimQuestion(claim=claim, workshop=workshop, times=given["repeat"])
    return ExpressionQuestion(
        text=given["what"].strip().rstrip("."),
        workshop=workshop,
        times=given["repeat"],
        timeout_s=given["timeout"],
    )


def _print(told: Told, about: str, *, as_json: bool) -> None:
    if as_json:
        print_json(text.since_json(about, told.steps, told.changes, told.unasked))
        return
    print_lines(text.change_lines(told.changes))
    print_lines(text.end_lines(told.steps, told.changes, told.unasked))


def _claim(given: dict[str, Any]) -> Claim | None:
    """Return the claim that is meant, None for an expression."""
    if not _CLAIM.fullmatch(given["what"]):
        return None
    try:
        return find_claim(load_skills(given["claims_dir"]), given["what"])
    except InputError as error:
        if "/" in given["what"]:
            raise
        hint = f"an expression ends in a full stop: beamproof since '{given['what']}.'"
        raise InputError(error.message, hint=hint) from error


def _write(claim: Claim, answers: tuple[ClaimAnswer, ...], what: str) -> None:
    writing = since_write.write_range if what == "otp" else since_write.write_whens
    written = writing(claim, answers)
    for line in written.what:
        say(f"{_shown(written.path)}: {claim.id}: {line}")
    for line in written.left:
        say(f"! as it stands now, on {line}")
    if what == "when":
        say("each why is a TODO: until it says what moved, the claim is not confirmed")


def _shown(path: Path) -> str:
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)
