"""`beamproof since`: one VM after the other is asked, to find where its answer changes.

Knows: choices, VMs, what claims and expressions answer. Must not know: options as they are typed,
how anything is shown or written.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import chain
from typing import Protocol

from harness.claims.model import Claim
from harness.collect.elsewhere import Compilers
from harness.collect.evaluation import Evaluator
from harness.collect.lane import Lane
from harness.collect.node import Node
from harness.collect.releases import Releases
from harness.collect.workshop import Workshop
from harness.errors import BeamproofError, InputError
from harness.judge.judge import enough
from harness.judge.since import ClaimAnswer, answer_of, bare, differences
from harness.run.answers import Answered, Kind, changing, grouped, same
from harness.run.cells import Cell, CellId, Need
from harness.run.work import shared
from harness.runtimes import Runtime, RuntimeOptions
from harness.runtimes.choices import Choice
from harness.runtimes.way import Progress
from harness.verify.bisection import Asked, Search, settled
from harness.verify.plan import why_left_out


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpressionAnswer:
    """Hold what an expression gave; `positions` are numbers of it that change by themselves."""

    answered: Answered
    positions: frozenset[int] = frozenset()

    def same(self, other: object, /) -> bool:
        """Tell whether another release gave the same, but for what passes."""
        if not isinstance(other, ExpressionAnswer):
            return False
        both = {"one": self.answered, "other": other.answered}
        return len(grouped(both, self.positions | other.positions)) == 1

    @property
    def said(self) -> str:
        """Return the answer in one line, and whether its numbers tell nothing."""
        answer = self.answered
        moves = ", with numbers that change by themselves" if self.positions else ""
        said = {
            Kind.VALUE: answer.text,
            Kind.RAISED: f"{answer.error_class}: {answer.text}",
            Kind.REFUSED: "; ".join(answer.errors) or answer.text,
            Kind.OVERDUE: "no answer in time",
            Kind.ENDED: answer.text,
        }[answer.kind]
        return said + moves


AnyAnswer = ClaimAnswer | ExpressionAnswer


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Hold what is known of one point: its version, and where its VM comes from once it ran."""

    version: str
    way: str = ""
    origin: str = ""


class Question(Protocol):
    """Ask one VM, as often as it takes."""

    def ask(self, releases: Releases, runtime: Runtime, version: str) -> Asked[AnyAnswer]:
        """Return what the VM answers.

        Raises:
            BeamproofError: it cannot be asked.
        """
        ...


