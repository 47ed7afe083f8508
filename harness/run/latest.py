"""What is known of each cell now: the newest observation of it, whichever run of a folder made it.

Knows: a folder of runs. Must not know: claims, verdicts. A run of a part hides nothing of the
whole: older runs fill in what the newest did not reach, as long as they met the same VM.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from harness.errors import BeamproofError
from harness.run.cells import CellId, release_order
from harness.run.file import read_run
from harness.run.model import LeftOutCell, Observation, Run, RuntimeRecord
from harness.run.standing import distinct
from harness.run.stored import latest_run, run_path, runs_newest_first

_MOST_RUNS = 30
_MOST_BYTES = 64 * 1024**2
"""How far back is looked: so many runs, and so many bytes of older ones."""


def run_meant(text: str | None, runs_dir: Path) -> Run:
    """Return the run that was named; without a name, and for `latest`, what is known of each cell.

    Raises:
        InputError: there is none.
        RunFileError: it cannot be read.
    """
    if text is None or text == "latest":
        return newest_of_each_cell(runs_dir)
    return read_run(run_path(text, runs_dir))


def newest_of_each_cell(runs_dir: Path) -> Run:
    """Return the folder's latest run, filled up with the newest observation of all other cells.

    Older runs give what the newer ones neither observed nor left out, on runtimes that are the
    same VM in both; runs that cannot be read give nothing. Path, start and end are the latest's.

    Raises:
        InputError: there is no run.
        RunFileError: the latest cannot be read.
    """
    latest = latest_run(runs_dir)
    filled = _Filled(read_run(latest))
    for run in _older(latest, runs_dir):
        filled.add(run)
    return filled.run()


def _older(latest: Path, runs_dir: Path) -> Iterable[Run]:
    size = 0
    others = [path for path in runs_newest_first(runs_dir) if path != latest]
    for path in others[: _MOST_RUNS - 1]:
        try:
            size += path.stat().st_size
            if size > _MOST_BYTES:
                return
            yield read_run(path)
        except (BeamproofError, OSError):
            continue


@dataclass(slots=True)
class _Filled:
    """Collect cells from runs given newest first; the first that knows a cell is believed."""

    latest: Run
    records: dict[str, RuntimeRecord] = field(default_factory=dict)
    known: set[str] = field(default_factory=set)
    observations: list[Observation] = field(default_factory=list)
    repeats: list[Observation] = field(default_factory=list)
    left_out: list[LeftOutCell] = field(default_factory=list)
    sources: list[Run] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.add(self.latest)

    def add(self, run: Run) -> None:
        own = {record.name: record for record in run.header.runtimes}
        same = {name for name, record in own.items() if self._is_same(record)}
        seen = [one for one in map(self._unknown, run.observations) if one and one.runtime in same]
        left = [one for one in run.header.left_out if one.cell not in self.known]
        if run is not self.latest and not seen:
            return
        self.sources.append(run)
        for record in own.values():
            self.records.setdefault(record.name, record)
        self.observations += seen
        cells = {cell for one in seen for cell in (*one.cells, *one.boundary)}
        self.repeats += [one for one in run.repeats if cells.issuperset(one.cells + one.boundary)]
        self.left_out += left
        self.known |= {cell for one in seen for cell in (*one.cells, *one.boundary)}
        self.known |= {one.cell for one in left}

    def _is_same(self, record: RuntimeRecord) -> bool:
        known = self.records.get(record.name)
        return known is None or _identity(known) == _identity(record)

    def _unknown(self, seen: Observation) -> Observation | None:
        """Return the observation for those of its cells that no newer run knows."""
        cells = tuple(cell for cell in seen.cells if cell not in self.known)
        boundary = tuple(cell for cell in seen.boundary if cell not in self.known)
        if not (cells or boundary):
            return None
        return msgspec.structs.replace(seen, cells=cells, boundary=boundary)

    def run(self) -> Run:
        if len(self.sources) == 1:
            return self.latest
        header = msgspec.structs.replace(
            self.latest.header,
            cells=self._planned("cells"),
            boundary=self._planned("boundary"),
            left_out=tuple(self.left_out),
            claims_sha256=_joined(run.header.claims_sha256 for run in self.sources),
            probes_sha256=_joined(run.header.probes_sha256 for run in self.sources),
            runtimes=tuple(sorted(self.records.values(), key=lambda one: release_order(one.name))),
        )
        return msgspec.structs.replace(
            self.latest,
            header=header,
            observations=tuple(self.observations),
            repeats=tuple(self.repeats),
            sources=distinct(source for run in self.sources for source in run.sources),
        )

    def _planned(self, what: str) -> tuple[str, ...]:
        """Return the latest's plan and what others observed, in the order of the largest plan."""
        wanted = {cell for one in self.observations for cell in getattr(one, what)}
        wanted |= set(getattr(self.latest.header, what))
        plans = sorted((getattr(run.header, what) for run in self.sources), key=len, reverse=True)
        by_skill: dict[str, list[str]] = {}
        for cell in dict.fromkeys(cell for plan in plans for cell in plan):
            if cell in wanted:
                by_skill.setdefault(CellId(cell).skill, []).append(cell)
        return tuple(cell for cells in by_skill.values() for cell in cells)


def _identity(record: RuntimeRecord) -> tuple[object, ...]:
    version = record.build.otp_version if record.build else None
    return record.way, record.origin, record.digest, version


def _joined(found: Iterable[Mapping[str, str]]) -> dict[str, str]:
    """Join hashes by name; the newest run's stand."""
    joined: dict[str, str] = {}
    for one in found:
        for name, value in one.items():
            joined.setdefault(name, value)
    return joined
