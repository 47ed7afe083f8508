"""The units that keys of evidence end in.

Knows: how each is written and printed, and how much it scatters. Must not know: evidence, claims.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """Hold one unit.

    `shown` is how it is printed behind a value's name. `measured` tells that probes find it and
    never sweep it. `scatter` is the relative scatter that it is granted between two nights, however
    few samples there are, on a machine that others use; None for what is exact. `noise` is the
    scatter around nothing, in the unit itself, e.g. of the slope of what is flat.
    """

    shown: str
    measured: bool = False
    scatter: float | None = None
    noise: float = 0.0


UNITS: Final = {
    "bits": Unit(shown="bits"),
    "bytes": Unit(shown="bytes", scatter=0.1),  # memory moves by a carrier or two
    "words": Unit(shown="words", scatter=0.1),
    "characters": Unit(shown="characters"),
    "ns": Unit(shown="ns", measured=True, scatter=1.0),  # durations double
    "us": Unit(shown="µs", measured=True, scatter=1.0),
    "ms": Unit(shown="ms", measured=True, scatter=1.0),
    "s": Unit(shown="s", measured=True, scatter=1.0),
    "count": Unit(shown="count"),
    "ratio": Unit(shown="ratio", measured=True, scatter=0.5, noise=0.05),
    "percent": Unit(shown="%", measured=True, scatter=0.5, noise=1.0),
    "exponent": Unit(shown="exponent", measured=True, scatter=0.25, noise=0.05),
    "reductions": Unit(shown="reductions", scatter=0.1),
    "release": Unit(shown="release"),
    "index": Unit(shown="index"),
    "arity": Unit(shown="arity"),
    "status": Unit(shown="exit status"),
    "number": Unit(shown="number"),  # of no dimension at all
}
"""Every unit by what a key ends in, in the order in which they are listed."""

_SOMEWHERE = re.compile(rf"(?:^|_)(?:{'|'.join(UNITS)})s?(?:_|$)")


def unit_of(key: str) -> str:
    """Return the unit that a key ends in, or nothing."""
    ending = key.rpartition("_")[2]
    return ending if ending in UNITS else ""


def names_unit(key: str) -> bool:
    """Tell whether a unit stands anywhere in a key, e.g. `words_per_object`."""
    return _SOMEWHERE.search(key) is not None
