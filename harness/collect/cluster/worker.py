"""What runs on a worker of the cluster: its releases, its lanes, and their end.

Knows: releases, lanes, a folder for the probes that were sent. Must not know: Dask, claims, other
workers. Every function here is called by name from the machine that has the claims.
"""

from __future__ import annotations

import os
import socket
import tempfile
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from harness import __version__
from harness.collect import releases
from harness.collect.lane import Lane
from harness.collect.place import Here
from harness.collect.releases import Releases
from harness.collect.room import Room, room_here
from harness.collect.workshop import workshop_for
from harness.errors import BeamproofError, InfrastructureError
from harness.folders import cache_dir
from harness.run.cells import Column
from harness.run.model import Observation, RuntimeRecord
from harness.run.work import Work
from harness.runtimes.request import RuntimeRequest

LEASE_S = 30.0
"""So long a worker keeps its VMs when nobody asks for it any more."""

_TICK_S = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """Say what a run wants of a worker; `probes` are the sources by their place in the folder."""

    session: str
    request: RuntimeRequest
    probes: Mapping[str, bytes]
    isolate: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """Say what a worker has: its releases, its room, and what it was told while it looked."""

    host: str
    version: str
    columns: tuple[Column, ...] = ()
    records: tuple[RuntimeRecord, ...] = ()
    room: Room
    told: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """Hold what became of a call: what was observed, or why the runtime gives no node any more."""

    observation: Observation | None = None
    gone: str = ""
    hint: str | None = None


@dataclass(slots=True, kw_only=True)
class _Session:
    """Hold what a run has on this worker."""

    folder: TemporaryDirectory[str]
    opened: Releases
    here: Here
    probes_warnings: Mapping[str, str]
    lanes: dict[str, Lane] = field(default_factory=dict)
    asked_at: float = field(default_factory=time.monotonic)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def lane(self, name: str, runtime: str) -> Lane:
        with self.lock:
            if name not in self.lanes:
                self.lanes[name] = self.here.lane(runtime)
            return self.lanes[name]

    def end(self) -> None:
        for lane in list(self.lanes.values()):
            lane.kill()
        self.opened.close()
        self.folder.cleanup()


_sessions: dict[str, _Session] = {}
_lock = threading.Lock()


def begin(order: Order) -> Offer:
    """Start a VM of every release that this worker has, and say which those are."""
    offer = Offer(host=_host(), version=__version__, room=room_here())
    if order.session in _sessions:
        raise InfrastructureError(f"session {order.session} has begun")
    folder = TemporaryDirectory(prefix="beamproof-probes-", dir=tempfile.gettempdir())
    probes_dir = Path(folder.name)
    for name, content in order.probes.items():
        path = probes_dir / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)
    told: list[str] = []
    workshop = workshop_for(f"{order.session}-{os.getpid()}", probes_dir, cache_dir())
    try:
        opened = releases.open_releases(order.request, workshop, told.append).begin()
    except BaseException:
        folder.cleanup()
        raise
    session = _Session(
        folder=folder,
        opened=opened,
        here=Here(
            runtimes=opened.runtimes,
            nodes=opened.nodes,
            workshop=workshop,
            isolate=order.isolate,
        ),
        probes_warnings=workshop.probes.warnings,
    )
    with _lock:
        _sessions[order.session] = session
    threading.Thread(target=_watch, args=(order.session,), daemon=True).start()
    return Offer(
        host=offer.host,
        version=offer.version,
        room=offer.room,
        columns=opened.columns(),
        records=opened.records(),
        told=tuple(told),
    )


def beat(session: str) -> bool:
    """Learn that the run still wants this worker; tell whether it is here."""
    found = _sessions.get(session)
    if found is not None:
        found.asked_at = time.monotonic()
    return found is not None


def draw(session: str, lane: str, work: Work) -> Drawn | None:
    """Call a probe once on a lane of the worker; None if the session is not of this process."""
    found = _sessions.get(session)
    if found is None:
        return None
    try:
        return Drawn(observation=found.lane(lane, work.runtime).draw(work))
    except BeamproofError as error:
        return Drawn(gone=error.message, hint=error.hint)


def leave_node(session: str, lane: str) -> None:
    """Leave the node of a lane's last work behind on this worker."""
    found = _sessions.get(session)
    if found is not None and lane in found.lanes:
        found.lanes[lane].leave_node()


def close_lane(session: str, lane: str) -> None:
    """End the nodes of a lane in good order."""
    found = _sessions.get(session)
    if found is not None and (ended := found.lanes.pop(lane, None)) is not None:
        ended.close()


def end(session: str) -> dict[str, str]:
    """End every node of a run at once; return what compilers warned of, by module."""
    with _lock:
        found = _sessions.pop(session, None)
    if found is None:
        return {}
    found.end()
    return dict(found.probes_warnings)


def _watch(session: str) -> None:
    """End a session that nobody asks for any more: the machine with the claims is gone."""
    while (found := _sessions.get(session)) is not None:
        if time.monotonic() - found.asked_at > LEASE_S:
            end(session)
            return
        time.sleep(_TICK_S)


def _host() -> str:
    return f"{socket.gethostname()}-{_boot_id()}"


def _boot_id() -> str:
    """Return what two machines of one name do not share. Source: random(4), `boot_id`."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii")[:8]
    except OSError:
        return ""
