"""What predictions are, and whether evidence fulfils them: a closed set of predicates.

Knows: predicates and plain JSON values. Must not know: claims, releases, files; it is pure.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum, StrEnum
from typing import Final, NamedTuple, TypeGuard

from harness.run.cells import Json


class Op(StrEnum):
    """Name the predicates; no other key of a table makes one."""

    EQUALS = "equals"
    NOT_EQUALS = "not_equals"
    ONE_OF = "one_of"
    AT_LEAST = "at_least"
    AT_MOST = "at_most"
    ABOVE = "above"
    BELOW = "below"
    BETWEEN = "between"
    APPROX = "approx"
    CONTAINS = "contains"
    ABSENT = "absent"
    MATCHES = "matches"
    ALL = "all"
    ANY = "any"
    LENGTH = "length"


@dataclass(frozen=True, slots=True, kw_only=True)
class Predicate:
    """Hold one test of one value.

    `operand` is what stands behind the predicate's name (`between`: two numbers; `all`, `any`,
    `length`: None). `inner` is what those three ask of elements or of the length. `tolerance` is
    that of `approx`, absolute, in the unit of the value.
    """

    op: Op
    operand: Json = None
    inner: Pattern | None = None
    tolerance: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaf:
    """Hold the predicates that one value must fulfil, all of them."""

    predicates: tuple[Predicate, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Hold what the values of a map must fulfil, by key; other keys of it may be anything."""

    entries: tuple[tuple[str, Pattern], ...]


Pattern = Leaf | Table


@dataclass(frozen=True, slots=True, kw_only=True)
class Prediction:
    """Say what the evidence has at one path. `line` is where the claim file says so."""

    path: tuple[str, ...]
    leaf: Leaf
    line: int = field(default=0, compare=False)

    @property
    def name(self) -> str:
        """Return the path as one writes it, e.g. `cases.link.reason`."""
        return ".".join(self.path)


class Missing(Enum):
    """Stand for a value that the evidence does not have."""

    MISSING = "missing"


MISSING: Final = Missing.MISSING


class Outcome(NamedTuple):
    """Say whether a prediction holds; `holds` is None where the evidence cannot decide it."""

    holds: bool | None
    note: str = ""


YES: Final = Outcome(holds=True)
NO: Final = Outcome(holds=False)
_ABSENT: Final = Outcome(holds=None, note="the evidence has no such key")


