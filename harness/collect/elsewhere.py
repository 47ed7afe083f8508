"""Who compiles for VMs that have no compiler: a runtime of the same or the nearest older release.

Knows: runtimes, nodes. Must not know: what is compiled. A VM loads what an older release compiled,
never what a newer one did, so the search goes down from the release that asks.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from harness.collect.node import Node
from harness.collect.workshop import Workshop
from harness.errors import BeamproofError, InfrastructureError
from harness.runtimes import AUTO, Resolved, RuntimeOptions, resolve
from harness.runtimes.table import releases
from harness.runtimes.way import Progress


@dataclass(slots=True)
class Compilers:
    """Find a node that can compile for a release, once a release; ends its nodes on `close`.

    What is here is taken before anything is fetched, the nearest release first. Whether the cache
    is warm or cold changes nothing: what is compiled is kept by who compiled it.

    Args:
        options: where runtimes may come from; what the user named is asked to run, not to compile.
        workshop: names the nodes and holds the sources.
        progress: told who compiles for whom.
    """

    options: RuntimeOptions
    workshop: Workshop
    progress: Progress
    _found: dict[int, Node] = field(default_factory=dict)
    _described: dict[int, str] = field(default_factory=dict)
    _why_not: dict[int, str] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self, release: int) -> Node:
        """Return a node that compiles what the release can load.

        Raises:
            InfrastructureError: nothing here does, and nothing can be fetched.
        """
        with self._lock:
            if release not in self._found and release not in self._why_not:
                self._search(release)
            if release in self._why_not:
                raise InfrastructureError(
                    self._why_not[release], hint=f"beamproof otp install {_nearest(release)}"
                )
            return self._found[release]

    @property
    def described(self) -> Mapping[int, str]:
        """Return who compiles, by the release that it compiles for."""
        return self._described

    def close(self) -> None:
        """End the nodes."""
        with self._lock:
            for node in self._found.values():
                node.close()

    def _search(self, release: int) -> None:
        for found in self._candidates(release):
            node = self._open(found)
            if node is None or found.runtime is None:
                continue
            self._found[release] = node
            who = f"OTP {node.build.otp_version} ({found.runtime.way}, {found.runtime.origin})"
            self._described[release] = who
            self.progress(f"OTP {release} has no compiler: {who} compiles for it")
            return
        self._why_not[release] = (
            f"OTP {release} has no compiler, and no runtime of it or of an older release is here"
            " or can be fetched"
        )

    def _candidates(self, release: int) -> Iterator[Resolved]:
        older = [row.otp for row in reversed(releases()) if row.otp < release]
        own = replace(self.options, images=(), otp_roots=())
        for offline in (True, False):
            options = replace(own, offline=offline)
            for one in (release, *older):
                found: Resolved | None = self._resolved(one, options)
                while found is not None and found.runtime is not None:
                    yield found
                    found = found.otherwise("it has no compiler") if found.otherwise else None

    def _resolved(self, release: int, options: RuntimeOptions) -> Resolved | None:
        try:
            return resolve((release,), way=AUTO, options=options, progress=self.progress)[0]
        except BeamproofError:
            return None

    def _open(self, found: Resolved) -> Node | None:
        """Return an open node with a compiler; it asks nobody to compile for it in turn."""
        if found.runtime is None:
            return None
        node = Node(
            found.runtime.launcher,
            name=self.workshop.node_name(f"compiler{found.release}"),
            probes=self.workshop.probes.alone(),
        )
        try:
            node.open()
        except BeamproofError:
            return None
        if node.build.has_compiler:
            return node
        node.close()
        return None


def _nearest(release: int) -> int:
    """Return the release to fetch: the nearest of those that have packages."""
    packaged = [row.otp for row in releases() if row.debian and row.otp <= release]
    return max(packaged, default=release)
