"""Collect: run cells on nodes and hand over one observation a cell.

Knows: nodes, order, deadlines, repetition, isolation. Must not know: predictions or verdicts; what
they decide (more samples, stop, keep the node) comes in through `Steering`.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterable, Mapping, MutableMapping, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from typing import Protocol

from harness.collect.lane import Lane
from harness.collect.node import Node
from harness.collect.workshop import Workshop
from harness.errors import BeamproofError
from harness.run.cells import Cell
from harness.run.model import Observation
from harness.runtimes import Runtime

_TICK_S = 0.1
"""How long the main thread waits before it looks for Ctrl-C again."""


class Steering(Protocol):
    """Decide on an observation without the runner knowing why."""

    def enough(self, observation: Observation) -> bool:
        """Tell whether no further sample is wanted."""
        ...

    def accept(self, observation: Observation) -> bool:
        """Take a finished observation (store it, show it); return whether to go on."""
        ...

    def failed(self, observation: Observation) -> bool:
        """Tell whether the node of this cell is worth keeping for a look."""
        ...


class Listener(Protocol):
    """Follow the progress of a run; every method is called from the lane's own thread."""

    def cell_started(self, cell: Cell) -> None:
        """Learn that a cell is in hand."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Say how cells are run.

    `jobs` is how many nodes work at once; `seed` shuffles the order of the cells; `keep` leaves
    the container of a failed cell behind.
    """

    jobs: int = 2
    seed: int | None = None
    keep: bool = False


@dataclass(slots=True, kw_only=True)
class Collector:
    """Run cells on their runtimes, timing cells last and alone.

    Args:
        runtimes: by name (`otp27`).
        nodes: a node of each that already runs; taken (and emptied) by the first lanes.
        workshop: what every lane shares: compiled probes, native libraries, node names.
        steering: decides on observations.
        listener: follows the progress.
        options: how cells are run.
    """

    runtimes: Mapping[str, Runtime]
    nodes: MutableMapping[str, Node]
    workshop: Workshop
    steering: Steering
    listener: Listener
    options: Options
    _stop: threading.Event = field(default_factory=threading.Event)
    _lanes: list[Lane] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def collect(self, cells: Sequence[Cell]) -> None:
        """Run all cells, or as many as `steering` wants.

        Raises:
            InfrastructureError: a runtime vanished; what was observed has been accepted.
            KeyboardInterrupt: all nodes have been ended; what was observed has been accepted.
        """
        self._run_lanes(self._slices([cell for cell in cells if not cell.call.timing]))
        for lane in self._slices([cell for cell in cells if cell.call.timing], split=False):
            self._run_lanes([lane])

    def _slices(
        self, cells: Sequence[Cell], *, split: bool = True
    ) -> list[tuple[Runtime, list[Cell]]]:
        """Deal the cells of each runtime to as many lanes as its share of the jobs."""
        by_runtime: dict[str, list[Cell]] = {}
        for cell in self._ordered(cells):
            by_runtime.setdefault(cell.id.runtime, []).append(cell)
        share = max(1, self.options.jobs // max(1, len(by_runtime))) if split else 1
        return [
            (self.runtimes[name], own[start::share])
            for name, own in by_runtime.items()
            for start in range(min(share, len(own)))
        ]

    def _ordered(self, cells: Sequence[Cell]) -> list[Cell]:
        ordered = list(cells)
        if self.options.seed is not None:
            random.Random(self.options.seed).shuffle(ordered)  # noqa: S311 - order, not secrecy
        return ordered

    def _run_lanes(self, slices: Iterable[tuple[Runtime, list[Cell]]]) -> None:
        work = list(slices)
        if not work or self._stop.is_set():
            return
        with ThreadPoolExecutor(max(1, self.options.jobs), thread_name_prefix="lane") as pool:
            futures = [pool.submit(self._run_lane, runtime, cells) for runtime, cells in work]
            try:
                self._await(futures)
            except BaseException:
                self._end_everything()
                raise

    def _await(self, futures: Sequence[Future[None]]) -> None:
        pending = set(futures)
        while pending:
            done, pending = wait(pending, timeout=_TICK_S, return_when=FIRST_EXCEPTION)
            for future in done:
                future.result()

    def _run_lane(self, runtime: Runtime, cells: Sequence[Cell]) -> None:
        with self._lock:
            lane = Lane(runtime, self.workshop, self.nodes.pop(runtime.name, None))
            self._lanes.append(lane)
        with lane:
            for cell in cells:
                if self._stop.is_set():
                    return
                self.listener.cell_started(cell)
                self._observe(lane, cell)

    def _observe(self, lane: Lane, cell: Cell) -> None:
        observation = lane.observe(cell, self._wants_more(cell))
        if self._stop.is_set() and any(sample.failure for sample in observation.samples):
            return  # the node was ended under the probe: that is no evidence of anything
        if self.options.keep and self.steering.failed(observation):
            lane.leave_node()
        with self._lock:
            if not self.steering.accept(observation):
                self._stop.set()

    def _wants_more(self, cell: Cell) -> Callable[[Observation], bool]:
        def wants_more(observation: Observation) -> bool:
            if self._stop.is_set():
                return False
            if len(observation.samples) < cell.call.repeat:
                return True
            return not self.steering.enough(observation)

        return wants_more

    def _end_everything(self) -> None:
        self._stop.set()
        with self._lock:
            lanes = list(self._lanes)
        for lane in lanes:
            lane.kill()


def describe(error: BaseException) -> str:
    """Return the one line of an error that ends a run, for its footer."""
    if isinstance(error, BeamproofError):
        return error.message
    return f"{type(error).__name__}: {error}"
