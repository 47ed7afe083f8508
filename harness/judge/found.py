"""What evidence has at a path, in one short line that answers what was predicted of it.

Knows: predicates and plain values. Must not know: claims, formats.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from harness.claims.predicates import (
    MISSING,
    Leaf,
    Missing,
    Op,
    Pattern,
    Table,
    find,
    is_number,
    show,
)
from harness.run.cells import Json


def found_text(leaf: Leaf, value: Json | Missing) -> str:
    """Return a value: of what is asked for its length that first, of a list what is asked of all.

    Args:
        leaf: what was predicted.
        value: what was found.
    """
    asked = {predicate.op for predicate in leaf.predicates}
    if asked == {Op.LENGTH} and isinstance(value, list | str | dict):
        return f"length {len(value)}: {show(value)}"
    if asked == {Op.ALL} and isinstance(value, list) and value:
        inner = leaf.predicates[0].inner
        parts = list(_of_all(inner, value, ())) if inner is not None else []
        if parts and all(parts):
            return f"{len(value)} elements: {', '.join(parts)}"
    return show(value)


def _of_all(pattern: Pattern, rows: Sequence[Json], path: tuple[str, ...]) -> Iterator[str]:
    """Yield what the elements have at each key that is asked for; nothing where one lacks it."""
    if isinstance(pattern, Table):
        for key, inner in pattern.entries:
            yield from _of_all(inner, rows, (*path, key))
        return
    values = [_at(row, path) for row in rows]
    name = f"{'.'.join(path)} " if path else ""
    numbers = [value for value in values if is_number(value)]
    if len(numbers) == len(values):
        low, high = show(min(numbers)), show(max(numbers))
        yield f"{name}{low}" if low == high else f"{name}{low} to {high}"
    else:
        texts = dict.fromkeys(show(value) for value in values)
        yield "" if MISSING in values or len(texts) > 1 else f"{name}{next(iter(texts))}"


def _at(row: Json, path: tuple[str, ...]) -> Json | Missing:
    if not path:
        return row
    return find(row, path) if isinstance(row, dict) else MISSING
