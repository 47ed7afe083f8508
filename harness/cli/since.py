"""`beamproof since`: between which releases an answer changes.

Knows: its options, exit codes. Must not know: how releases are searched, asked or written.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click

from harness.claims.folder import load_skills
from harness.claims.model import Claim
from harness.cli import names
from harness.cli.examples import examples
from harness.cli.options import claims_option, json_option, probes_option
from harness.cli.runtime import runtime_options
from harness.cli.show import find_claim
from harness.collect import workshop as workshop_
from harness.errors import ExitCode, InputError, NothingSelectedError, RuntimeMissingError
from harness.folders import cache_dir
from harness.judge.since import ClaimAnswer
from harness.report.phrases import plural
from harness.report.terminal import since as text
from harness.report.terminal.since import Found, Step
from harness.run import versions
from harness.run.answers import Kind
from harness.runtimes.choices import choices
from harness.runtimes.request import RuntimeRequest
from harness.system.streams import echo, print_json, print_lines, say
from harness.verify import since_write
from harness.verify.bisection import Asked, Change, Search
from harness.verify.since import (
    AnyAnswer,
    ClaimQuestion,
    ExpressionAnswer,
    ExpressionQuestion,
    Place,
    Row,
    said_differences,
)

_ENDS = 2

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
    request = RuntimeRequest.of(given)
    if not given["what"].strip(" \n\t."):
        raise InputError("there is no expression to evaluate", hint="beamproof since '1 + 1'")
    claim = _claim(given)
    if claim is None and given["write"]:
        raise click.UsageError("--write is for claims: an expression has no file to write to")
    workshop = workshop_.workshop_for(workshop_.new_run_id(), given["probes_dir"], cache_dir())
    asked = request.wanted if request.otp is not None else None
    there = choices(asked, way=request.way, options=request.options(), progress=say)
    if len(there) < _ENDS:
        known = f" ({there[0].version})" if there else ""
        raise NothingSelectedError(
            f"there is nothing to search: {plural(len(there), 'release')}{known} to choose from",
            hint="name more with --otp 23-29; beamproof otp list --patches shows what is here",
        )
    question = (
        ExpressionQuestion(
            text=given["what"].strip().rstrip("."),
            workshop=workshop,
            times=given["repeat"],
            timeout_s=given["timeout"],
        )
        if claim is None
        else ClaimQuestion(claim=claim, workshop=workshop, times=given["repeat"])
    )
    steps = _Steps(show=say if given["as_json"] else echo)
    row = Row(
        choices=there,
        question=question,
        workshop=workshop,
        options=request.options(),
        progress=say,
        on_step=steps.add,
    )
    steps.show(f"{len(there)} to choose from: {', '.join(one.version for one in there)}")
    search = row.search(every=given["every"])
    changes = search.changes()
    _refuse_silence(row, search, strict=request.is_strict)
    told = _Told.of(row, search, changes, steps)
    about = given["what"] if claim is None else claim.name
    if given["as_json"]:
        print_json(text.since_json(about, told.steps, told.changes, told.unasked))
    else:
        print_lines(text.change_lines(told.changes))
        print_lines(text.end_lines(told.steps, told.changes, told.unasked))
    if claim is not None and given["write"]:
        _write(claim, told.answers, given["write"])
    unsure = bool(told.unasked) or any(step.answer is None for step in told.steps)
    context.exit(ExitCode.CONFIRMED if told.changes or not unsure else ExitCode.INCONCLUSIVE)


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


@dataclass(slots=True)
class _Steps:
    """Show each step as it comes, its answer by a letter."""

    show: Callable[[str], None]
    met: list[AnyAnswer] = field(default_factory=list)
    shown: set[str] = field(default_factory=set)

    def add(self, place: Place, asked: Asked[AnyAnswer]) -> None:
        """Show a release that has answered, once more where it was asked a second time."""
        again = "  (asked a second time)" if place.version in self.shown else ""
        self.shown.add(place.version)
        self.show(text.step_line(self.step(place, asked)) + again)

    def step(self, place: Place, asked: Asked[AnyAnswer]) -> Step:
        """Return what one release came to."""
        return Step(
            version=place.version,
            way=place.way,
            origin=place.origin,
            answer=self._number(asked.answer),
            said=asked.reason if asked.answer is None else asked.answer.said,
            times=asked.times,
            agreed=asked.agreed,
        )

    def _number(self, answer: AnyAnswer | None) -> int | None:
        if answer is None:
            return None
        for number, one in enumerate(self.met):
            if one.same(answer):
                return number
        self.met.append(answer)
        return len(self.met) - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class _Told:
    """Hold what a search came to, in the order of versions."""

    steps: tuple[Step, ...]
    changes: tuple[Found, ...]
    unasked: tuple[str, ...]
    answers: tuple[ClaimAnswer, ...]

    @classmethod
    def of(
        cls, row: Row, search: Search[AnyAnswer], changes: tuple[Change, ...], steps: _Steps
    ) -> _Told:
        asked = sorted(search.asked)
        answers = [search.asked[at].answer for at in asked]
        return cls(
            steps=tuple(steps.step(row.place(at), search.asked[at]) for at in asked),
            changes=tuple(_found(row, search, change) for change in changes),
            unasked=tuple(row.place(at).version for at in search.unasked()),
            answers=tuple(one for one in answers if isinstance(one, ClaimAnswer)),
        )


def _found(row: Row, search: Search[AnyAnswer], change: Change) -> Found:
    last, first = (search.asked[at].answer for at in (change.last, change.first))
    assert last is not None  # noqa: S101 - a change lies between answers
    assert first is not None  # noqa: S101
    places = [row.place(at).version for at in (change.last, change.first)]
    old, new = (versions.key(version)[0][0] for version in places)
    silent = tuple(row.place(at).version for at in range(change.last + 1, change.first))
    tried = {versions.key(version)[0][0] for version in silent}
    return Found(
        last=places[0],
        first=places[1],
        differs=said_differences(last, first),
        silent=silent,
        absent=tuple(release for release in range(old + 1, new) if release not in tried),
    )


def _refuse_silence(row: Row, search: Search[AnyAnswer], *, strict: bool) -> None:
    """Refuse a search that too few answered, or that none could understand.

    Raises:
        RuntimeMissingError: names each that did not answer.
        InputError: the expression is none on any release.
    """
    answers = [search.asked[at].answer for at in search.answered()]
    refused = [
        one
        for one in answers
        if isinstance(one, ExpressionAnswer) and one.answered.kind is Kind.REFUSED
    ]
    if refused and len(refused) == len(answers):
        raise InputError(f"no release can evaluate that: {refused[0].said}")
    gone = [(at, one) for at, one in sorted(search.asked.items()) if not one.times]
    silent = [f"{row.place(at).version}: {one.reason}" for at, one in gone]
    too_few = len(search.asked) - len(gone) < _ENDS
    if too_few or (strict and silent):
        what = "too few releases answer" if too_few else "a release does not answer"
        raise RuntimeMissingError(
            f"{what}:\n  " + "\n  ".join(silent), hint="beamproof otp list shows what can be had"
        )


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
