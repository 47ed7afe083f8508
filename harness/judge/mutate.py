"""Prove that no claim passes vacuously: judge its evidence against predictions changed one by one.

Knows: claims and stored evidence. Must not know: nodes. A changed prediction that the evidence
does not refute is a survivor: the claim asks less than it seems to.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from harness.claims.expect import words
from harness.claims.model import Claim, Skill
from harness.claims.predicates import (
    MISSING,
    Leaf,
    Missing,
    Op,
    Pattern,
    Predicate,
    Table,
    find,
    is_number,
    same,
)
from harness.judge.finding import Finding, Verdict
from harness.judge.judge import judge
from harness.run.cells import CellId, Json
from harness.run.model import Observation, Run

MARGIN = 0.1
"""How far beyond the evidence a number that is no integer is pushed, as a share of it."""

_MOST_ELEMENTS = 20
_NOWHERE = "~nowhere~"
_GLOBAL_FLAGS = re.compile(r"\(\?[aiLmsux]+\)")

_Values = Sequence[Json | Missing]


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutation:
    """Hold a claim with one prediction changed, and what was changed."""

    description: str
    claim: Claim


@dataclass(frozen=True, slots=True, kw_only=True)
class Survivor:
    """Name a change that the evidence of a cell does not refute."""

    cell: str
    description: str
    verdict: Verdict
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MutationReport:
    """Hold what the changes came to.

    `untested` are claims without a confirmed cell, and why; `skipped` those that no VM of the run
    could be asked, and what it lacked.
    """

    tried: int
    survivors: tuple[Survivor, ...]
    untested: tuple[tuple[str, str], ...]
    skipped: tuple[tuple[str, str], ...] = ()


def mutate(skill: Skill, run: Run) -> MutationReport:
    """Judge every confirmed cell of a skill in a stored run against each changed prediction."""
    tried = 0
    alive: list[Survivor] = []
    untested: list[tuple[str, str]] = []
    skipped: list[tuple[str, str]] = []
    for claim in skill.claims:
        cells = [seen for cell, seen in run.by_cell.items() if cell.name == claim.name]
        findings = [judge(claim, one) for one in cells]
        confirmed = [one for one in findings if one.verdict is Verdict.CONFIRMED]
        if not confirmed:
            lacks = _lacks(claim, run, findings)
            found = "; ".join(f"{one.cell} is {one.verdict}: {one.reason}" for one in findings)
            if lacks:
                skipped.append((claim.name, "; ".join(lacks)))
            else:
                untested.append((claim.name, found or "the run has no cell of it"))
        for finding in confirmed:
            if finding.observation is None:
                continue
            changes = list(mutations(claim, finding.observation))
            tried += len(changes)
            alive += survivors(changes, finding.observation)
    return MutationReport(
        tried=tried,
        survivors=tuple(alive),
        untested=tuple(untested),
        skipped=tuple(skipped),
    )


def _lacks(claim: Claim, run: Run, findings: Sequence[Finding]) -> list[str]:
    """Return why every cell of a claim was skipped or left out; nothing where one was not."""
    if any(CellId(cell).name == claim.name for cell in run.header.boundary) and not findings:
        return [f"it is about OTP {claim.otp}, of which the run has none"]
    left_out = [one.reason for one in run.header.left_out if CellId(one.cell).name == claim.name]
    if any(one.verdict is not Verdict.SKIPPED for one in findings):
        return []
    return list(dict.fromkeys([*(one.reason for one in findings), *left_out]))


def survivors(changes: Iterable[Mutation], observation: Observation) -> Iterator[Survivor]:
    """Yield the changes that an observation does not refute."""
    for change in changes:
        finding = judge(change.claim, observation)
        if finding.verdict is not Verdict.REFUTED:
            yield Survivor(
                cell=str(finding.cell),
                description=change.description,
                verdict=finding.verdict,
                reason=finding.reason,
            )


def mutations(claim: Claim, observation: Observation) -> Iterator[Mutation]:
    """Yield the claim with one prediction changed at a time, each so that it must be refuted.

    The observation says which release's predictions are meant, and how far is beyond the
    evidence. At the end each rival stands in the claim's place.
    """
    version = observation.build.otp_version if observation.build else ""
    predictions = claim.predictions_on(version)
    evidence = [sample.evidence or {} for sample in observation.samples]
    for at, prediction in enumerate(predictions):
        values = [find(one, prediction.path) for one in evidence]
        for changed in _leaf_changes(prediction.leaf, values, one_of_many=False):
            expect = (
                *predictions[:at],
                replace(prediction, leaf=changed),
                *predictions[at + 1 :],
            )
            yield Mutation(
                description=f"{prediction.name}: {words(changed)}"
                f" instead of {words(prediction.leaf)}",
                claim=replace(claim, expect=expect, whens=()),
            )
    for rival in claim.rivals_on(version):
        yield Mutation(
            description=f'the rival in the claim\'s place: "{rival.statement}"',
            claim=replace(claim, expect=rival.expect, whens=()),
        )


def _pattern_changes(pattern: Pattern, values: _Values, *, one_of_many: bool) -> Iterator[Pattern]:
    if isinstance(pattern, Leaf):
        yield from _leaf_changes(pattern, values, one_of_many=one_of_many)
        return
    for at, (key, inner) in enumerate(pattern.entries):
        below = [one.get(key, MISSING) for one in values if isinstance(one, dict)]
        for changed in _pattern_changes(inner, below, one_of_many=one_of_many):
            entries = (*pattern.entries[:at], (key, changed), *pattern.entries[at + 1 :])
            yield Table(entries=entries)


def _leaf_changes(leaf: Leaf, values: _Values, *, one_of_many: bool) -> Iterator[Leaf]:
    for at, predicate in enumerate(leaf.predicates):
        for changed in _changes(predicate, values, one_of_many=one_of_many):
            yield Leaf(predicates=(*leaf.predicates[:at], changed, *leaf.predicates[at + 1 :]))


def _changes(predicate: Predicate, values: _Values, *, one_of_many: bool) -> Iterator[Predicate]:
    """Yield a predicate changed.

    Below `any` (one_of_many) other elements may fulfil what was merely turned round, so there
    everything is pushed beyond all elements instead.
    """
    if predicate.inner is not None:
        yield from _inner_changes(predicate, predicate.inner, values, one_of_many=one_of_many)
        return
    if not one_of_many:
        yield from _turned(predicate)
    if one_of_many or predicate.op not in _EXACT:
        yield from _pushed(predicate, values)


def _inner_changes(
    predicate: Predicate, inner: Pattern, values: _Values, *, one_of_many: bool
) -> Iterator[Predicate]:
    below: list[Json | Missing] = []
    for value in values:
        if predicate.op is Op.LENGTH and isinstance(value, list | str | dict):
            below.append(len(value))
        elif predicate.op is not Op.LENGTH and isinstance(value, list):
            below.extend(value)
    many = one_of_many or predicate.op is Op.ANY
    for changed in _pattern_changes(inner, below, one_of_many=many):
        yield replace(predicate, inner=changed)


_OPPOSITE = {
    Op.AT_LEAST: Op.BELOW,
    Op.BELOW: Op.AT_LEAST,
    Op.AT_MOST: Op.ABOVE,
    Op.ABOVE: Op.AT_MOST,
    Op.NOT_EQUALS: Op.EQUALS,
}


_EXACT = frozenset({Op.EQUALS, Op.NOT_EQUALS, Op.MATCHES, Op.SEARCH})
"""Where turning round says all there is to say about one value."""


def _turned(predicate: Predicate) -> Iterator[Predicate]:
    """Yield the predicate's opposite, and an exact number shifted by the least that matters."""
    operand = predicate.operand
    if predicate.op in _OPPOSITE:
        yield replace(predicate, op=_OPPOSITE[predicate.op])
    elif predicate.op is Op.ABSENT:
        yield replace(predicate, operand=not operand)
    elif predicate.op in {Op.MATCHES, Op.SEARCH}:
        whole = predicate.op is Op.MATCHES
        yield replace(predicate, operand=_unlike(str(operand), whole=whole))
    elif predicate.op is Op.EQUALS:
        yield from (replace(predicate, operand=other) for other in _others(operand))


