"""The workers of a cluster as places, and their lanes, seen from the machine with the claims.

Knows: tasks of Dask, what `worker` answers. Must not know: claims, or how workers are found.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import TypeVar

import msgspec
from distributed import Client, Future

from harness.collect.cluster import worker
from harness.collect.cluster.worker import Drawn, Offer
from harness.collect.place import Place
from harness.collect.room import Room
from harness.errors import PlaceLostError, RuntimeMissingError
from harness.run.cells import Column, Need
from harness.run.model import Build, Observation, RuntimeRecord
from harness.run.work import Work

_TICK_S = 0.2
_FETCH_S = 10.0
"""So long an observation that is there may travel."""
_LOOK_S = 2.0
_LOOKS_A_BEAT = 4
"""Workers are told less often than looked for: each of them logs it."""
_KILL_S = 3.0
"""So long the end of a node is waited for; then its worker is given up."""

T = TypeVar("T")


@dataclass(slots=True, kw_only=True)
class Worker:
    """Be one worker of the cluster: a place for one lane at a time.

    Args:
        client: the connection to the scheduler.
        address: of the worker.
        session: names the run there.
        offer: what it has.
        tell: told once that it is gone.
    """

    client: Client
    address: str
    session: str
    offer: Offer
    tell: Callable[[str], None]
    serving: frozenset[str] = frozenset()
    unmet: Mapping[str, Mapping[Need, str]] = field(default_factory=dict)
    slots: int = 1
    gone: threading.Event = field(default_factory=threading.Event)
    ending: threading.Event = field(default_factory=threading.Event)
    _taken: set[str] = field(default_factory=set)
    _numbers: itertools.count[int] = field(default_factory=itertools.count)

    @property
    def host(self) -> str:
        """Return the name of its machine."""
        return self.offer.host

    def room(self) -> Room:
        """Return what its machine had when the run began."""
        return self.offer.room

    def serves(self, work: Work) -> bool:
        """Tell whether it has the runtime, and what the probe needs beside it."""
        unmet = self.unmet.get(work.runtime, {})
        return work.runtime in self.serving and not any(need in unmet for need in work.call.needs)

    def ready(self, runtime: str) -> bool:
        """Tell whether the node that it began with is still to be had."""
        return runtime in self.serving - self._taken

    def lane(self, runtime: str) -> RemoteLane:
        """Return a new lane on it."""
        self._taken.add(runtime)
        return RemoteLane(self, f"lane-{next(self._numbers)}", runtime)

    def ask(self, function: Callable[..., T], *args: object) -> T:
        """Have the worker call a function, and wait for what it returns.

        Raises:
            PlaceLostError: the worker is gone.
        """
        future: Future[T] = self.client.submit(
            function, self.session, *args, workers=[self.address], pure=False
        )
        try:
            return self.result(future)
        finally:
            with suppress(Exception):  # of a scheduler that is gone, too
                future.release()

    def result(self, future: Future[T]) -> T:
        """Wait for a task of the worker's.

        Raises:
            PlaceLostError: the worker is gone, or what it was asked failed.
        """
        done = threading.Event()
        future.add_done_callback(lambda _future: done.set())
        waited_s = 0.0
        while not done.wait(_TICK_S):
            waited_s += _TICK_S if self.ending.is_set() else 0
            if self.gone.is_set() or waited_s > _KILL_S:
                raise self.lost()
        try:
            return future.result(timeout=_FETCH_S)
        except Exception as error:
            raise self.lost(error) from error

    def lost(self, error: BaseException | None = None) -> PlaceLostError:
        """Note that the worker is gone, tell it, and return the error that says so."""
        self.gone.set()
        why = "is gone" if error is None else f"failed: {type(error).__name__}: {error}"
        message = f"the worker {self.address} {why}"
        if not self.ending.is_set() and self.serving:
            self.tell(f"{message}; what it had in hand is done by another")
        return PlaceLostError(message)


class RemoteLane:
    """Do works of one runtime on a worker.

    Args:
        place: the worker.
        name: of the lane there.
        runtime: name of the runtime.
    """

    def __init__(self, place: Worker, name: str, runtime: str) -> None:
        self._place = place
        self._name = name
        self.runtime = runtime

    def draw(self, work: Work, before: Observation | None = None) -> Observation:
        """Call a probe once; return its sample after those that were drawn before.

        Raises:
            InfrastructureError: the runtime gives no node there any more.
            PlaceLostError: the worker is gone.
        """
        drawn: Drawn | None = self._place.ask(worker.draw, self._name, work)
        if drawn is None:  # a process that took the place of one that died
            raise self._place.lost()
        if drawn.observation is None:
            raise PlaceLostError(f"the worker {self._place.address}: {drawn.gone}", hint=drawn.hint)
        samples = () if before is None else before.samples
        return msgspec.structs.replace(
            drawn.observation,
            samples=(*samples, *drawn.observation.samples),
            worker=self._place.address,
        )

    def leave_node(self) -> None:
        """Leave the node of the last work behind on the worker."""
        self._place.ask(worker.leave_node, self._name)

    def close(self) -> None:
        """End every node in good order; one of a worker that is gone ended with it."""
        with suppress(PlaceLostError):
            if not self._place.gone.is_set():
                self._place.ask(worker.close_lane, self._name)

    def kill(self) -> None:
        """End every node of the run on the worker at once; the call in hand fails."""
        self._place.ending.set()
        end_sessions([self._place])


def end_sessions(places: Iterable[Worker]) -> dict[str, str]:
    """End what workers have of a run; return what compilers warned of there, by module."""
    there = [place for place in places if not place.gone.is_set()]
    warnings: dict[str, str] = {}
    if there:
        for one in _told(there, worker.end, _KILL_S).values():
            warnings |= one
    return warnings


def _told(there: Sequence[Worker], function: Callable[[str], T], within_s: float) -> dict[str, T]:
    """Have workers call a function beside their tasks; return what came back in time."""
    answers: dict[str, T] = {}

    def tell() -> None:
        with suppress(Exception):  # whoever is gone has nothing to answer; leases see to the rest
            answers.update(
                there[0].client.run(
                    function,
                    there[0].session,
                    workers=[place.address for place in there],
                    on_error="ignore",
                )
            )

    asking = threading.Thread(target=tell, daemon=True)
    asking.start()
    asking.join(within_s)
    return answers


class Watch:
    """Tell workers that they are still wanted, and learn which of them are gone.

    Args:
        places: the workers.
    """

    def __init__(self, places: Sequence[Worker]) -> None:
        self._places = places
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="cluster watch", daemon=True)

    def start(self) -> None:
        """Begin to ask, every few seconds."""
        self._thread.start()

    def stop(self) -> None:
        """Ask no more."""
        self._over.set()
        self._thread.join(_KILL_S)

    def _run(self) -> None:
        for look in itertools.count():
            if self._over.wait(_LOOK_S):
                return
            there = self._there()
            for place in self._places:
                if place.address not in there:
                    place.gone.set()
            if look % _LOOKS_A_BEAT == 0:
                self._beat()

    def _there(self) -> frozenset[str]:
        try:
            return frozenset(self._places[0].client.nthreads())
        except Exception:  # noqa: BLE001 - whatever a scheduler that is gone raises
            return frozenset()

    def _beat(self) -> None:
        there = [place for place in self._places if not place.gone.is_set()]
        if there:
            _told(there, worker.beat, _LOOK_S)


class ClusterReleases:
    """Hold the releases of a cluster as one machine's: what each column has, and on whom.

    Args:
        places: the workers, each with its offer.
    """

    def __init__(self, places: Sequence[Worker]) -> None:
        self._places = tuple(places)
        self._columns: list[Column] = []
        self._records: list[RuntimeRecord] = []
        names = dict.fromkeys(
            column.name for place in self._places for column in place.offer.columns
        )
        for name in names:
            self._join(name)

    def columns(self) -> tuple[Column, ...]:
        """Return the columns of the matrix, missing releases included."""
        return tuple(self._columns)

    def records(self) -> tuple[RuntimeRecord, ...]:
        """Return what the header of the run says of every runtime."""
        return tuple(self._records)

    def places(self, *, slots: int, isolate: bool) -> tuple[Place, ...]:
        """Return the workers that serve a column; each has one lane, as it was begun."""
        del slots, isolate
        return tuple(place for place in self._places if place.serving)

    def require(self, *, strict: bool) -> None:
        """Refuse to go on without any release, or under `strict` without one of them.

        Raises:
            RuntimeMissingError: names each missing release with its reason.
        """
        missing = [f"{one.name}: {one.reason}" for one in self._columns if one.reason]
        if len(missing) == len(self._columns) or (strict and missing):
            raise RuntimeMissingError(
                "no worker of the cluster has:\n  " + "\n  ".join(missing),
                hint="beamproof otp list, on a worker, says what it can have",
            )

    def _join(self, name: str) -> None:
        """Make one column of what the workers have of one name: the build that most have."""
        offered = [
            (place, column, record)
            for place in self._places
            for column in place.offer.columns
            if column.name == name
            for record in [_record(place, name)]
        ]
        able = [one for one in offered if one[1].reason is None and one[2] is not None]
        if not able:
            self._columns.append(offered[0][1])
            return
        builds = [_same(record.build) for _, _, record in able if record is not None]
        most = max(builds, key=builds.count)
        own = [one for one in able if one[2] is not None and _same(one[2].build) == most]
        others = [place.address for place, _, _ in able if place not in [one[0] for one in own]]
        for place, column, _ in own:
            place.serving |= {name}
            place.unmet = {**place.unmet, name: column.unmet}
        _, column, record = own[0]
        unmet = {
            need: reason
            for need, reason in column.unmet.items()
            if all(need in other.unmet for _, other, _ in own)
        }
        self._columns.append(replace(column, unmet=unmet))
        notes = [f"on {len(own)} workers: {', '.join(place.address for place, _, _ in own)}"]
        if others:
            notes.append(f"another build, so not used: {', '.join(others)}")
        assert record is not None  # noqa: S101  of those that are able
        self._records.append(msgspec.structs.replace(record, notes=(*record.notes, *notes)))


def _record(place: Worker, name: str) -> RuntimeRecord | None:
    return next((one for one in place.offer.records if one.name == name), None)


def _same(build: Build | None) -> tuple[object, ...]:
    """Return what must be equal of two builds whose observations stand in one column."""
    if build is None:
        return ()
    return (
        *(build.otp_version, build.erts_version, build.emu_flavor, build.jit),
        *(build.wordsize_bytes, build.system_architecture),
    )
