"""What is wrong with a claim in itself, whatever a VM says of it.

Knows: sentences, sources, predictions, rivals. Must not know: probes, the document, evidence.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from harness.claims.evaluation import is_numeric
from harness.claims.model import Claim, Rival, Skill
from harness.claims.predicates import Leaf, Op, Prediction, is_number, predictions_in
from harness.claims.versions import matches
from harness.run.units import UNITS, names_unit

VERSIONS = (
    *("24.0", "24.3.4.17", "25.0", "25.2.3", "25.3.2.21"),
    *("26.0", "26.2.5.12", "27.0", "27.3.4.1"),
)
"""Versions of the releases that claims are published for: the first, a late one, Debian's."""

_OTP_SOURCE = re.compile(
    r"https://(?:(?:www\.|blog\.)?erlang\.org/\S+|github\.com/erlang/(?:otp|eep)/\S+)"
)
_URL = re.compile(r"https?://\S+")
_NEVER_NEGATIVE = re.compile(r"(?:^|_)(?:count|percent)$")
_ANY_TEXTS = ("~", "any text", "7 <0.1.2> {}")
"""Texts that have nothing in common: what matches each of them asks nothing."""


def faults_of(claim: Claim, trusted: Sequence[str] = ()) -> Iterator[tuple[int, str]]:
    """Yield what is wrong with a claim in itself, each behind its line.

    Args:
        claim: any.
        trusted: beginnings of addresses that count as sources beside OTP's own.
    """
    yield from ((claim.line, message) for message in _sources(claim.sources, trusted))
    if not claim.statement.endswith((".", "!", "?")):
        yield claim.line, "the statement is no sentence: it has no full stop"
    if claim.unfinished:
        yield claim.line, "it is not finished: it still says TODO"
    yield from _rivals(claim)
    lists = [claim.expect]
    lists += [rival.expect for rival in claim.rivals]
    lists += [when.expect for when in claim.whens]
    for prediction in (one for expect in lists for one in expect):
        yield from ((prediction.line, message) for message in _prediction(prediction))
    for when in claim.whens:
        if not any(claim.applies_to(one) and matches(when.otp, one) for one in VERSIONS):
            yield when.line, f'when "{when.otp}": the claim is about no such release of 24 to 27'


def _sources(sources: Sequence[str], trusted: Sequence[str]) -> Iterator[str]:
    for source in sources:
        if not _URL.fullmatch(source):
            yield f'the source "{source}" is no URL'
    if not any(_OTP_SOURCE.fullmatch(one) or one.startswith(tuple(trusted)) for one in sources):
        others = "".join(f", nor begins with {beginning}" for beginning in trusted) or (
            "; a project trusts others by sources in [tool.beamproof] of its pyproject.toml"
        )
        yield f"no source is a page of www.erlang.org or a file of github.com/erlang/otp{others}"


def _rivals(claim: Claim) -> Iterator[tuple[int, str]]:
    if not claim.rivals:
        yield claim.line, "it has no rival: name a wrong belief and what it predicts"
        return
    about = [version for version in VERSIONS if claim.applies_to(version)]
    bare = [version for version in about if not claim.rivals_on(version)]
    if bare:
        yield claim.line, f"no rival is about OTP {', '.join(bare)}"
    for rival in claim.rivals:
        alike = [one for one in about if rival in claim.rivals_on(one) and _fits(claim, rival, one)]
        if alike:
            on = "" if alike == about else f" on OTP {', '.join(alike)}"
            yield rival.line, f"this rival predicts what the claim predicts{on}: it decides nothing"


def _fits(claim: Claim, rival: Rival, version: str) -> bool:
    """Tell whether a rival can never be contradicted where the claim's predictions hold."""
    predicted = claim.predictions_on(version)
    return all(prediction in predicted for prediction in rival.expect)


def _prediction(prediction: Prediction) -> Iterator[str]:
    named = any(map(names_unit, prediction.path))
    for key, leaf in predictions_in(((prediction.path[-1], prediction.leaf),)):
        length_of = any(one.op is Op.LENGTH for one in prediction.leaf.predicates)
        if is_numeric(leaf) and not (named or length_of or names_unit(key)):
            yield f'{prediction.name}: no unit: end "{key}" in one of _{", _".join(UNITS)}'
        yield from (f"{prediction.name}: {message}" for message in _vacuous(key, leaf))


def _vacuous(key: str, leaf: Leaf) -> Iterator[str]:
    for one in leaf.predicates:
        bound = one.operand
        if _NEVER_NEGATIVE.search(key) and is_number(bound) and _no_bound(one.op, bound):
            yield f"{one.op} = {bound} holds for whatever is found"
        if one.op is Op.APPROX and is_number(bound) and 0 < abs(bound) <= one.tolerance:
            yield f"a tolerance of {one.tolerance} around {bound} reaches zero"
        if one.op is Op.SEARCH and re.search(str(bound), "") is not None:
            yield f"/{bound}/ is found in everything, also in the empty text"
        if one.op is Op.MATCHES and all(re.fullmatch(str(bound), text) for text in _ANY_TEXTS):
            yield f"/{bound}/ matches everything"


def _no_bound(op: Op, bound: float) -> bool:
    return (op is Op.AT_LEAST and bound <= 0) or (op is Op.ABOVE and bound < 0)


def with_faults(skill: Skill, trusted: Sequence[str] = ()) -> Skill:
    """Return a skill whose claims know what is wrong with them, as `file:line: what`."""
    claims = (
        replace(
            claim,
            faults=tuple(
                f"{skill.path}:{line}: {said}" for line, said in faults_of(claim, trusted)
            ),
        )
        for claim in skill.claims
    )
    return replace(skill, claims=tuple(claims))
