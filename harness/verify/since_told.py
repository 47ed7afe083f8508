"""What a search for changes says: each release as it answers, and what all of it comes to.

Knows: the search, and the words that reports have for it. Must not know: options, how anything is
printed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from harness.errors import ExitCode, InputError, RuntimeMissingError
from harness.judge.since import ClaimAnswer
from harness.report.terminal import since as text
from harness.report.terminal.since import Found, Step
from harness.run import versions
from harness.run.answers import Kind
from harness.verify.bisection import Asked, Change, Search
from harness.verify.since import AnyAnswer, ExpressionAnswer, Place, Row, said_differences

ENDS = 2
"""So few releases are no row."""


@dataclass(slots=True)
class Steps:
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
class Told:
    """Hold what a search came to, in the order of versions."""

    steps: tuple[Step, ...]
    changes: tuple[Found, ...]
    unasked: tuple[str, ...]
    answers: tuple[ClaimAnswer, ...]

    @property
    def exit_code(self) -> ExitCode:
        """Return 0 where changes were found, or nothing is left that could hide one."""
        unsure = bool(self.unasked) or any(step.answer is None for step in self.steps)
        return ExitCode.INCONCLUSIVE if unsure and not self.changes else ExitCode.CONFIRMED

    @classmethod
    def of(
        cls, row: Row, search: Search[AnyAnswer], changes: tuple[Change, ...], steps: Steps
    ) -> Told:
        """Put together what a search knows once its changes are found."""
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


def refuse_silence(row: Row, search: Search[AnyAnswer], *, strict: bool) -> None:
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
    too_few = len(search.asked) - len(gone) < ENDS
    if too_few or (strict and silent):
        what = "too few releases answer" if too_few else "a release does not answer"
        raise RuntimeMissingError(
            f"{what}:\n  " + "\n  ".join(silent), hint="beamproof otp list shows what can be had"
        )