def _others(value: Json) -> Iterator[Json]:
    """Yield values near to one and different from it."""
    if isinstance(value, bool):
        yield not value
    elif is_number(value):
        step = _step(value)
        yield value + step
        yield value - step
    elif isinstance(value, str):
        yield f"{value}~"
    elif isinstance(value, list):
        yield [*value, "~"]
        for at, element in enumerate(value[:_MOST_ELEMENTS]):
            yield [*value[:at], *value[at + 1 :]]
            yield from ([*value[:at], other, *value[at + 1 :]] for other in _others(element))
    elif isinstance(value, dict):
        yield {**value, "~": True}
        for key, element in value.items():
            yield from ({**value, key: other} for other in _others(element))
    else:
        yield "~"


def _pushed(predicate: Predicate, values: _Values) -> Iterator[Predicate]:
    """Yield the predicate moved to where nothing was found, on either side."""
    operand = predicate.operand
    if predicate.op in {Op.ONE_OF, Op.CONTAINS, Op.EQUALS, Op.MATCHES, Op.SEARCH}:
        yield from _elsewhere(predicate, values)
        return
    if predicate.op is Op.NOT_EQUALS:  # turned round, it would fit another element of `any`
        yield replace(predicate, op=Op.EQUALS, operand=_NOWHERE)
        return
    numbers = [one for one in values if is_number(one)]
    if not numbers:
        return
    low, high = min(numbers), max(numbers)
    under, over = low - _step(low), high + _step(high)
    if predicate.op in {Op.AT_LEAST, Op.ABOVE}:
        yield replace(predicate, operand=over)
    elif predicate.op in {Op.AT_MOST, Op.BELOW}:
        yield replace(predicate, operand=under)
    elif predicate.op is Op.APPROX:
        beyond = predicate.tolerance + _step(predicate.tolerance)
        yield replace(predicate, operand=over + beyond)
        yield replace(predicate, operand=under - beyond)
    elif predicate.op is Op.BETWEEN and isinstance(operand, list):
        least, most = (one for one in operand if is_number(one))
        yield replace(predicate, operand=[over, over + most - least])
        yield replace(predicate, operand=[under - (most - least), under])


def _elsewhere(predicate: Predicate, values: _Values) -> Iterator[Predicate]:
    """Yield what an exact predicate could ask for and the evidence has nowhere."""
    if predicate.op is Op.ONE_OF and isinstance(predicate.operand, list):
        found = [one for one in values if not isinstance(one, Missing)]
        left = [one for one in predicate.operand if not any(same(one, other) for other in found)]
        yield replace(predicate, operand=left or [_NOWHERE])
    elif predicate.op in {Op.MATCHES, Op.SEARCH}:
        yield replace(predicate, operand="(?!)")
    else:
        yield replace(predicate, operand=_NOWHERE)


def _step(value: float) -> float:
    """Return the least step that a prediction must notice: one, or a share of no integer."""
    return 1 if isinstance(value, int) else abs(value) * MARGIN or MARGIN


def _unlike(pattern: str, *, whole: bool) -> str:
    """Return the regular expression that matches where another does not, whole or in part."""
    flags = _GLOBAL_FLAGS.match(pattern)
    head = flags.group() if flags else ""
    body = rf"(?:{pattern[len(head) :]})"
    return rf"{head}(?!{body}\Z)[\s\S]*" if whole else rf"{head}\A(?![\s\S]*{body})"
