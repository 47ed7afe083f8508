"""The one queue that all lanes draw from: what is next, and for whom.

Knows: works, how long they took before, what each machine has room for. Must not know: nodes, or
how a work is done.

A worker stays with the runtime whose node it has. Within a runtime the longest work comes first, so
that nobody waits for one at the end; only the very first is the shortest, so that something is seen
(and a node proven fit) at once.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Literal

from harness.bridge.channel import Limits
from harness.collect.limited import limits_of
from harness.collect.room import Room, is_large
from harness.run.durations import NODE_START_S
from harness.run.work import Work

_TICK_S = 0.1
_GUESS_S = 0.02
"""A sample of a call that no stored run knows."""


class Later(Enum):
    """Say that what is left has to wait for room."""

    LATER = "later"


LATER = Later.LATER


def _everything(_work: Work) -> bool:
    return True


def _nothing(_runtime: str) -> bool:
    return False


@dataclass(frozen=True, slots=True, kw_only=True)
class Spot:
    """Say where a worker works: the machine with its room, and which works can be done there.

    `ready` tells whether a node of a runtime runs there that nobody has taken.
    """

    host: str = ""
    room: Room
    serves: Callable[[Work], bool] = _everything
    ready: Callable[[str], bool] = _nothing


@dataclass(slots=True)
class _Line:
    """Hold what waits for one runtime, the next last, and how long all of it will take."""

    works: list[Work] = field(default_factory=list)
    seconds: float = 0.0


class Agenda:
    """Hand out works to the workers of a run; safe to share among threads.

    Args:
        works: what is to be done.
        seconds: how long works took before, by runtime and name of the call.
        in_order: hand a runtime's works out as they are given, not the longest first.
    """

    def __init__(
        self,
        works: Iterable[Work],
        *,
        seconds: Mapping[tuple[str, str], float],
        in_order: bool = False,
    ) -> None:
        self._seconds = seconds
        self._changed = threading.Condition()
        self._waiting: dict[str, _Line] = {}
        self._workers: Counter[str] = Counter()
        self._large: list[tuple[str, Limits]] = []
        for work in works:
            line = self._waiting.setdefault(work.runtime, _Line())
            line.works.append(work)
            line.seconds += self.expected_s(work)
        for line in self._waiting.values():
            if not in_order:
                _order(line.works, self.expected_s)
            line.works.reverse()

    def expected_s(self, work: Work) -> float:
        """Return how long a work will take, as far as that is known."""
        known = self._seconds.get((work.runtime, work.call.id))
        if known is None:
            known = work.call.repeat * _GUESS_S
        return known + (NODE_START_S if work.call.alone else 0)

    def take(self, runtime: str | None, spot: Spot) -> Work | None:
        """Return the next work for a worker, waiting while all that is left needs room.

        Args:
            runtime: whose node the worker has; None if it has none.
            spot: where the worker is.

        Returns:
            None when nothing is left for it that is worth another node.
        """
        with self._changed:
            while (found := self.offer(runtime, spot)) is LATER:
                self._changed.wait(_TICK_S)
            return found

    def offer(self, runtime: str | None, spot: Spot) -> Work | Literal[Later.LATER] | None:
        """Return what `take` would, and LATER in place of waiting."""
        with self._changed:
            work = self._next(runtime, spot)
            if work is not None:
                self._hand_out(work, runtime, spot)
                return work
            if self._waits_for_room(spot):
                return LATER
            self._move(runtime, None)
            return None

    def done(self, work: Work, spot: Spot) -> None:
        """Note that a work that was handed out at a spot has ended."""
        with self._changed:
            if is_large(limits := limits_of(work.call)):
                self._large.remove((spot.host, limits))
            self._changed.notify_all()

    def drop(self, runtime: str | None = None) -> None:
        """Forget what is left to do on a runtime that is gone, or everywhere."""
        with self._changed:
            for name in [runtime] if runtime else list(self._waiting):
                self._waiting.pop(name, None)
            self._changed.notify_all()

    def left(self) -> list[Work]:
        """Return what nobody has taken."""
        with self._changed:
            return [work for line in self._waiting.values() for work in reversed(line.works)]

    def _next(self, runtime: str | None, spot: Spot) -> Work | None:
        if runtime is not None and (own := self._fitting(runtime, spot)) is not None:
            return own
        others = sorted(self._waiting, key=self._load_s, reverse=True)
        for name in others:
            if name != runtime and (spot.ready(name) or self._is_worth_a_node(name)):
                work = self._fitting(name, spot)
                if work is not None:
                    return work
        return None

    def _fitting(self, runtime: str, spot: Spot) -> Work | None:
        line = self._waiting.get(runtime)
        works = reversed(line.works) if line else ()
        return next((one for one in works if spot.serves(one) and self._fits(one, spot)), None)

    def _fits(self, work: Work, spot: Spot) -> bool:
        if not is_large(limits := limits_of(work.call)):
            return True
        there = [large for host, large in self._large if host == spot.host]
        return spot.room.holds([*there, limits])

    def _load_s(self, runtime: str) -> float:
        """Return what one more worker of a runtime would have to do."""
        line = self._waiting.get(runtime)
        return (line.seconds if line else 0.0) / (self._workers[runtime] + 1)

    def _is_worth_a_node(self, runtime: str) -> bool:
        return self._workers[runtime] <= 0 or self._load_s(runtime) > NODE_START_S

    def _waits_for_room(self, spot: Spot) -> bool:
        return any(
            spot.serves(work) and not self._fits(work, spot) and self._is_worth_a_node(name)
            for name, line in self._waiting.items()
            for work in line.works
        )

    def _hand_out(self, work: Work, runtime: str | None, spot: Spot) -> None:
        line = self._waiting[work.runtime]
        at = next(at for at in range(len(line.works) - 1, -1, -1) if line.works[at] is work)
        del line.works[at]  # nearly always the last, which costs nothing
        line.seconds -= self.expected_s(work)
        if not line.works:
            del self._waiting[work.runtime]
        if is_large(limits := limits_of(work.call)):
            self._large.append((spot.host, limits))
        self._move(runtime, work.runtime)

    def _move(self, here: str | None, there: str | None) -> None:
        """Count a worker where its next node is."""
        self._workers.subtract([here] if here else [])
        self._workers.update([there] if there else [])


def _order(works: list[Work], expected_s: Callable[[Work], float]) -> None:
    """Sort works by length, the longest first, but the shortest of all before them."""
    shortest = min(works, key=expected_s)
    works.remove(shortest)
    works.sort(key=expected_s, reverse=True)
    works.insert(0, shortest)
