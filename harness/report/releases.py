"""Releases as people say them: one, several, ranges of neighbours, and what is equal on them.

Knows: names of runtimes, in which order they stand. Must not know: claims, formats.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Generic, TypeVar

from harness.run.cells import release_order
from harness.run.versions import named, parts_of

_T = TypeVar("_T")

MANY = 8
"""More columns than this are folded where neighbours are equal: nobody reads sixty."""


def label(runtime: str) -> str:
    """Return a runtime's name as people say it: `otp27` as `OTP 27`, `otp27-app` `OTP 27 (app)`."""
    return f"OTP {short_label(runtime)}" if named(runtime) else runtime


def short_label(runtime: str) -> str:
    """Return a runtime's name without `OTP`, e.g. `27.1.3` or `27 (app)`."""
    version, other = parts_of(runtime)
    return f"{version} ({other})" if other else version


def labels(runtimes: Iterable[str], among: Iterable[str] = ()) -> str:
    """Return runtimes as people say them, neighbours joined: `OTP 24-26, 27.0-27.1.3`.

    Args:
        runtimes: those that are named.
        among: all that were asked; one that lies between two and is not named parts them. Without
            it only whole releases are joined: nobody knows which patches lie between two.
    """
    return _labels(tuple(runtimes), tuple(among))


@lru_cache(maxsize=4096)  # a report names the same few sets of releases thousands of times
def _labels(runtimes: tuple[str, ...], among: tuple[str, ...]) -> str:
    known = [name for name in runtimes if named(name)]
    others = [name for name in dict.fromkeys(runtimes) if name not in known]
    parts = [_said(names) for names in neighbours(known, among)]
    return ", ".join(filter(None, [f"OTP {', '.join(parts)}" if parts else "", *others]))


def neighbours(runtimes: Iterable[str], among: Collection[str] = ()) -> list[list[str]]:
    """Return runtimes in groups of neighbours: nothing lies between those of a group."""
    wanted = set(runtimes)
    groups: list[list[str]] = []
    is_open = False
    for name in sorted(wanted.union(among), key=release_order):
        if name not in wanted:
            is_open = is_open and is_one_of_several(name)
        elif groups and is_open and _adjoin(groups[-1][-1], name, sure=not among):
            groups[-1].append(name)
        else:
            groups.append([name])
            is_open = True
    return groups


def _adjoin(one: str, other: str, *, sure: bool = False) -> bool:
    """Tell whether nothing but patches can lie between two runtimes that stand side by side.

    `sure`: nor can patches.
    """
    if is_one_of_several(one) or is_one_of_several(other):
        return False
    if sure and "." in one + other:
        return False
    return release_order(other)[0][0] - release_order(one)[0][0] <= 1


def is_one_of_several(name: str) -> bool:
    """Tell whether a runtime is one of several of its release, or of no release at all."""
    parts = named(name)
    return parts is None or bool(parts[1])


def _said(names: Sequence[str]) -> str:
    first, last = short_label(names[0]), short_label(names[-1])
    return first if len(names) == 1 else f"{first}\N{EN DASH}{last}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch(Generic[_T]):
    """Hold a value that neighbouring runtimes share, and how people say where: `since 26`."""

    on: str
    runtimes: tuple[str, ...]
    value: _T


def stretches(
    items: Iterable[tuple[str, _T]], key: Callable[[_T], Hashable] | None = None
) -> tuple[Stretch[_T], ...]:
    """Fold neighbouring runtimes whose values are equal.

    Args:
        items: a value a runtime, in the order of the releases; all that were asked.
        key: what makes two values equal; the value itself without.

    Returns:
        In that order, e.g. `24-25`, `since 26`; the last is open where it is one of several and
        reaches the newest release.
    """
    grouped: list[tuple[list[str], _T]] = []
    for name, value in items:
        same = grouped and _key_of(grouped[-1][1], key) == _key_of(value, key)
        if same and _adjoin(grouped[-1][0][-1], name):
            grouped[-1][0].append(name)
        else:
            grouped.append(([name], value))
    last = len(grouped) - 1
    return tuple(
        Stretch(
            on=_open(names) if 0 < at == last else _said(names), runtimes=tuple(names), value=value
        )
        for at, (names, value) in enumerate(grouped)
    )


def _key_of(value: _T, key: Callable[[_T], Hashable] | None) -> object:
    return value if key is None else key(value)


def _open(names: Sequence[str]) -> str:
    """Say where the last of several stretches lies: from its first release on."""
    first = short_label(names[0])
    if len(names) == 1:
        return first
    return f"{first} on" if "." in first else f"since {first}"


def newest_of_each_release(runtimes: Iterable[str]) -> tuple[str, ...]:
    """Return all runtimes where they are few, else the newest of each release, the last of them."""
    names = sorted(runtimes, key=release_order)
    if len(names) <= MANY:
        return tuple(names)
    newest = {release_order(name)[0][0]: name for name in names}
    return tuple(newest.values())[-MANY:]
