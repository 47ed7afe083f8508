"""One thread's works on one runtime: call their probes, keep its node fit.

Knows: nodes, failures, repetition. Must not know: predictions, other lanes, how progress is shown.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Any, Self

from harness.bridge.channel import Limits
from harness.collect import limited
from harness.collect.failures import failure_of
from harness.collect.node import Node
from harness.collect.outcome import Answer
from harness.collect.workshop import Workshop
from harness.errors import BeamproofError, InfrastructureError, NodeDiedError, RemoteError
from harness.run import lines
from harness.run.cells import Json, Need, NodeMode
from harness.run.model import Build, Failure, FailureKind, Observation, Sample
from harness.run.work import Work
from harness.runtimes import Runtime
from harness.system.clock import now_iso

_START_FAILURES_TO_GIVE_UP = 2
"""Works in a row whose own node, with flags of its own, did not start, retries included, before
the runtime counts as gone; a plain node that does not start says so at once."""

_MOST_LEFTOVERS = 100
"""So many are told one by one: a probe can leave hundreds of thousands."""


class Lane:
    """Do works of one runtime, one after the other; use as a context manager.

    Args:
        runtime: where the nodes come from.
        workshop: what all lanes share.
        node: a node of the runtime that already runs, to share; the lane closes it.
        isolate: give every call a node of its own.
    """

    def __init__(
        self,
        runtime: Runtime,
        workshop: Workshop,
        node: Node | None = None,
        *,
        isolate: bool = False,
    ) -> None:
        self._isolate = isolate
        self._runtime = runtime
        self._workshop = workshop
        self._shared = node
        self._last: Node | None = None
        self._lock = threading.Lock()
        self._live: set[Node] = set() if node is None else {node}
        self._killed = False
        self._failed_starts = 0
        self._build: Build | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()

    def close(self) -> None:
        """End every node in good order."""
        for node in list(self._live):
            self._close(node)

    def kill(self) -> None:
        """End every node at once, from any thread; the call in hand fails."""
        with self._lock:
            self._killed = True
            nodes = list(self._live)
        for node in nodes:
            node.kill()

    def leave_node(self) -> None:
        """Leave the node of the last work behind for a look, and go on with a new one."""
        if self._last is not None:
            self._last.keep = True
            self._shared = None
            self._drop_last()

    @property
    def runtime(self) -> str:
        """Return the name of the runtime."""
        return self._runtime.name

    def observe(self, work: Work, wants_more: Callable[[Observation], bool]) -> Observation:
        """Call a probe as often as its claims ask for, and on until no more is wanted or one fails.

        Raises:
            InfrastructureError: the runtime gives no node any more.
        """
        observation = self.draw(work)
        while not observation.failed and (
            len(observation.samples) < work.call.repeat or wants_more(observation)
        ):
            observation = self.draw(work, observation)
        return observation

    def draw(self, work: Work, before: Observation | None = None) -> Observation:
        """Call a probe once; return its sample after those that were drawn before.

        Raises:
            InfrastructureError: the runtime gives no node any more.
        """
        sample = lines.stored(self._sample(work))
        samples = () if before is None else before.samples
        call = work.call
        return Observation(
            call=call.id,
            cells=tuple(map(str, work.cells)),
            boundary=tuple(map(str, work.boundary)),
            runtime=work.runtime,
            probe=call.probe,
            probe_sha256=self._workshop.probes.source_sha256(call.module),
            args=dict(call.args),
            flags=call.flags,
            held=call.held.given,
            needs=tuple(sorted(call.needs)),
            node=NodeMode.FRESH if self._is_alone(work) else NodeMode.SHARED,
            timeout_s=call.timeout_s,
            at=now_iso(),
            build=self._build,
            samples=(*samples, sample),
        )

    def _is_alone(self, work: Work) -> bool:
        return self._isolate or work.call.alone

    def _sample(self, work: Work) -> Sample:
        node: Node | None = None
        try:
            node = self._node_for(work)
            return self._call(node, work)
        except BeamproofError as error:
            return self._failed(work, node, error)

    def _call(self, node: Node, work: Work) -> Sample:
        call = work.call
        limited.require(node, call.held)
        args: Mapping[str, Json | bytes] = call.args
        if Need.NIF in call.needs:
            library = self._workshop.native.library(node, work.runtime, call.module)
            args = {**args, "nif_library": library}
        if Need.OTHER_RELEASE in call.needs:
            bridges = self._workshop.probes.bridge_beams()
            args = {**args, **self._workshop.others.arguments(work.runtime, bridges)}
        self._workshop.applications.require(node, work.runtime, call)
        answer = node.probe(call.module, call.function, args, timeout_s=call.timeout_s)
        self._part_from(node, answer)
        failure = None
        evidence: dict[str, Any] | None = None
        if isinstance(answer.value, dict):
            evidence = answer.value
        else:
            kind = type(answer.value).__name__
            failure = Failure(
                kind=FailureKind.BAD_EVIDENCE, reason=f"the probe returned a {kind}, not a map"
            )
        return Sample(
            evidence=evidence,
            failure=failure,
            elapsed_us=answer.elapsed_us,
            probe_us=answer.probe_us,
            node=node.name,
            log=answer.log,
            leftovers=_most(answer.leftovers),
        )

    def _part_from(self, node: Node, ended: Answer | RemoteError) -> None:
        """Have the next work get a new node when this one is not as it was."""
        if node is self._shared and (ended.leftovers or ended.spent):
            self._shared = None

    def _failed(self, work: Work, node: Node | None, error: BeamproofError) -> Sample:
        failure = failure_of(error)
        leftovers: tuple[str, ...] = ()
        if isinstance(error, RemoteError) and node is not None:
            leftovers = error.leftovers
            self._part_from(node, error)
        if failure.kind is FailureKind.NOT_STARTED and not self._killed:
            self._failed_starts += 1
            if not work.call.alone or self._failed_starts >= _START_FAILURES_TO_GIVE_UP:
                raise InfrastructureError(
                    f"{work.runtime} gives no node any more: {error.message}",
                    hint="beamproof doctor says what is missing; then go on with --resume",
                ) from error
        return Sample(
            failure=failure,
            elapsed_us=0,
            node="" if node is None else node.name,
            log="" if node is None else node.take_log(),
            leftovers=_most(leftovers),
        )

    def _node_for(self, work: Work) -> Node:
        if self._shared is not None and not self._shared.fit():
            self._shared = None
        self._drop_last()
        if self._is_alone(work):
            node = self._start(flags=work.call.flags, limits=limited.limits_of(work.call))
        else:
            node = self._shared = self._shared or self._start()
        self._last = node
        self._build = node.build
        return node

    def _drop_last(self) -> None:
        """Close the node of the last work, unless it is the one that works share."""
        if self._last is not None and self._last is not self._shared:
            self._close(self._last)
        self._last = None

    def _start(self, flags: tuple[str, ...] = (), limits: Limits | None = None) -> Node:
        node = Node(
            self._runtime.launcher,
            name=self._workshop.node_name(self._runtime.name),
            flags=flags,
            limits=limits or Limits(),
            probes=self._workshop.probes,
        )
        with self._lock:
            if self._killed:
                raise NodeDiedError("the run was ended")
            self._live.add(node)
        try:
            node.open()
        except BeamproofError:
            self._close(node)
            raise
        if self._killed:  # while it started: kill() found nothing to end yet
            node.kill()
            raise NodeDiedError("the run was ended")
        self._failed_starts = 0
        return node

    def _close(self, node: Node) -> None:
        with self._lock:
            self._live.discard(node)
        node.close()


def unobserved(work: Work, reason: str) -> Observation:
    """Return the observation of a work that nobody came back with: a failure, and no evidence."""
    call = work.call
    failure = Failure(kind=FailureKind.NODE_DIED, reason=reason)
    return Observation(
        call=call.id,
        cells=tuple(map(str, work.cells)),
        boundary=tuple(map(str, work.boundary)),
        runtime=work.runtime,
        probe=call.probe,
        probe_sha256="",
        args=dict(call.args),
        flags=call.flags,
        held=call.held.given,
        needs=tuple(sorted(call.needs)),
        timeout_s=call.timeout_s,
        at=now_iso(),
        samples=(Sample(failure=failure, elapsed_us=0, node=""),),
    )


def _most(leftovers: tuple[str, ...]) -> tuple[str, ...]:
    rest = len(leftovers) - _MOST_LEFTOVERS
    return (*leftovers[:_MOST_LEFTOVERS], f"and {rest} more") if rest > 0 else leftovers
