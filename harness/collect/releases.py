"""The releases of one invocation: found, started, identified.

Knows: runtimes and nodes. Must not know: claims, or what is run on a node.
"""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Protocol, Self

import msgspec

from harness.collect import surroundings
from harness.collect.elsewhere import Compilers
from harness.collect.node import Node
from harness.collect.others import Others
from harness.collect.place import Here, Place
from harness.collect.promised import OtherVersionError, refuse_other_version
from harness.collect.workshop import Workshop
from harness.errors import BeamproofError, NodeDiedError, RuntimeMissingError
from harness.run.cells import Column, Need
from harness.run.model import Build, RuntimeRecord
from harness.runtimes import Resolved, Runtime
from harness.runtimes.docker import options
from harness.runtimes.request import RuntimeRequest
from harness.runtimes.way import Progress
from harness.system import interruption

DOCKER = "docker"
_CORES_NEEDED = 2

_STARTING_AT_ONCE = 8
_WAITING_NODES = 16
"""So many VMs start and wait for their first call at once: a run of sixty patch releases would
fill the memory with idle ones. The others are started again when it is their turn."""


class Offered(Protocol):
    """Be the releases that can be had: of this machine, or of a cluster."""

    def columns(self) -> tuple[Column, ...]:
        """Return the columns of the matrix, missing releases included."""
        ...

    def records(self) -> tuple[RuntimeRecord, ...]:
        """Return what the header of the run says of every runtime."""
        ...

    def require(self, *, strict: bool) -> None:
        """Refuse to go on without any release, or under `strict` without one of them.

        Raises:
            RuntimeMissingError: names each missing release with its reason.
        """
        ...

    def places(self, *, slots: int, isolate: bool) -> tuple[Place, ...]:
        """Return where works are done."""
        ...


