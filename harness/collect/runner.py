"""Collect: do works on nodes and hand over one observation each.

Knows: workers, order, repetition, isolation. Must not know: predictions or verdicts; what they
decide (more samples, stop, keep the node) comes in through `Steering`.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Mapping, MutableMapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Protocol

from harness.collect.agenda import Agenda
from harness.collect.lane import Lane
from harness.collect.node import Node
from harness.collect.room import room_here
from harness.collect.workshop import Workshop
from harness.errors import BeamproofError, InfrastructureError
from harness.run.model import Observation
from harness.run.work import Work
from harness.runtimes import Runtime
from harness.system.waiting import await_all


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
    """Do works on their runtimes, those of time last and alone.

    Args:
        runtimes: by name (`otp27`).
        nodes: a node of each that already runs; taken (and emptied) by the first lanes.
        workshop: what every lane shares: compiled probes, native libraries, node names.
        workshops: other ones, by the names of the runtimes whose probes are other ones.
        steering: decides on observations.
        listener: follows the progress.
        options: how works are done.
        seconds: how long works took before, by runtime and name of the call.

    `gone` are the runtimes that gave no node any more, and why.
    """

    runtimes: Mapping[str, Runtime]
    nodes: MutableMapping[str, Node]
    workshop: Workshop
    steering: Steering
    listener: Listener
    options: Options
    seconds: Mapping[tuple[str, str], float] = field(default_factory=dict)
    workshops: Mapping[str, Workshop] = field(default_factory=dict)
    gone: dict[str, InfrastructureError] = field(default_factory=dict)
    _stop: threading.Event = field(default_factory=threading.Event)
    _lanes: list[Lane] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def run(self, works: Sequence[Work]) -> None:
        """Do all works, or as many as `steering` wants.

        Raises:
            InfrastructureError: a runtime vanished; all that others have to do has been done.
            KeyboardInterrupt: all nodes have been ended; what was observed has been taken.
        """
        ordered = self._ordered(works)
        self._together([work for work in ordered if not work.call.timing], self.options.jobs)
        self._together([work for work in ordered if work.call.timing], 1)
        for error in self.gone.values():
            raise error

    def _ordered(self, works: Sequence[Work]) -> list[Work]:
        ordered = list(works)
        if self.options.seed is not None:
            random.Random(self.options.seed).shuffle(ordered)  # noqa: S311 - order, not secrecy
        return ordered

    def _together(self, works: Sequence[Work], jobs: int) -> None:
        works = [work for work in works if work.runtime not in self.gone]
        if not works or self._stop.is_set():
            return
        agenda = Agenda(
            works,
            seconds=self.seconds,
            room=room_here(),
            in_order=self.options.seed is not None,
        )
        workers = min(jobs, len(works))
        with ThreadPoolExecutor(workers, thread_name_prefix="lane") as pool:
            futures = [pool.submit(self._worker, agenda) for _ in range(workers)]
            try:
                await_all(futures)
            except BaseException:
                self._end_everything(agenda)
                raise

    def _worker(self, agenda: Agenda) -> None:
        """Draw works until there are none, on one lane after the other."""
        lane: Lane | None = None
        try:
            while (work := agenda.take(lane.runtime if lane else None)) is not None:
                if lane is None or lane.runtime != work.runtime:
                    if lane is not None:
                        lane.close()
                    lane = self._lane(work.runtime)
                self._do(lane, work, agenda)
        finally:
            if lane is not None:
                lane.close()

    def _lane(self, runtime: str) -> Lane:
        with self._lock:
            lane = Lane(
                self.runtimes[runtime],
                self.workshops.get(runtime, self.workshop),
                self.nodes.pop(runtime, None),
                isolate=self.options.isolate,
            )
            self._lanes.append(lane)
        if self._stop.is_set():
            lane.kill()
        return lane

    def _do(self, lane: Lane, work: Work, agenda: Agenda) -> None:
        self.listener.work_started(work)
        try:
            self._observe(lane, work)
        except InfrastructureError as error:
            with self._lock:
                self.gone.setdefault(work.runtime, error)
            agenda.drop(work.runtime)
        finally:
            agenda.done(work)
            if self._stop.is_set():
                agenda.drop()

    def _observe(self, lane: Lane, work: Work) -> None:
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
