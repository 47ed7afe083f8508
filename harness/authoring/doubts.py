"""What lint warns of: sentences that may be wider than their evidence, evidence that may not fail.

Knows: claims, the text of probes, what the sabotage file covers. Must not know: nodes, verdicts.
Warnings are for a person to weigh: each says how it is known.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from harness.authoring.probe_source import Function, blanked, functions
from harness.authoring.reach import claims_reaching
from harness.claims.model import Claim, Rival, Skill
from harness.claims.predicates import Leaf, Op, Prediction, is_number, same
from harness.claims.sabotage import Sabotage, Sources
from harness.run.cells import Json

_CAUSE = re.compile(
    r"(?<!wait )(?<!waits )(?<!waited )(?<!look )(?<!looks )(?<!asks )"
    r"\b(?:because(?: of)?|due to|caused by|owing to|thanks to|for (?:its|their)) [^,;:.]+",
    re.IGNORECASE,
)
_ENTRY = re.compile(r"(?P<key>[a-z]\w*)\s*(?:=>|:=)\s*(?:(?P<value>[^\s,}]+)(?=\s*[,}]))?")
_BINDING = re.compile(
    r"\b(?P<name>[A-Z]\w*)\s*=\s*(?P<value>\d[\d_]*|[a-z]\w*)\s*(?=[,;.]|$)", re.MULTILINE
)
_DEFINE = re.compile(
    r"^-define\(\s*(?P<name>\w+)\s*,\s*(?P<value>\d[\d_]*|[a-z]\w*)\s*\)", re.MULTILINE
)
_NUMBER = re.compile(r"\d[\d_]*")

_NOTHING: tuple[Json, ...] = (0, False, "none", "alive", "survives", "undefined", [], "")
"""What nothing looks like: what a probe finds as well if it did nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Constant:
    """Hold a value that a source writes by hand under a key of the evidence."""

    module: str
    line: int
    value: Json


def doubts(skill: Skill, sources: Sources, sabotage: Sabotage | None) -> Iterator[tuple[int, str]]:
    """Yield what is to be weighed about the claims of a skill, each with the line it is about."""
    own = {name: text for name, text in sources.items() if name.startswith(skill.module)}
    reaching = claims_reaching(skill, own)
    for claim in skill.claims:
        known = constants(own, (name for name, claims in reaching.items() if claim.id in claims))
        clauses = () if sabotage is None else tuple(one.clause for one in sabotage.of(claim.id))
        for line, message in _claim(claim, known, clauses):
            yield line, f"{claim.id}: {message}"


def constants(own: Sources, reached: Iterable[tuple[str, str]]) -> Mapping[str, Constant]:
    """Return the keys of evidence that some functions write once, and by hand.

    A key that stands in several places may have several values: it is not among them.

    Args:
        own: the text of the skill's modules, by name.
        reached: module and name of each function.
    """
    found: dict[str, list[Constant | None]] = {}
    wanted = set(reached)
    for module, text in own.items():
        plain = blanked(text)
        defined = {f"?{one['name']}": one["value"] for one in _DEFINE.finditer(plain)}
        for function in functions(plain):
            if (module, function.name) not in wanted:
                continue
            values = defined | _bound(plain, function)
            for entry in _ENTRY.finditer(plain, function.start, function.end):
                written = entry["value"] or ""
                value = _literal(values.get(written, written))
                line = text.count("\n", 0, entry.start()) + 1
                constant = (
                    None if value is None else Constant(module=module, line=line, value=value)
                )
                found.setdefault(entry["key"], []).append(constant)
    return {
        key: places[0]
        for key, places in found.items()
        if len(places) == 1 and places[0] is not None
    }


def _bound(plain: str, function: Function) -> dict[str, str]:
    """Return the variables that one function binds to one literal."""
    bound: dict[str, set[str]] = {}
    for one in _BINDING.finditer(plain, function.start, function.end):
        bound.setdefault(one["name"], set()).add(one["value"])
    return {name: next(iter(values)) for name, values in bound.items() if len(values) == 1}


def _claim(
    claim: Claim, known: Mapping[str, Constant], clauses: Sequence[str]
) -> Iterator[tuple[int, str]]:
    for prediction in claim.expect:
        constant = known.get(prediction.path[-1])
        if constant is not None and _predicts(prediction.leaf, constant.value):
            yield prediction.line, f"{prediction.name} {_written(constant)}: it cannot fail"
    for rival in claim.rivals:
        yield from _rival(rival, known)
    if all(_is_nothing(prediction.leaf) for prediction in _all_predictions(claim)):
        yield (
            claim.line,
            ("all that it predicts is what nothing looks like: predict a control that is not"),
        )
    for cause in _CAUSE.finditer(claim.statement):
        if not any(_same_words(cause.group(), clause) for clause in clauses):
            yield (
                claim.line,
                (f'it gives a cause ("{cause.group()}") and no variant takes that clause away'),
            )


def _rival(rival: Rival, known: Mapping[str, Constant]) -> Iterator[tuple[int, str]]:
    if len(rival.expect) > 1:
        yield (
            rival.line,
            (
                f"the rival predicts {len(rival.expect)} things and any one contradicts it:"
                " make it several rivals"
            ),
        )
    for prediction in rival.expect:
        constant = known.get(prediction.path[-1])
        if constant is not None and not _predicts(prediction.leaf, constant.value):
            yield (
                prediction.line,
                (
                    f"no value of the probe can fulfil this rival: {prediction.name}"
                    f" {_written(constant)}"
                ),
            )


def _all_predictions(claim: Claim) -> Iterator[Prediction]:
    yield from claim.expect
    for when in claim.whens:
        yield from when.expect


def _written(constant: Constant) -> str:
    return f"is the constant {constant.value} of {constant.module}.erl:{constant.line}"


def _predicts(leaf: Leaf, value: Json) -> bool:
    """Tell whether a leaf asks for just this value."""
    return any(
        predicate.op is Op.EQUALS and same(predicate.operand, value)
        for predicate in leaf.predicates
    )


def _is_nothing(leaf: Leaf) -> bool:
    for predicate in leaf.predicates:
        if predicate.op is Op.EQUALS:
            if not any(same(predicate.operand, nothing) for nothing in _NOTHING):
                return False
        elif predicate.op is Op.AT_MOST and is_number(predicate.operand):
            if predicate.operand > 0:
                return False
        elif predicate.op is Op.ALL and isinstance(predicate.inner, Leaf):
            if not _is_nothing(predicate.inner):
                return False
        elif predicate.op is not Op.ABSENT:
            return False
    return True


def _literal(text: str) -> Json:
    """Return the number or boolean that a literal is, None for everything else.

    Atoms are not counted: a map of them is as often what a probe is given as what it found.
    """
    if _NUMBER.fullmatch(text):
        return int(text.replace("_", ""))
    return {"true": True, "false": False}.get(text)


def _same_words(cause: str, clause: str) -> bool:
    """Tell whether a variant's clause speaks of a cause: at least half of its words."""
    wanted = set(re.findall(r"\w{3,}", cause.lower()))
    return 2 * len(wanted & set(re.findall(r"\w{3,}", clause.lower()))) >= len(wanted)
