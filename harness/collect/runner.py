"""Collect: do works on nodes and hand over one observation each.

Knows: workers, order, repetition, isolation. Must not know: predictions or verdicts; what they
decide (more samples, stop, keep the node) comes in through `Steering`.
"""

from __future__ import annotations

import random
import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Protocol

from harness.collect.agenda import Agenda, Spot
from harness.collect.lane import unobserved
from harness.collect.place import Draws, Place
from harness.errors import BeamproofError, InfrastructureError, PlaceLostError
from harness.run.model import Observation
from harness.run.work import Work
from harness.system.waiting import await_all

_MOST_LOST = 3
"""So many places may be lost with one work in hand; then it is what they die of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """Say what is made of an observation.

    `more` asks for another sample; without it the observation is final, `keep` tells that its node
    is worth a look, and `go_on` whether the run does.
    """

    more: bool = False
    keep: bool = False
    go_on: bool = True


class Steering(Protocol):
    """Decide on observations without the runner knowing why."""

    def decide(self, observation: Observation) -> Decision:
        """Judge an observation as far as it has got, and take it if it is final.

        Called from the worker's own thread, once a sample, from the least number of samples on.
        """
        ...


class Listener(Protocol):
    """Follow the progress of a run; every method is called from the worker's own thread."""

    def work_started(self, work: Work) -> None:
        """Learn that a work is in hand."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Say how works are done.

    `jobs` is how many nodes work at once; `seed` shuffles the order of the works; `keep` leaves
    the container of a failed one behind; `isolate` gives every call a fresh node.
    """

    jobs: int = 2
    seed: int | None = None
    keep: bool = False
    isolate: bool = False


