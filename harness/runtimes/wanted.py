"""What `--otp` asks for: releases, and patch releases by their full versions.

Knows: how they are written and which version is meant. Must not know: what can be had.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from harness.errors import InputError
from harness.run import versions
from harness.run.releases import parse_releases
from harness.run.versions import Key

_HINT = "write releases as 25,27 or 24-27, patch releases as 27.1.2, '27.*' or 26.2-27.1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Patches:
    """Ask for patch releases: one by its version, or all that can be had of some.

    Args:
        text: as it was written.
        low: the least version, or `None`.
        high: the greatest, or what its numbers begin with; `None` is no bound.
        prefix: what the numbers begin with.
        exact: the one version that is asked for; it is missing where it cannot be had.
    """

    text: str
    low: Key | None = None
    high: Key | None = None
    prefix: tuple[int, ...] = ()
    exact: str = ""

    @property
    def release(self) -> int:
        """Return the release that a reader looks for it under: the first one."""
        return versions.key(self.text)[0][0]

    def takes(self, version: str) -> bool:
        """Tell whether a full version is asked for."""
        if not versions.is_full(version):
            return False
        own = versions.key(version)
        if self.exact:
            return own == versions.key(self.exact)
        if own[0][: len(self.prefix)] != self.prefix:
            return False
        if self.low is not None and own < self.low:
            return False
        return self.high is None or own <= self.high or self._within_high(own)

    def _within_high(self, own: Key) -> bool:
        """Tell whether a range to a whole release takes a version of it: `26.1-27`."""
        return self.high is not None and len(self.high[0]) == 1 and own[0][:1] == self.high[0]


Wanted = int | Patches
"""A release, from wherever it comes first, or patch releases of one or more."""

ALL = Patches(text="0")
"""Every patch release that can be had."""

_VERSION = rf"(?:{versions.FULL}|\d{{2}})"
_WHOLE = re.compile(r"\d{2}(?:-\d{2})?")
_EXACT = re.compile(versions.FULL)
_EVERY = re.compile(r"(?P<prefix>\d{2}(?:\.\d+)*)\.\*")
_BETWEEN = re.compile(rf"(?P<low>{_VERSION})-(?P<high>{_VERSION})")


def parse(text: str) -> tuple[Wanted, ...]:
    """Read `25,27`, `24-27`, `27.1.2`, `27.*`, `26.2-27.1` or a mix of them.

    Returns:
        What is asked for, each once, in the order of versions.

    Raises:
        InputError: the text names no release.
    """
    found: dict[Wanted, None] = {}
    for part in map(str.strip, text.split(",")):
        for one in _part(part, text):
            found[one] = None
    return tuple(sorted(found, key=_order))


def names(text: str) -> tuple[str, ...]:
    """Return the columns that `25,27.1.2` names one by one, as cells carry them.

    Raises:
        InputError: the text names none, or patch releases that only a machine can tell.
    """
    found = parse(text)
    for one in found:
        if isinstance(one, Patches) and not one.exact:
            raise InputError(f"{one.text} names no column", hint="name each: 27.1.2,27.2")
    return tuple(f"otp{one if isinstance(one, int) else one.exact}" for one in found)


def _part(part: str, text: str) -> Iterable[Wanted]:
    if _WHOLE.fullmatch(part):
        return parse_releases(part)
    if _EXACT.fullmatch(part):
        return [Patches(text=part, exact=part)]
    if (every := _EVERY.fullmatch(part)) is not None:
        return [Patches(text=part, prefix=versions.key(every["prefix"])[0])]
    if (between := _BETWEEN.fullmatch(part)) is None:
        raise InputError(f"--otp {text}: {part!r} is no release", hint=_HINT)
    bounds = versions.key(between["low"]), versions.key(between["high"])
    if bounds[1] < bounds[0] and bounds[1][0] != bounds[0][0][:1]:
        raise InputError(f"--otp {text}: the range {part} runs backwards")
    return [Patches(text=part, low=bounds[0], high=bounds[1])]


def _order(one: Wanted) -> tuple[Key, str]:
    text = str(one) if isinstance(one, int) else one.text
    return versions.key(text), text
