"""Whether evidence fulfils predictions.

Knows: what each predicate asks of a value or of an interval. Must not know: claims, releases,
files; it is pure.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from fractions import Fraction
from typing import Final, NamedTuple

from harness.claims.predicates import (
    MISSING,
    Leaf,
    Missing,
    Op,
    Pattern,
    Predicate,
    Table,
    is_number,
    kind,
    same,
)
from harness.run.cells import Json


class Held(NamedTuple):
    """Say whether a prediction holds; `holds` is None where the evidence cannot decide it."""

    holds: bool | None
    note: str = ""


YES: Final = Held(holds=True)
NO: Final = Held(holds=False)
_ABSENT: Final = Held(holds=None, note="the evidence has no such key")


def evaluate(pattern: Pattern, value: Json | Missing) -> Held:
    """Tell whether one value fulfils a pattern.

    Returns:
        `holds` None for a value that is not there and for `all` over an empty list: both mean
        that nothing was measured.
    """
    if isinstance(pattern, Table):
        return _evaluate_table(pattern, value)
    return conjunction(_evaluate_one(predicate, value) for predicate in pattern.predicates)


def conjunction(outcomes: Iterable[Held]) -> Held:
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


def _evaluate_table(table: Table, value: Json | Missing) -> Held:
    if value is MISSING:
        return _ABSENT
    if not isinstance(value, dict):
        return Held(holds=False, note=f"found {kind(value)} instead of a map")
    return conjunction(evaluate(pattern, value.get(key, MISSING)) for key, pattern in table.entries)


def _evaluate_one(predicate: Predicate, value: Json | Missing) -> Held:
    if predicate.op is Op.ABSENT:
        return YES if (value is MISSING) is predicate.operand else NO
    if value is MISSING:
        return _ABSENT
    if predicate.op in {Op.ALL, Op.ANY, Op.LENGTH}:
        return _evaluate_inner(predicate, value)
    if _numeric_operand(predicate) and is_number(value) and predicate.op not in _PLAIN:
        return Held(holds=_decide_one(predicate, value, value))
    holds = _evaluate_plain(predicate, value)
    choices = predicate.operand if predicate.op is Op.ONE_OF else [predicate.operand]
    about_text = isinstance(choices, list) and any(isinstance(one, str) for one in choices)
    text = _as_text(value) if about_text else None
    if text is not None and _evaluate_plain(predicate, text) is not holds:
        return Held(
            holds=None, note=f'a list of the characters of "{text}": let the probe return a binary'
        )
    return Held(holds=holds)


_BLANKS: Final = str.maketrans("\n\t", "  ")

_PLAIN: Final = frozenset({Op.EQUALS, Op.NOT_EQUALS, Op.ONE_OF})
"""What one value decides by being the same, to the sign of a zero."""


def _as_text(value: Json | Missing) -> str | None:
    """Return what an Erlang string says, None for any other value."""
    if not isinstance(value, list) or not value:
        return None
    if not all(isinstance(code, int) and 0 < code <= sys.maxunicode for code in value):
        return None
    text = "".join(chr(code) for code in value if isinstance(code, int))
    return text if text.translate(_BLANKS).isprintable() else None


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
            return isinstance(value, str) and re.fullmatch(str(operand), value) is not None
        case Op.SEARCH:
            return isinstance(value, str) and re.search(str(operand), value) is not None
        case _:  # a comparison with something that is no number
            return False


def _evaluate_inner(predicate: Predicate, value: Json) -> Held:
    inner = predicate.inner
    if inner is None:
        raise TypeError(f"{predicate.op} without a pattern")
    if predicate.op is Op.LENGTH:
        if not isinstance(value, list | str | dict):
            return Held(holds=False, note=f"found {kind(value)}, which has no length")
        return evaluate(inner, len(value))
    if not isinstance(value, list):
        return Held(holds=False, note=f"found {kind(value)} instead of a list")
    if predicate.op is Op.ALL:
        if not value:
            return Held(holds=None, note="the list is empty: nothing was measured")
        return conjunction(evaluate(inner, one) for one in value)
    return _any(evaluate(inner, one) for one in value)


def _any(outcomes: Iterable[Held]) -> Held:
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
            return _around(Fraction(operand), Fraction(predicate.tolerance), low, high)


def _around(middle: Fraction, tolerance: Fraction, low: float, high: float) -> tuple[bool, bool]:
    """As _bounds, of a range given by its middle; with fractions no integer is too large."""
    least, most = middle - tolerance, middle + tolerance
    return high < least or low > most, least <= low and high <= most
