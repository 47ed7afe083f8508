"""The releases of one invocation: found, started, identified.

Knows: runtimes and nodes. Must not know: claims, or what is run on a node.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Self

import msgspec

from harness.collect.node import Node
from harness.collect.workshop import Workshop
from harness.errors import BeamproofError, RuntimeMissingError
from harness.run.cells import Column, Need
from harness.run.model import Build, RuntimeRecord
from harness.runtimes import Resolved, Runtime, RuntimeOptions, Way, resolve

_CORES_NEEDED = 2


class Releases:
    """Hold the releases that can be had, each with a node, and why the others cannot.

    The nodes start when this is made, while the caller does something else; `builds` waits for
    them. Use as a context manager: nodes that nobody took end with it.

    Args:
        resolved: what was found.
        workshop: names the nodes and holds their probes.
    """

    def __init__(self, resolved: tuple[Resolved, ...], workshop: Workshop) -> None:
        self.resolved = resolved
        self.runtimes = {item.runtime.name: item.runtime for item in resolved if item.runtime}
        self.nodes = {
            name: Node(runtime.launcher, name=workshop.node_name(name), probes=workshop.probes)
            for name, runtime in self.runtimes.items()
        }
        self._pool = ThreadPoolExecutor(max(1, len(self.nodes)), thread_name_prefix="start")
        self._starts: dict[str, Future[None]] = {
            name: self._pool.submit(node.open) for name, node in self.nodes.items()
        }
        self._builds: dict[str, Build] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()

    def close(self) -> None:
        """End the nodes that nobody took, also those that are still starting."""
        for name, node in self.nodes.items():
            if self._starts[name].done():
                node.close()
            else:
                node.kill()
        self._pool.shutdown()
        for node in self.nodes.values():
            node.kill()  # what had not begun to start when it was killed first
        self.nodes.clear()

    @property
    def builds(self) -> Mapping[str, Build]:
        """Return what every VM said it is, by the runtime's name, once all have started.

        Raises:
            RuntimeMissingError: a VM was found but does not start.
        """
        if not self._builds:
            self._builds = {name: self.started(name).build for name in self.runtimes}
        return self._builds

    def columns(self) -> tuple[Column, ...]:
        """Return the columns of the matrix, missing releases included."""
        return tuple(self._column(item) for item in self.resolved)

    def records(self) -> tuple[RuntimeRecord, ...]:
        """Return what the header of the run says of every runtime."""
        return tuple(
            msgspec.structs.replace(runtime.record(), build=self.builds[name])
            for name, runtime in self.runtimes.items()
        )

    def require(self) -> None:
        """Refuse to go on without every release that was asked for.

        Raises:
            RuntimeMissingError: names each missing release with its reason.
        """
        missing = [f"OTP {item.release}: {item.reason}" for item in self.resolved if item.reason]
        if missing:
            raise RuntimeMissingError(
                "a release that was asked for cannot be had:\n  " + "\n  ".join(missing),
                hint="without --strict its column is skipped",
            )

    def started(self, name: str) -> Node:
        """Return the node of a runtime once it is ready.

        Raises:
            RuntimeMissingError: the VM was found but does not start.
        """
        try:
            self._starts[name].result()
        except BeamproofError as error:
            runtime = self.runtimes[name]
            raise RuntimeMissingError(
                f"{name} ({runtime.way}, {runtime.origin}) was found but does not start:"
                f" {error.message}",
                hint="beamproof doctor says what is missing",
            ) from error
        return self.nodes[name]

    def _column(self, item: Resolved) -> Column:
        if item.runtime is None:
            return Column(name=f"otp{item.release}", release=item.release, reason=item.reason)
        build = self.builds[item.runtime.name]
        return Column(
            name=item.runtime.name,
            release=item.release,
            otp_version=build.otp_version,
            unmet=unmet_needs(item.runtime, build),
        )


def open_releases(
    releases: Sequence[int],
    way: str,
    options: RuntimeOptions,
    workshop: Workshop,
    progress: Callable[[str], None],
) -> Releases:
    """Find every release, fetching what is not here yet, and begin to start a node of each."""
    return Releases(resolve(releases, way=way, options=options, progress=progress), workshop)


def unmet_needs(runtime: Runtime, build: Build) -> Mapping[Need, str]:
    """Return the needs that this machine cannot meet for a runtime, each with the reason."""
    unmet: dict[Need, str] = {}
    if build.schedulers_online < _CORES_NEEDED:
        unmet[Need.CORES] = f"the claim needs 2 schedulers, the VM has {build.schedulers_online}"
    if shutil.which("cc") is None:
        unmet[Need.NIF] = "the claim needs a NIF and there is no C compiler (cc) on the PATH"
    if runtime.way is not Way.DOCKER:
        unmet[Need.DOCKER] = "the claim needs a container's limits: --runtime docker"
    return unmet
