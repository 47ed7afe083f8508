"""Predictions as a claim file writes them: from TOML values to predicates, and into words.

Knows: the shape of `expect` tables. Must not know: claims, evidence.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from fractions import Fraction
from functools import lru_cache
from typing import Any, Final

from harness.claims.predicates import (
    Leaf,
    Op,
    Pattern,
    Predicate,
    Prediction,
    Table,
    is_number,
    show,
)
from harness.run.cells import Json
from harness.suggest import closest

_NAMES: Final = frozenset(Op)
_MODIFIERS: Final = frozenset({"rel", "abs"})
_COMPARISONS: Final = frozenset({Op.AT_LEAST, Op.AT_MOST, Op.ABOVE, Op.BELOW})

# Near enough to be a slip of the pen ("at_lest"), too far for an evidence key ("matched").
_SLIP: Final = 0.88


class PredicateError(ValueError):
    """Say that a prediction is written wrongly, and where below `expect` it stands."""

    def __init__(self, path: tuple[str, ...], message: str) -> None:
        super().__init__(message)
        self.path = path
        self.message = message


def parse_predictions(
    expect: Mapping[str, Any], line_of: Callable[[tuple[str, ...]], int]
) -> tuple[Prediction, ...]:
    """Turn an `expect` table into its predictions, in the order of the file.

    Args:
        expect: the table as the TOML reader gave it.
        line_of: the line on which a path below `expect` stands.

    Raises:
        PredicateError: a predicate is unknown, or its operand is of the wrong kind.
    """
    if not expect:
        raise PredicateError((), "expect is empty: predict at least one key of the evidence")
    entries = ((key, parse_pattern(value, (key,))) for key, value in expect.items())
    return tuple(
        Prediction(path=path, leaf=leaf, line=line_of(path)) for path, leaf in _leaves(entries, ())
    )


def parse_pattern(value: object, path: tuple[str, ...] = ()) -> Pattern:
    """Turn one value of an `expect` table into a pattern; a plain value means equality."""
    if not isinstance(value, dict):
        return Leaf(predicates=(Predicate(op=Op.EQUALS, operand=plain_json(value, path)),))
    if not value:
        raise PredicateError(path, "an empty table predicts nothing: write { equals = {} }")
    known = [key for key in value if key in _NAMES or key in _MODIFIERS]
    if len(known) == len(value):
        return _leaf(value, path)
    unknown = next(key for key in value if key not in known)
    slip = _slip(unknown)
    if known or slip is not None:
        meant = f'; did you mean "{slip}"?' if slip else ""
        raise PredicateError((*path, unknown), f'"{unknown}" is not a predicate{meant}')
    return Table(
        entries=tuple((key, parse_pattern(one, (*path, key))) for key, one in value.items())
    )


@lru_cache(maxsize=4096)
def _slip(key: str) -> str | None:
    """Return the predicate that was probably meant by a key, if any."""
    near = [op for op in _NAMES if op[0] == key[:1] and abs(len(op) - len(key)) <= 1]
    swapped = next((op for op in near if sorted(op) == sorted(key)), None)
    return swapped or closest(key, near, alike=_SLIP)


def as_written(pattern: Pattern) -> dict[str, Json]:
    """Return a pattern as a claim file writes it, e.g. `{"at_least": 3, "below": 9}`."""
    if isinstance(pattern, Table):
        return {key: as_written(one) for key, one in pattern.entries}
    written: dict[str, Json] = {}
    for predicate in pattern.predicates:
        inner = predicate.inner
        written[predicate.op] = predicate.operand if inner is None else as_written(inner)
        if predicate.op is Op.APPROX:
            written["abs"] = predicate.tolerance
    return written


def words(pattern: Pattern) -> str:
    """Say a pattern in words, e.g. `at least 3 and below 9`."""
    if isinstance(pattern, Table):
        return "; ".join(f"{key}: {words(one)}" for key, one in pattern.entries)
    return " and ".join(_words(predicate) for predicate in pattern.predicates)


def _words(predicate: Predicate) -> str:  # noqa: PLR0911  one a predicate
    operand = predicate.operand
    match predicate.op:
        case Op.EQUALS:
            return show(operand)
        case Op.BETWEEN if isinstance(operand, list):
            return f"between {show(operand[0])} and {show(operand[1])}"
        case Op.APPROX:
            return f"{show(operand)} ± {show(predicate.tolerance)}"
        case Op.ABSENT:
            return "no such key" if operand else "any value"
        case Op.MATCHES:
            return f"matching /{operand}/"
        case Op.SEARCH:
            return f"with /{operand}/ in it"
        case Op.ALL | Op.ANY | Op.LENGTH if predicate.inner is not None:
            subject = {Op.ALL: "every element", Op.ANY: "some element"}.get(predicate.op, "length")
            return f"{subject} ({words(predicate.inner)})"
        case op:
            name = {Op.NOT_EQUALS: "not", Op.CONTAINS: "containing"}.get(op, op.replace("_", " "))
            return f"{name} {show(operand)}"


def _leaves(
    entries: Iterator[tuple[str, Pattern]], above: tuple[str, ...]
) -> Iterator[tuple[tuple[str, ...], Leaf]]:
    for key, pattern in entries:
        if isinstance(pattern, Table):
            yield from _leaves(iter(pattern.entries), (*above, key))
        else:
            yield (*above, key), pattern


def _leaf(table: Mapping[str, object], path: tuple[str, ...]) -> Leaf:
    modifiers = {key: table[key] for key in table if key in _MODIFIERS}
    if modifiers and Op.APPROX not in table:
        raise PredicateError(path, f'"{next(iter(modifiers))}" belongs to "approx"')
    predicates = tuple(
        _predicate(Op(key), operand, modifiers, (*path, key))
        for key, operand in table.items()
        if key in _NAMES
    )
    alone = [one.op for one in predicates if one.op not in _COMPARISONS]
    if len(predicates) > 1 and {Op.ABSENT, Op.EQUALS} & set(alone):
        raise PredicateError(path, f'"{alone[0]}" stands alone in its table')
    _refuse_contradiction(predicates, path)
    return Leaf(predicates=predicates)


def _predicate(
    op: Op, operand: object, modifiers: Mapping[str, object], path: tuple[str, ...]
) -> Predicate:
    if op in {Op.ALL, Op.ANY, Op.LENGTH}:
        return Predicate(op=op, inner=parse_pattern(operand, path))
    value = plain_json(operand, path)
    _refuse_operand(op, value, path)
    if op is Op.APPROX and is_number(value):
        return Predicate(op=op, operand=value, tolerance=_tolerance(value, modifiers, path))
    return Predicate(op=op, operand=value)


def _refuse_operand(op: Op, value: Json, path: tuple[str, ...]) -> None:
    wanted: str | None = None
    match op:
        case Op.AT_LEAST | Op.AT_MOST | Op.ABOVE | Op.BELOW | Op.APPROX:
            wanted = None if is_number(value) else "a number"
        case Op.BETWEEN:
            wanted = None if _is_range(value) else "two numbers, the lower first"
        case Op.ONE_OF:
            wanted = None if isinstance(value, list) and value else "a list with a value in it"
        case Op.ABSENT:
            wanted = None if isinstance(value, bool) else "true or false"
        case Op.MATCHES | Op.SEARCH:
            wanted = _regex_problem(value)
        case _:
            pass
    if wanted is not None:
        raise PredicateError(path, f'"{op}" wants {wanted}, not {show(value)}')


def _is_range(value: Json) -> bool:
    if not isinstance(value, list) or len(value) != 2:  # noqa: PLR2004  low and high
        return False
    low, high = value
    return is_number(low) and is_number(high) and low <= high


def _regex_problem(value: Json) -> str | None:
    if not isinstance(value, str):
        return "a regular expression"
    try:
        re.compile(value)
    except re.error as error:
        return f"a regular expression ({error})"
    return None


def _tolerance(value: float, modifiers: Mapping[str, object], path: tuple[str, ...]) -> float:
    if not modifiers:
        raise PredicateError(path, '"approx" needs a tolerance: rel = 0.1 or abs = 2')
    for key, modifier in modifiers.items():
        if not is_number(modifier) or modifier < 0:
            raise PredicateError((*path[:-1], key), f'"{key}" wants a number from 0 up')
    rel, absolute = modifiers.get("rel", 0), modifiers.get("abs", 0)
    relative = abs(value) * Fraction(rel) if is_number(rel) else 0
    return _plain(max(relative, absolute if is_number(absolute) else 0))


def _plain(value: float | Fraction) -> float:
    """Return a number that prints as one; a share of an integer beyond all floats is cut to one."""
    try:
        return float(value)
    except OverflowError:
        return int(value)


def _refuse_contradiction(predicates: tuple[Predicate, ...], path: tuple[str, ...]) -> None:
    bounds = {one.op: one.operand for one in predicates if is_number(one.operand)}
    for low in (Op.AT_LEAST, Op.ABOVE):
        for high in (Op.AT_MOST, Op.BELOW):
            least, most = bounds.get(low), bounds.get(high)
            if not (is_number(least) and is_number(most)):
                continue
            closed = low is Op.AT_LEAST and high is Op.AT_MOST
            if least > most or (least == most and not closed):
                raise PredicateError(path, f"no number is {low} {least} and {high} {most}")


def plain_json(value: object, path: tuple[str, ...]) -> Json:
    """Return a value of TOML as JSON.

    Raises:
        PredicateError: it is what TOML can write and JSON cannot: a date, a time, an infinity.
    """
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, float) and value - value == 0:
        return value
    if isinstance(value, list):
        return [plain_json(one, path) for one in value]
    if isinstance(value, dict):
        return {key: plain_json(one, (*path, key)) for key, one in value.items()}
    raise PredicateError(path, f"{value} is no JSON value")
