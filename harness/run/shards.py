"""One machine's share of the calls: the same split on every machine that is given the same.

Knows: works, how long they take. Must not know: machines, how a work is done, predictions.

What is split are all calls that were asked for, also those that a machine has no release for, or
cannot meet the needs of: else a machine that lacks something would deal out other shares.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

from harness.errors import InputError
from harness.run.durations import Durations
from harness.run.work import Work

_SHARD = re.compile(r"(\d{1,6})/(\d{1,6})")


@dataclass(frozen=True, slots=True, kw_only=True)
class Shard:
    """Say which share: the `number`-th, counted from 1, `of` so many."""

    number: int
    of: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `2/8`.

        Raises:
            InputError: it is no share.
        """
        found = _SHARD.fullmatch(text.strip())
        if found is None:
            raise InputError(f"{text!r} is no share", hint="write 2/8 for the second of eight")
        shard = cls(number=int(found[1]), of=int(found[2]))
        if not 1 <= shard.number <= shard.of:
            raise InputError(f"there is no share {shard}: shares are numbered from 1 to {shard.of}")
        return shard

    def __str__(self) -> str:
        """Return it as it is typed."""
        return f"{self.number}/{self.of}"


def share(works: Iterable[Work], shard: Shard, durations: Durations) -> tuple[Work, ...]:
    """Return the works of one share.

    The longest goes first, to whoever has least to do so far; calls of time, which run alone, are
    dealt out by themselves, as they take a machine as long however many cores it has.
    """
    found = list(works)
    takers: dict[tuple[str, str], int] = {}
    total = [0.0] * shard.of
    for timing in (True, False):
        kind = [0.0] * shard.of
        for work in sorted(found, key=lambda one: _rank(one, durations)):
            if work.call.timing == timing:
                taker = min(range(shard.of), key=lambda at: (kind[at], total[at], at))
                weight = durations.of(work.call)
                kind[taker] += weight
                total[taker] += weight
                takers[work.runtime, work.call.id] = taker
    own = shard.number - 1
    return tuple(work for work in found if takers[work.runtime, work.call.id] == own)


def _rank(work: Work, durations: Durations) -> tuple[float, str, str]:
    return -durations.of(work.call), work.call.id, work.runtime
