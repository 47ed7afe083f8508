"""What predictions are, a closed set of predicates, and the plain values that they speak of.

Knows: predicates and plain JSON values. Must not know: claims, releases, files, what holds.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum, StrEnum
from math import copysign
from typing import Final, TypeGuard

from harness.run.cells import Json
from harness.system.visible import visible_json


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
    SEARCH = "search"
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


def is_number(value: object) -> TypeGuard[int | float]:
    """Tell numbers from everything else; a boolean is no number."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def same(left: Json, right: Json) -> bool:
    """Compare two values deeply: 64 equals 64.0, but true does not equal 1, nor 0.0 equal -0.0."""
    if isinstance(left, float) and isinstance(right, float) and left == right == 0:
        return copysign(1, left) == copysign(1, right)
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
    text = visible_json(json.dumps(_rounded(value), ensure_ascii=False))
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


def _rounded(value: Json) -> Json:
    if isinstance(value, float):
        return float(f"{value:.6g}")
    if isinstance(value, list):
        return [_rounded(one) for one in value]
    if isinstance(value, dict):
        return {key: _rounded(one) for key, one in value.items()}
    return value