@dataclass(slots=True, kw_only=True)
class Row:
    """Ask the VMs of a row of choices, each started when it is its turn.

    Args:
        choices: oldest first.
        question: what each is asked.
        workshop: names nodes, holds probes.
        options: where runtimes come from, for those who compile.
        progress: told what is fetched.
        on_step: what to show of each point once it has answered.
    """

    choices: Sequence[Choice]
    question: Question
    workshop: Workshop
    options: RuntimeOptions
    progress: Progress
    on_step: Callable[[Place, Asked[AnyAnswer]], None]
    places: dict[int, Place] = field(default_factory=dict)

    def search(self, *, every: bool) -> Search[AnyAnswer]:
        """Return the search over the row, not begun."""
        return Search(count=len(self.choices), ask=self.ask, every=every)

    def place(self, at: int) -> Place:
        """Return what is known of a point."""
        return self.places.get(at, Place(version=self.choices[at].version))

    def ask(self, at: int) -> Asked[AnyAnswer]:
        """Start the VM of a point, and ask it."""
        try:
            asked = self._ask(at)
        except InputError:
            raise
        except BeamproofError as error:
            asked = Asked(answer=None, reason=error.message)
        self.on_step(self.place(at), asked)
        return asked

    def _ask(self, at: int) -> Asked[AnyAnswer]:
        found = self.choices[at].have()
        if found.runtime is None:
            return Asked(answer=None, reason=found.reason or "it cannot be had")
        compilers = Compilers(self.options, self.workshop, self.progress)
        self.workshop.probes.elsewhere = compilers
        with Releases((found,), self.workshop, self.progress, compilers) as opened:
            (column,) = opened.columns()
            if column.reason is not None:
                return Asked(answer=None, reason=column.reason)
            runtime = opened.runtimes[column.name]
            version = column.otp_version or self.choices[at].version
            self.places[at] = Place(version=version, way=runtime.way, origin=runtime.origin)
            return self.question.ask(opened, runtime, version)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimQuestion:
    """Ask what a claim's probe finds, whatever the claim's ranges say.

    Args:
        claim: with its ranges.
        workshop: holds the probes.
        times: how often each VM is asked.
    """

    claim: Claim
    workshop: Workshop
    times: int

    def __post_init__(self) -> None:
        """Refuse what no single release can answer.

        Raises:
            InputError: the claim is about two releases at once.
        """
        if Need.OTHER_RELEASE in self.claim.needs:
            raise InputError(
                f"{self.claim.name} is about two releases at once: which of them changed it, a row"
                " of single ones cannot tell"
            )

    def ask(self, releases: Releases, runtime: Runtime, version: str) -> Asked[AnyAnswer]:
        """Return what the claim's probe finds on a VM."""
        claim = bare(self.claim)
        (column,) = releases.columns()
        if (reason := why_left_out(claim, column)) is not None:
            return Asked(answer=None, reason=reason)
        cell = Cell(id=CellId.of(claim.skill, claim.id, runtime.name), call=claim.call())
        (work,) = shared([cell])
        node = releases.nodes.pop(runtime.name, None)
        with Lane(runtime, self.workshop, node) as lane:

            def draw() -> AnyAnswer:
                seen = lane.observe(work, lambda seen: not enough(claim, seen))
                answer = answer_of(self.claim, seen, version)
                if isinstance(answer, str):
                    raise _NoAnswerError(answer)
                return answer

            try:
                return settled(draw, self.times)
            except _NoAnswerError as error:
                return Asked(answer=None, reason=error.message)


class _NoAnswerError(BeamproofError):
    """Say that a VM cannot answer, for a reason that is not the release."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpressionQuestion:
    """Ask what an expression gives, each time on a VM of its own.

    Args:
        text: the expression.
        workshop: holds what evaluates.
        times: how often.
        timeout_s: for each.
    """

    text: str
    workshop: Workshop
    times: int
    timeout_s: float

    def ask(self, releases: Releases, runtime: Runtime, version: str) -> Asked[AnyAnswer]:
        """Return what the expression gives on a release."""
        del version
        first = [self._draw(releases, runtime) for _ in range(self.times)]
        positions = _moving([one.answered for one in first])
        if positions is not None:
            answer: AnyAnswer = ExpressionAnswer(answered=first[-1].answered, positions=positions)
            return Asked(answer=answer, times=self.times, agreed=self.times)
        drawn: Iterator[AnyAnswer] = chain(first, iter(lambda: self._draw(releases, runtime), None))
        return settled(lambda: next(drawn), self.times)

    def _draw(self, releases: Releases, runtime: Runtime) -> ExpressionAnswer:
        with self._node(releases, runtime) as node:
            answered = Evaluator(node, timeout_s=self.timeout_s).evaluate(self.text)
        return ExpressionAnswer(answered=answered)

    @contextmanager
    def _node(self, releases: Releases, runtime: Runtime) -> Iterator[Node]:
        node = releases.nodes.pop(runtime.name, None)
        if node is None:
            name = self.workshop.node_name(runtime.name)
            node = Node(runtime.launcher, name=name, probes=self.workshop.probes)
        try:
            node.open()
            yield node
        finally:
            node.close()


def _moving(answers: Sequence[Answered]) -> frozenset[int] | None:
    """Return which numbers change from VM to VM of one release, None if more than numbers do."""
    found: frozenset[int] = frozenset()
    for other in answers[1:]:
        if same(answers[0], other):
            continue
        moved = changing(answers[0], other)
        if moved is None:
            return None
        found |= moved
    return found


def said_differences(last: AnyAnswer, first: AnyAnswer) -> tuple[tuple[str, str, str], ...]:
    """Return what differs between two answers, as path (none for an expression), old and new."""
    if isinstance(last, ClaimAnswer) and isinstance(first, ClaimAnswer):
        return differences(last, first)
    return (("", last.said, first.said),)
