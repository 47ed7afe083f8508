"""Where works are done: this machine, or a worker of a cluster.

Knows: lanes, and what a machine can do. Must not know: which works there are, or their order.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass, field
from typing import Protocol

from harness.collect.lane import Lane
from harness.collect.node import Node
from harness.collect.room import Room, room_here
from harness.collect.workshop import Workshop
from harness.run.model import Observation
from harness.run.work import Work
from harness.runtimes import Runtime


class Draws(Protocol):
    """Do works of one runtime, one after the other: a lane here, or one elsewhere."""

    @property
    def runtime(self) -> str:
        """Return the name of the runtime."""
        ...

    def draw(self, work: Work, before: Observation | None = None) -> Observation:
        """Call a probe once; return its sample after those that were drawn before.

        Raises:
            InfrastructureError: the runtime gives no node any more.
            PlaceLostError: the place is gone, with the call in hand.
        """
        ...

    def leave_node(self) -> None:
        """Leave the node of the last work behind for a look."""
        ...

    def close(self) -> None:
        """End every node in good order."""
        ...

    def kill(self) -> None:
        """End every node at once, from any thread; the call in hand fails."""
        ...


class Place(Protocol):
    """Give lanes. `slots` is how many work there at once, `host` the machine it is on."""

    @property
    def host(self) -> str:
        """Return the name of the machine, the same for all places on it."""
        ...

    @property
    def slots(self) -> int:
        """Return how many lanes work there at once."""
        ...

    def room(self) -> Room:
        """Return what the machine has now for calls that need a lot of it."""
        ...

    def serves(self, work: Work) -> bool:
        """Tell whether a work can be done there."""
        ...

    def ready(self, runtime: str) -> bool:
        """Tell whether a node of a runtime runs there that no lane has taken."""
        ...

    def lane(self, runtime: str) -> Draws:
        """Return a new lane for a runtime that the place has."""
        ...


@dataclass(slots=True, kw_only=True)
class Here:
    """Be this machine.

    Args:
        runtimes: by name (`otp27`).
        nodes: a node of each that already runs; taken (and emptied) by the first lanes.
        workshop: what every lane shares: compiled probes, native libraries, node names.
        workshops: other ones, by the names of the runtimes whose probes are other ones.
        slots: how many nodes work at once.
        isolate: give every call a node of its own.
    """

    runtimes: Mapping[str, Runtime]
    nodes: MutableMapping[str, Node]
    workshop: Workshop
    workshops: Mapping[str, Workshop] = field(default_factory=dict)
    slots: int = 1
    isolate: bool = False
    host: str = ""
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def room(self) -> Room:
        """Return what this machine has now."""
        return room_here()

    def serves(self, work: Work) -> bool:
        """Tell whether the runtime is one of this machine's."""
        return work.runtime in self.runtimes

    def ready(self, runtime: str) -> bool:
        """Tell whether the node of a runtime is still to be had."""
        return runtime in self.nodes

    def lane(self, runtime: str) -> Lane:
        """Return a new lane; the first of a runtime gets the node that runs."""
        with self._lock:
            node = self.nodes.pop(runtime, None)
        workshop = self.workshops.get(runtime, self.workshop)
        return Lane(self.runtimes[runtime], workshop, node, isolate=self.isolate)