@dataclass(slots=True, kw_only=True)
class Collector:
    """Do works at places, those of time last, one at a time on each machine.

    Args:
        places: where.
        steering: decides on observations.
        listener: follows the progress.
        options: how works are done.
        seconds: how long works took before, by runtime and name of the call.

    `gone` are the runtimes that gave no node any more, and why.
    """

    places: Sequence[Place]
    steering: Steering
    listener: Listener
    options: Options
    seconds: Mapping[tuple[str, str], float] = field(default_factory=dict)
    gone: dict[str, InfrastructureError] = field(default_factory=dict)
    _stop: threading.Event = field(default_factory=threading.Event)
    _lanes: list[Draws] = field(default_factory=list)
    _lost: dict[int, PlaceLostError] = field(default_factory=dict)
    _took: Counter[tuple[str, str]] = field(default_factory=Counter)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def run(self, works: Sequence[Work]) -> None:
        """Do all works, or as many as `steering` wants.

        Raises:
            InfrastructureError: a runtime vanished; all that others have to do has been done.
            KeyboardInterrupt: all nodes have been ended; what was observed has been taken.
        """
        ordered = self._ordered(works)
        self._together([work for work in ordered if not work.call.timing], alone=False)
        self._together([work for work in ordered if work.call.timing], alone=True)
        for error in self.gone.values():
            raise error

    def _ordered(self, works: Sequence[Work]) -> list[Work]:
        ordered = list(works)
        if self.options.seed is not None:
            random.Random(self.options.seed).shuffle(ordered)  # noqa: S311 - order, not secrecy
        return ordered

    def _together(self, works: Sequence[Work], *, alone: bool) -> None:
        """Do works until none is left, those again that a place took with it."""
        left = list(works)
        while left and not self._stop.is_set():
            here = [work for work in left if work.runtime not in self.gone]
            places = self._slots(here, alone=alone)
            if not places:
                self._refuse(here)
                return
            left = self._once(here, places)

    def _slots(self, works: Sequence[Work], *, alone: bool) -> list[Place]:
        """Return the places that have something to do, each as often as lanes work there.

        Every place comes once before any comes again: few works are spread over machines.
        """
        there = [
            place
            for place in self.places
            if id(place) not in self._lost and any(map(place.serves, works))
        ]
        if alone:  # what measures time has its machine for itself
            return list({place.host: place for place in reversed(there)}.values())
        most = max((place.slots for place in there), default=0)
        return [place for lane in range(most) for place in there if lane < place.slots]

    def _refuse(self, works: Sequence[Work]) -> None:
        for work in works:
            error = InfrastructureError(f"{work.runtime}: no place is left that has it")
            for lost in self._lost.values():
                error = InfrastructureError(f"{work.runtime}: {lost.message}", hint=lost.hint)
            self.gone.setdefault(work.runtime, error)

    def _once(self, works: Sequence[Work], places: Sequence[Place]) -> list[Work]:
        """Do works; return those whose place was lost meanwhile, and what only it served."""
        agenda = Agenda(works, seconds=self.seconds, in_order=self.options.seed is not None)
        again: list[Work] = []
        workers = places[: len(works)]
        with ThreadPoolExecutor(len(workers), thread_name_prefix="lane") as pool:
            futures = [pool.submit(self._worker, agenda, place, again) for place in workers]
            try:
                await_all(futures)
            except BaseException:
                self._end_everything(agenda)
                raise
        return [*again, *agenda.left()]

    def _worker(self, agenda: Agenda, place: Place, again: list[Work]) -> None:
        """Draw works until there are none, on one lane after the other."""
        lane: Draws | None = None
        spot = Spot(host=place.host, room=place.room(), serves=place.serves, ready=place.ready)
        try:
            while (work := agenda.take(lane.runtime if lane else None, spot)) is not None:
                try:
                    if lane is None or lane.runtime != work.runtime:
                        if lane is not None:
                            lane.close()
                        lane = self._lane(place, work.runtime)
                    self._do(lane, work, agenda)
                except PlaceLostError as error:
                    self._lost.setdefault(id(place), error)
                    if self._is_to_be_repeated(work, error):
                        again.append(work)
                    return
                finally:
                    agenda.done(work, spot)
                    if self._stop.is_set():
                        agenda.drop()
        finally:
            if lane is not None:
                lane.close()

    def _is_to_be_repeated(self, work: Work, error: PlaceLostError) -> bool:
        """Tell whether another place does a lost work; not one that places seem to die of."""
        with self._lock:
            self._took[work.runtime, work.call.id] += 1
            times = self._took[work.runtime, work.call.id]
        if times < _MOST_LOST:
            return True
        self.steering.decide(unobserved(work, f"{error.message}, and {times - 1} others before it"))
        return False

    def _lane(self, place: Place, runtime: str) -> Draws:
        lane = place.lane(runtime)
        with self._lock:
            self._lanes.append(lane)
        if self._stop.is_set():
            lane.kill()
        return lane

    def _do(self, lane: Draws, work: Work, agenda: Agenda) -> None:
        self.listener.work_started(work)
        try:
            self._observe(lane, work)
        except PlaceLostError:
            raise
        except InfrastructureError as error:
            with self._lock:
                self.gone.setdefault(work.runtime, error)
            agenda.drop(work.runtime)

    def _observe(self, lane: Draws, work: Work) -> None:
        observation: Observation | None = None
        decision = Decision(more=True)
        while decision.more:
            observation = lane.draw(work, observation)
            short = len(observation.samples) < work.call.repeat
            if self._stop.is_set() and (observation.failed or short):
                return  # its node was ended under the probe: that is no evidence of anything
            if observation.failed or not short:
                decision = self.steering.decide(observation)
        if self.options.keep and decision.keep:
            lane.leave_node()
        if not decision.go_on:
            self._stop.set()

    def _end_everything(self, agenda: Agenda) -> None:
        self._stop.set()
        agenda.drop()
        with self._lock:
            lanes = list(self._lanes)
        for lane in lanes:
            lane.kill()


def describe(error: BaseException) -> str:
    """Return the one line of an error that ends a run, for its footer."""
    if isinstance(error, BeamproofError):
        return error.message
    return f"{type(error).__name__}: {error}"
