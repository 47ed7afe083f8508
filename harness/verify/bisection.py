"""Find where an answer changes along a row of points, asking as few of them as possible.

Knows: points by their place in the row, and that answers can be compared. Must not know: what is
asked, of whom, or what an answer means.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar

_Answer = TypeVar("_Answer", bound="Answer")

MOST_TIMES = 3
"""A point whose answers differ is asked so many times as often as others."""

_MOST_OTHERS = 8
"""One answer in so many may be another one. With three answers a coin settles a point in one case
of four, and a neighbour of a change, asked on two VMs, in one of 27; with more, less often."""


class Answer(Protocol):
    """What a point says."""

    def same(self, other: object, /) -> bool:
        """Tell whether another answer says the same."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked(Generic[_Answer]):
    """Hold what one point came to.

    `answer` is None where there is none, and `reason` says why; `agreed` of `times` answers were
    this one.
    """

    answer: _Answer | None
    reason: str = ""
    times: int = 0
    agreed: int = 0

    @property
    def flaky(self) -> bool:
        """Tell whether the point did not answer alike each time."""
        return self.agreed < self.times


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """Hold two points, by their places, whose answers differ; none between them has answered."""

    last: int
    first: int


@dataclass(slots=True, kw_only=True)
class Search(Generic[_Answer]):
    """Look for the changes of an answer along a row.

    Args:
        count: how many points there are.
        ask: what the point at a place says.
        every: ask all of them, also between points that answer alike.
    """

    count: int
    ask: Callable[[int], Asked[_Answer]]
    every: bool = False
    asked: dict[int, Asked[_Answer]] = field(default_factory=dict)
    _sure: set[int] = field(default_factory=set)

    def changes(self) -> tuple[Change, ...]:
        """Ask, and return every change that was met, in the order of the row.

        Between two points that answer alike nothing is asked: two changes may hide there, unless
        `every` point is. None where fewer than two points answer. The neighbours of a change are
        asked a second time, and one that answers otherwise then has no answer.
        """
        while True:
            found = self._changes()
            places = {place for one in found for place in (one.last, one.first)} - self._sure
            if not places:
                return found
            for place in sorted(places):
                self._ask_again(place)

    def _ask_again(self, place: int) -> None:
        before, again = self.asked[place], self.ask(place)
        self._sure.add(place)
        alike = (
            before.answer is not None
            and again.answer is not None
            and before.answer.same(again.answer)
        )
        self.asked[place] = Asked(
            answer=again.answer if alike else None,
            reason="" if alike else "asked a second time, it answered otherwise",
            times=before.times + again.times,
            agreed=before.agreed + again.agreed if alike else before.agreed,
        )

    def _changes(self) -> tuple[Change, ...]:
        low = self._first_of(range(self.count))
        if low is None:
            return ()
        high = self._first_of(range(self.count - 1, low, -1))
        return () if high is None else tuple(self._between(low, high))

    def answered(self) -> Sequence[int]:
        """Return the places that have an answer."""
        return sorted(place for place, one in self.asked.items() if one.answer is not None)

    def unasked(self) -> Sequence[int]:
        """Return the places that nobody was asked at."""
        return [place for place in range(self.count) if place not in self.asked]

    def _between(self, low: int, high: int) -> Sequence[Change]:
        same = self._same(low, high)
        if same and not self.every:
            return []
        middle = (low + high) / 2
        inside = sorted(range(low + 1, high), key=lambda place: (abs(place - middle), place))
        found = self._first_of(inside)
        if found is None:
            return [] if same else [Change(last=low, first=high)]
        return [*self._between(low, found), *self._between(found, high)]

    def _first_of(self, places: Sequence[int]) -> int | None:
        return next((place for place in places if self._at(place).answer is not None), None)

    def _at(self, place: int) -> Asked[_Answer]:
        if place not in self.asked:
            self.asked[place] = self.ask(place)
        return self.asked[place]

    def _same(self, low: int, high: int) -> bool:
        one, other = self.asked[low].answer, self.asked[high].answer
        return one is not None and other is not None and one.same(other)


def settled(draw: Callable[[], _Answer], times: int) -> Asked[_Answer]:
    """Ask one point again and again: what it says must be what it says each time.

    Args:
        draw: one answer.
        times: how often; `MOST_TIMES` as often where the answers differ.

    Returns:
        The answer of all, or of all but one in eight; without one where there is no such.
    """
    drawn = [draw() for _ in range(times)]
    if len(_groups(drawn)) > 1:
        drawn += [draw() for _ in range((MOST_TIMES - 1) * times)]
    groups = _groups(drawn)
    best = max(groups, key=len)
    told = Asked(answer=best[-1], times=len(drawn), agreed=len(best))
    if _MOST_OTHERS * (len(drawn) - len(best)) <= len(drawn):
        return told
    sizes = ", ".join(str(size) for size in sorted(map(len, groups), reverse=True))
    reason = f"it does not answer alike: {len(drawn)} times asked, {len(groups)} answers ({sizes})"
    return Asked(answer=None, reason=reason, times=len(drawn), agreed=len(best))


def _groups(drawn: Sequence[_Answer]) -> list[list[_Answer]]:
    groups: list[list[_Answer]] = []
    for answer in drawn:
        group = next((one for one in groups if one[0].same(answer)), None)
        if group is None:
            groups.append([answer])
        else:
            group.append(answer)
    return groups
