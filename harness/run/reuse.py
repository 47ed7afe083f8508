"""Observations of stored runs that may stand for calls of a new one.

Knows: runs, works, which VMs there are now. Must not know: claims, predictions, how a VM is asked.

An observation stands for a call when nothing differs that could make another one: the call and its
limits, the source of the probe with all it uses, the VM's build and surroundings, and the machine.
What has no evidence is called again, and so is what met a second release, of which an observation
tells nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import msgspec

from harness.errors import BeamproofError
from harness.run.cells import Need, NodeMode
from harness.run.file import read_run
from harness.run.model import Observation, Run, RuntimeRecord
from harness.run.stored import runs_newest_first
from harness.run.work import Work


@dataclass(frozen=True, slots=True, kw_only=True)
class Now:
    """Say what a new run meets: what must be the same for an observation to stand.

    `runtimes` are the VMs by name, `probe_sha256` gives the hash of a module with all it uses,
    `isolated` tells that every call has a node of its own.
    """

    at: datetime
    beamproof: str
    host: str
    runtimes: Mapping[str, RuntimeRecord]
    probe_sha256: Callable[[str], str]
    isolated: bool = False


def reusable(
    works: Iterable[Work], runs_dir: Path, now: Now, *, younger_than_s: float
) -> tuple[Observation, ...]:
    """Return an observation for each work that some stored run has one for, the newest.

    Returns:
        Each names the work's cells, and in `taken_from` the run that made it.
    """
    since = now.at - timedelta(seconds=younger_than_s)
    wanted = {(work.runtime, work.call.id): work for work in works}
    found: list[Observation] = []
    for run in _runs(runs_dir, since):
        if not wanted:
            break
        for seen in reversed(run.observations):
            work = wanted.get((seen.runtime, seen.call))
            if work is not None and _stands(seen, work, run, now, since):
                del wanted[seen.runtime, seen.call]
                found.append(_taken(seen, work, run))
    return tuple(found)


def _runs(runs_dir: Path, since: datetime) -> Iterator[Run]:
    """Yield the runs that were written to since then, the newest first; what is none gives none."""
    for path in runs_newest_first(runs_dir):
        try:
            if path.stat().st_mtime < since.timestamp():
                return
            yield read_run(path)
        except (BeamproofError, OSError):
            continue


def _taken(seen: Observation, work: Work, run: Run) -> Observation:
    return msgspec.structs.replace(
        seen,
        cells=tuple(map(str, work.cells)),
        boundary=tuple(map(str, work.boundary)),
        taken_from=seen.taken_from or run.header.run,
    )


def _stands(seen: Observation, work: Work, run: Run, now: Now, since: datetime) -> bool:
    call = work.call
    alone = now.isolated or call.alone
    return (
        not seen.failed
        and len(seen.samples) >= call.repeat
        and Need.OTHER_RELEASE not in call.needs
        and seen.timeout_s == call.timeout_s
        and seen.held == call.held.given
        and seen.node == (NodeMode.FRESH if alone else NodeMode.SHARED)
        and run.header.beamproof == now.beamproof
        and run.header.host == now.host
        and seen.worker is None
        and _met(seen, run) == _is(now.runtimes.get(seen.runtime))
        and seen.probe_sha256 == now.probe_sha256(call.module)
        and _within(seen.at, since, now.at)
    )


def _met(seen: Observation, run: Run) -> tuple[object, ...] | None:
    """Return which VM an observation met: what its runtime was, and who the VM said it is."""
    record = next((one for one in run.header.runtimes if one.name == seen.runtime), None)
    if record is None or seen.build is None:
        return None
    return _is(msgspec.structs.replace(record, build=seen.build))


def _is(record: RuntimeRecord | None) -> tuple[object, ...]:
    if record is None or record.build is None:
        return ("unknown",)
    what = (record.way, record.origin, record.digest, record.compiled_by)
    return (*what, record.build, record.surroundings)


def _within(at: str, since: datetime, until: datetime) -> bool:
    try:
        return since <= datetime.fromisoformat(at) <= until
    except (TypeError, ValueError):  # of no time zone, or no time at all
        return False