def is_number(value: object) -> TypeGuard[int | float]:
    """Tell numbers from everything else; a boolean is no number."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def same(left: Json, right: Json) -> bool:
    """Compare two values deeply: 64 equals 64.0, but true does not equal 1."""
    if is_number(left) and is_number(right):
        return left == right
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(same, left, right))
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(same(left[key], right[key]) for key in left)
    return type(left) is type(right) and left == right


def find(evidence: Mapping[str, Json], path: Iterable[str]) -> Json | Missing:
    """Return what the evidence has at a path through its maps."""
    value: Json = evidence if isinstance(evidence, dict) else dict(evidence)
    for key in path:
        if not isinstance(value, dict) or key not in value:
            return MISSING
        value = value[key]
    return value


def evaluate(pattern: Pattern, value: Json | Missing) -> Outcome:
    """Tell whether one value fulfils a pattern.

    Returns:
        `holds` None for a value that is not there and for `all` over an empty list: both mean
        that nothing was measured.
    """
    if isinstance(pattern, Table):
        return _evaluate_table(pattern, value)
    return conjunction(_evaluate_one(predicate, value) for predicate in pattern.predicates)


def conjunction(outcomes: Iterable[Outcome]) -> Outcome:
    """Return the first that does not hold, else the first that is undecided, else that it holds."""
    undecided = YES
    for outcome in outcomes:
        if outcome.holds is False:
            return outcome
        if outcome.holds is None and undecided is YES:
            undecided = outcome
    return undecided


def decide(leaf: Leaf, low: float, high: float) -> bool | None:
    """Tell whether a number somewhere in [low, high] fulfils a numeric leaf, wherever it lies.

    Returns:
        True when every number of the interval fulfils it, False when none does, else None.
    """
    answers = [_decide_one(predicate, low, high) for predicate in leaf.predicates]
    if False in answers:
        return False
    return None if None in answers else True


def is_numeric(leaf: Leaf) -> bool:
    """Tell whether all predicates of a leaf compare the value with numbers."""
    return all(_numeric_operand(predicate) for predicate in leaf.predicates)


def _numeric_operand(predicate: Predicate) -> bool:
    if predicate.op in {Op.ONE_OF, Op.BETWEEN}:
        return isinstance(predicate.operand, list) and all(map(is_number, predicate.operand))
    return predicate.op in _NUMERIC and is_number(predicate.operand)


_NUMERIC: Final = frozenset(
    {Op.EQUALS, Op.NOT_EQUALS, Op.AT_LEAST, Op.AT_MOST, Op.ABOVE, Op.BELOW, Op.APPROX}
)


def _evaluate_table(table: Table, value: Json | Missing) -> Outcome:
    if value is MISSING:
        return _ABSENT
    if not isinstance(value, dict):
        return Outcome(holds=False, note=f"found {kind(value)} instead of a map")
    return conjunction(evaluate(pattern, value.get(key, MISSING)) for key, pattern in table.entries)


def _evaluate_one(predicate: Predicate, value: Json | Missing) -> Outcome:
    if predicate.op is Op.ABSENT:
        return YES if (value is MISSING) is predicate.operand else NO
    if value is MISSING:
        return _ABSENT
    if predicate.op in {Op.ALL, Op.ANY, Op.LENGTH}:
        return _evaluate_inner(predicate, value)
    if _numeric_operand(predicate) and is_number(value):
        return Outcome(holds=_decide_one(predicate, value, value))
    return Outcome(holds=_evaluate_plain(predicate, value))


def _evaluate_plain(predicate: Predicate, value: Json) -> bool:  # noqa: PLR0911  one a predicate
    operand = predicate.operand
    match predicate.op:
        case Op.EQUALS:
            return same(value, operand)
        case Op.NOT_EQUALS:
            return not same(value, operand)
        case Op.ONE_OF:
            return isinstance(operand, list) and any(same(value, one) for one in operand)
        case Op.CONTAINS:
            if isinstance(value, str):
                return isinstance(operand, str) and operand in value
            return isinstance(value, list) and any(same(one, operand) for one in value)
        case Op.MATCHES:
            return isinstance(value, str) and re.search(str(operand), value) is not None
        case _:  # a comparison with something that is no number
            return False


def _evaluate_inner(predicate: Predicate, value: Json) -> Outcome:
    inner = predicate.inner
    if inner is None:
        raise TypeError(f"{predicate.op} without a pattern")
    if predicate.op is Op.LENGTH:
        if not isinstance(value, list | str | dict):
            return Outcome(holds=False, note=f"found {kind(value)}, which has no length")
        return evaluate(inner, len(value))
    if not isinstance(value, list):
        return Outcome(holds=False, note=f"found {kind(value)} instead of a list")
    if predicate.op is Op.ALL:
        if not value:
            return Outcome(holds=None, note="the list is empty: nothing was measured")
        return conjunction(evaluate(inner, one) for one in value)
    return _any(evaluate(inner, one) for one in value)


def _any(outcomes: Iterable[Outcome]) -> Outcome:
    best = NO
    for outcome in outcomes:
        if outcome.holds:
            return outcome
        if outcome.holds is None:
            best = outcome
    return best


def _decide_one(predicate: Predicate, low: float, high: float) -> bool | None:
    operand = predicate.operand
    if predicate.op is Op.ONE_OF and isinstance(operand, list):
        inside = [one for one in operand if is_number(one) and low <= one <= high]
        return (low == high or None) if inside else False
    if predicate.op is Op.NOT_EQUALS and is_number(operand):
        if not low <= operand <= high:
            return True
        return False if low == high else None
    outside, inside_ = _bounds(predicate, low, high)
    if outside:
        return False
    return True if inside_ else None


def _bounds(  # noqa: PLR0911  one a predicate
    predicate: Predicate, low: float, high: float
) -> tuple[bool, bool]:
    """Tell whether [low, high] lies wholly outside the range of a predicate, or inside."""
    operand, op = predicate.operand, predicate.op
    if op is Op.BETWEEN and isinstance(operand, list):
        least, most = (one for one in operand if is_number(one))
        return high < least or low > most, least <= low and high <= most
    if not is_number(operand):
        raise TypeError(f"{op} with {operand!r}")
    match op:
        case Op.AT_LEAST:
            return high < operand, low >= operand
        case Op.AT_MOST:
            return low > operand, high <= operand
        case Op.ABOVE:
            return high <= operand, low > operand
        case Op.BELOW:
            return low >= operand, high < operand
        case Op.EQUALS:  # apart from approx: an integer beyond 2**53 must stay exact
            return high < operand or low > operand, low == operand == high
        case _:
            least, most = operand - predicate.tolerance, operand + predicate.tolerance
            return high < least or low > most, least <= low and high <= most


def kind(value: Json | Missing) -> str:
    """Return what sort of value it is, with its article."""
    if is_number(value):
        return "a number"
    names = {bool: "a boolean", str: "text", list: "a list", dict: "a map"}
    return names.get(type(value), "nothing")


def predictions_in(patterns: Iterable[tuple[str, Pattern]]) -> Iterator[tuple[str, Leaf]]:
    """Yield every leaf below nested maps, `all`, `any` and `length`, with the nearest key."""
    for key, pattern in patterns:
        if isinstance(pattern, Table):
            yield from predictions_in(pattern.entries)
            continue
        yield key, pattern
        yield from predictions_in(
            (key, one.inner) for one in pattern.predicates if one.inner is not None
        )


def show(value: Json | Missing, limit: int = 100) -> str:
    """Print a value in one short line, floats to six digits."""
    if value is MISSING:
        return "(missing)"
    text = json.dumps(_rounded(value), ensure_ascii=False)
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


def _rounded(value: Json) -> Json:
    if isinstance(value, float):
        return float(f"{value:.6g}")
    if isinstance(value, list):
        return [_rounded(one) for one in value]
    if isinstance(value, dict):
        return {key: _rounded(one) for key, one in value.items()}
    return value
