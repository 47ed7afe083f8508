"""Values by release as strips: a part for each stretch of releases that share a value.

Knows: ranges of releases. Must not know: markup.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from harness.report.evidence import KeyRanges
from harness.report.releases import Stretch

_SHADES = 6
"""How many shades the style sheet has for values, `.s0` and so on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Hold one stretch of a strip; equal values have the same shade.

    Units: `at` and `width` are releases.
    """

    stretch: Stretch[str]
    at: int
    width: int
    shade: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Strip:
    """Hold one key's strip, as wide as there are releases."""

    ranges: KeyRanges
    width: int
    parts: tuple[Part, ...]


def strips(found: Iterable[KeyRanges], runtimes: Sequence[str]) -> tuple[Strip, ...]:
    """Return a strip a key.

    Args:
        found: keys whose values differ by release.
        runtimes: all releases, in their order.
    """
    places = {name: at for at, name in enumerate(runtimes)}
    return tuple(_strip(one, places) for one in found)


def _strip(ranges: KeyRanges, places: dict[str, int]) -> Strip:
    values = list(dict.fromkeys(one.value for one in ranges.stretches))
    return Strip(
        ranges=ranges,
        width=len(places),
        parts=tuple(
            Part(
                stretch=one,
                at=places[one.runtimes[0]],
                width=len(one.runtimes),
                shade=values.index(one.value) % _SHADES,
            )
            for one in ranges.stretches
        ),
    )