class Releases:
    """Hold the releases that can be had, each with a node, and why the others cannot.

    The nodes start when this is made, while the caller does something else; `columns` waits for
    them. One that does not start goes on to the next way that has the release; where none is left
    its column is left out with the reasons. Use as a context manager: nodes that nobody took end
    with it.

    Args:
        resolved: what was found.
        workshop: names the nodes and holds their probes.
        progress: told when another way is taken.
        compilers: compile for VMs that cannot; they end with this.
        flags: that the VMs start with, as on erl's command line.
    """

    def __init__(
        self,
        resolved: tuple[Resolved, ...],
        workshop: Workshop,
        progress: Progress,
        compilers: Compilers,
        flags: Sequence[str] = (),
    ) -> None:
        self._compilers = compilers
        self._flags = tuple(flags)
        self._workshop = workshop
        self._progress = progress
        self._columns = [_Column(item) for item in resolved]
        starting = min(max(1, len(resolved)), _STARTING_AT_ONCE)
        self._pool = ThreadPoolExecutor(starting, thread_name_prefix="start")
        self._closed = False
        self._lock = threading.Lock()
        self.nodes: dict[str, Node] = {}

    def __enter__(self) -> Self:
        return self.begin()

    def begin(self) -> Self:
        """Begin to start a node of each; a signal that comes meanwhile ends them again."""
        try:
            with interruption.held():
                for column in self._columns:
                    if column.item.runtime is not None:
                        column.start = self._pool.submit(self._open, column)
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()

    def close(self) -> None:
        """End the nodes that nobody took, also those that are still starting."""
        with self._lock:
            self._closed = True
        for column in self._columns:
            if column.node is not None and column.name not in self.nodes:
                column.node.kill()
        for node in self.nodes.values():
            node.close()
        self._pool.shutdown()
        self._compilers.close()
        self.nodes.clear()

    @property
    def resolved(self) -> tuple[Resolved, ...]:
        """Return what came of every release once all have started, in the order asked."""
        self._wait()
        return tuple(column.item for column in self._columns)

    @property
    def runtimes(self) -> Mapping[str, Runtime]:
        """Return the runtimes that started, by name."""
        return {item.runtime.name: item.runtime for item in self.resolved if item.runtime}

    @property
    def builds(self) -> Mapping[str, Build]:
        """Return what every VM said it is, by the runtime's name, once all have started."""
        self._wait()
        return {column.name: column.build for column in self._columns if column.build is not None}

    def columns(self) -> tuple[Column, ...]:
        """Return the columns of the matrix, missing releases included."""
        return tuple(self._column(item) for item in self.resolved)

    def records(self) -> tuple[RuntimeRecord, ...]:
        """Return what the header of the run says of every runtime."""
        return tuple(self._record(runtime) for runtime in self.runtimes.values())

    def require(self, *, strict: bool) -> None:
        """Refuse to go on without any release, or under `strict` without one of them.

        Raises:
            RuntimeMissingError: names each missing release with its reason.
        """
        resolved = self.resolved
        missing = [f"{item.asked}: {item.reason}" for item in resolved if item.reason]
        if len(missing) == len(resolved) or (strict and missing):
            some = len(missing) < len(resolved)
            what = "a release that was asked for cannot be had"
            if not some:
                what = "nothing can run: no release that was asked for can be had"
            raise RuntimeMissingError(
                f"{what}:\n  " + "\n  ".join(missing),
                hint="without --strict its column is skipped" if some else "beamproof doctor",
            )

    def places(self, *, slots: int, isolate: bool) -> tuple[Place, ...]:
        """Return where works are done: this machine, with so many lanes at once."""
        return (
            Here(
                runtimes=self.runtimes,
                nodes=self.nodes,
                workshop=self._workshop,
                slots=slots,
                isolate=isolate,
            ),
        )

    def started(self, name: str) -> Node:
        """Return the node of a runtime of `runtimes`, which nobody has taken yet.

        Raises:
            BeamproofError: it was ended to make room, and does not start again.
        """
        self._wait()
        if name not in self.nodes:
            column = next(column for column in self._columns if column.name == name)
            node = self._node(column, self.runtimes[name])
            node.open()
            self.nodes[name] = node
        return self.nodes[name]

    def another(self, name: str) -> Node:
        """Return one more node of a runtime of `runtimes`, not open yet; who asks closes it."""
        return self._new_node(self.runtimes[name])

    def _wait(self) -> None:
        for column in self._columns:
            if column.start is not None:
                column.start.result()

    def _open(self, column: _Column) -> None:
        """Start a node, of another way where the first does not start."""
        while column.item.runtime is not None:
            runtime = column.item.runtime
            node = self._node(column, runtime)
            try:
                node.open()
                refuse_other_version(runtime, node)
            except BeamproofError as error:
                column.node = None
                column.item = self._next(column.item, error)
            else:
                self._opened(column, node)
                return

    def _new_node(self, runtime: Runtime) -> Node:
        return Node(
            runtime.launcher,
            name=self._workshop.node_name(runtime.name),
            flags=self._flags,
            probes=self._workshop.probes,
        )

    def _node(self, column: _Column, runtime: Runtime) -> Node:
        node = self._new_node(runtime)
        with self._lock:
            if self._closed:
                raise NodeDiedError("the run was ended")
            column.node = node
        return node

    def _opened(self, column: _Column, node: Node) -> None:
        column.build = node.build
        column.surroundings = surroundings.read(node)
        if column.item.runtime is not None:
            self._workshop.others.add(column.item.runtime, node.build)
        with self._lock:
            if not self._closed:
                if len(self.nodes) < _WAITING_NODES:
                    self.nodes[column.name] = node
                    return
                column.node = None
        node.kill()

    def _next(self, item: Resolved, error: BeamproofError) -> Resolved:
        runtime = item.runtime
        assert runtime is not None  # noqa: S101 - only what was found can fail to start
        reason = f"{runtime.origin} was found but does not start: {error.message}"
        if isinstance(error, OtherVersionError):
            reason = f"{runtime.origin} {error.message}"
        if item.otherwise is None or self._closed or interruption.came():
            said = f"{runtime.way}: {reason}"
            return Resolved(release=item.release, version=item.version, reason=said)
        found = item.otherwise(reason)
        if found.runtime is not None:
            why = "is another" if isinstance(error, OtherVersionError) else "does not start"
            self._progress(
                f"{item.asked}: {runtime.way} {why}, so {found.runtime.way} is used"
                f" ({error.message.splitlines()[0]})"
            )
        return found

    def _record(self, runtime: Runtime) -> RuntimeRecord:
        build = self.builds[runtime.name]
        by = None if build.has_compiler else self._compilers.described.get(runtime.release)
        around = next(one.surroundings for one in self._columns if one.name == runtime.name)
        in_container = runtime.way == DOCKER
        environment = {} if in_container else os.environ
        refused = [option.given_up for option in options.given_up()] if in_container else []
        return msgspec.structs.replace(
            runtime.record(),
            build=build,
            compiled_by=by,
            surroundings=around,
            notes=(*runtime.notes, *surroundings.notes(around, environment), *refused),
        )

    def _column(self, item: Resolved) -> Column:
        if item.runtime is None:
            return Column(name=item.name, release=item.release, reason=item.reason)
        build = self.builds[item.runtime.name]
        return Column(
            name=item.runtime.name,
            release=item.release,
            otp_version=build.otp_version,
            unmet=unmet_needs(item.runtime, build, self._workshop.others),
        )


@dataclass(slots=True)
class _Column:
    """Follow one release from what was found to what started."""

    item: Resolved
    start: Future[None] | None = None
    node: Node | None = None
    build: Build | None = None
    surroundings: dict[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return self.item.name


def open_releases(
    request: RuntimeRequest,
    workshop: Workshop,
    progress: Callable[[str], None],
    flags: Sequence[str] = (),
) -> Releases:
    """Find every release, fetching what is not here yet; entered, a node of each starts."""
    workshop.probes.tell = progress
    compilers = Compilers(request.options(), workshop, progress)
    workshop.probes.elsewhere = compilers
    return Releases(request.resolve(progress), workshop, progress, compilers, flags)


def unmet_needs(runtime: Runtime, build: Build, others: Others) -> Mapping[Need, str]:
    """Return the needs that this machine cannot meet for a runtime, each with the reason."""
    unmet: dict[Need, str] = {}
    if build.schedulers_online < _CORES_NEEDED:
        unmet[Need.CORES] = f"the claim needs 2 schedulers, the VM has {build.schedulers_online}"
    if shutil.which("cc") is None:
        unmet[Need.NIF] = "the claim needs a NIF and there is no C compiler (cc) on the PATH"
    if runtime.way != DOCKER:
        unmet[Need.DOCKER] = "the claim needs a container's limits: --runtime docker"
    if (reason := others.unmet(runtime.name)) is not None:
        unmet[Need.OTHER_RELEASE] = reason
    return unmet
