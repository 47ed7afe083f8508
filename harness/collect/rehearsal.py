"""How long a run would take on so many workers: the run's own queue, and a clock that jumps.

Knows: the agenda, who draws, how long works took. Must not know: nodes, or how a work is done.
"""

from __future__ import annotations

import heapq
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from harness.collect.agenda import LATER, Agenda, Spot
from harness.collect.room import Room
from harness.run.durations import NODE_START_S
from harness.run.work import Work


@dataclass(frozen=True, slots=True, kw_only=True)
class Rehearsal:
    """Hold what a run would take.

    Units: seconds; `timing_s` of the calls of time, which come last, one a machine; `others_s` of
    all others; `works_s` and `timing_works_s` are the sums of the calls themselves.
    """

    others_s: float
    timing_s: float
    works_s: float
    timing_works_s: float

    @property
    def whole_s(self) -> float:
        """Return how long all would take."""
        return self.others_s + self.timing_s


def rehearse(
    works: Sequence[Work],
    seconds: Mapping[tuple[str, str], float],
    *,
    hosts: int,
    lanes: int,
    room: Room,
) -> Rehearsal:
    """Play a run through.

    Args:
        works: all of them.
        seconds: how long each takes, by runtime and name of the call.
        hosts: how many machines.
        lanes: how many lanes on each.
        room: what each has room for.
    """
    timing = [work for work in works if work.call.timing]
    others = [work for work in works if not work.call.timing]
    spots = [Spot(host=str(number), room=room) for number in range(hosts)]
    return Rehearsal(
        others_s=_played(others, seconds, [spot for _ in range(lanes) for spot in spots]),
        timing_s=_played(timing, seconds, spots),
        works_s=sum(seconds[work.runtime, work.call.id] for work in others),
        timing_works_s=sum(seconds[work.runtime, work.call.id] for work in timing),
    )


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class _Turn:
    """Be the moment at which a worker draws: when, who, with whose node, after which work."""

    at_s: float
    number: int
    runtime: str = ""
    done: int = -1


def _played(
    works: Sequence[Work], seconds: Mapping[tuple[str, str], float], spots: Sequence[Spot]
) -> float:
    agenda = Agenda(works, seconds=seconds)
    numbered = {id(work): number for number, work in enumerate(works)}
    turns = [_Turn(at_s=0.0, number=number) for number in range(min(len(spots), len(works)))]
    held: list[_Turn] = []
    end_s = 0.0
    while turns:
        turn = heapq.heappop(turns)
        spot = spots[turn.number]
        if turn.done >= 0:
            agenda.done(works[turn.done], spot)
            end_s = max(end_s, turn.at_s)
            for waiting in held:  # who waits for room asks whenever something has ended
                heapq.heappush(turns, replace(waiting, at_s=turn.at_s))
            held.clear()
        found = agenda.offer(turn.runtime or None, spot)
        if found is LATER:
            held.append(replace(turn, done=-1))
        elif found is not None:
            takes_s = seconds[found.runtime, found.call.id]
            starts = found.call.alone or found.runtime != turn.runtime
            until_s = turn.at_s + takes_s + (NODE_START_S if starts else 0.0)
            heapq.heappush(
                turns,
                _Turn(
                    at_s=until_s,
                    number=turn.number,
                    runtime=found.runtime,
                    done=numbered[id(found)],
                ),
            )
    return end_s
