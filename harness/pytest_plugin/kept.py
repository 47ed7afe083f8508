"""A pytest session kept as a run: one file a session, however many processes it has.

Knows: run files, what xdist tells its processes. Must not know: items, verdicts.

Under xdist each worker writes a part of its own, and the process that started them joins the parts.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Self

import msgspec
import pytest

from harness.collect.runner import Options
from harness.report.output import write_file
from harness.run.file import RunWriter, read_run
from harness.run.merge import Wins, merge
from harness.run.model import Footer, Observation, Outcome
from harness.run.stored import note_latest
from harness.system.clock import now_iso
from harness.verify.recorder import SourceKeeper
from harness.verify.session import Plan, header_for

_PARTS = ".parts"


class Keeper:
    """Write what one process observes.

    Args:
        folder: of runs.
        session: xdist's name of the session, None without xdist.
        part: xdist's name of the process, None without xdist.
    """

    def __init__(self, folder: Path, session: str | None, part: str | None) -> None:
        self._folder = folder
        self._session = session
        self._part = part
        self._writer: RunWriter | None = None
        self._sources: SourceKeeper | None = None

    @classmethod
    def of(cls, config: pytest.Config) -> Self | None:
        """Return the keeper of a process, None where nothing is to be kept."""
        folder = config.option.beamproof_runs
        if folder is None:
            return None
        worker = getattr(config, "workerinput", None)
        if worker is None:
            return cls(folder, None, None)
        return cls(folder, worker["testrunuid"], worker["workerid"])

    def begin(self, plan: Plan) -> None:
        """Open the file with the header of a plan."""
        header = header_for(plan, command=sys.argv, options=Options())
        if self._session is not None:
            header = msgspec.structs.replace(header, run=f"{header.run[:15]}-{self._session[:4]}")
        folder = self._folder if self._part is None else parts_of(self._folder, self._session or "")
        path = folder / f"{self._part or header.run}.jsonl"
        self._writer = RunWriter(path).__enter__()
        self._writer.append(header)
        self._sources = SourceKeeper(writer=self._writer, probes=plan.workshop.probes)
        if self._part is None:
            note_latest(path)

    def keep(self, observation: Observation) -> None:
        """Write an observation, before it the sources of its probe.

        Raises:
            StorageError: it cannot be written.
        """
        if self._writer is not None and self._sources is not None:
            self._sources.keep(observation)
            self._writer.append(observation)

    def end(self) -> None:
        """Close the file: complete where every selected cell was observed.

        A part says nothing of that: the join does.
        """
        if self._writer is None:
            return
        whole = self._part is not None or not read_run(self._writer.path).missing
        self._writer.finish(
            Footer(
                ended=now_iso(),
                outcome=Outcome.COMPLETE if whole else Outcome.INTERRUPTED,
                observations=self._writer.observations,
                reason=None if whole else "the session ended before every cell was observed",
            )
        )
        self._writer.__exit__()
        self._writer = None


def parts_of(folder: Path, session: str) -> Path:
    """Return where the processes of one session put their parts."""
    return folder / _PARTS / session


def join_parts(config: pytest.Config) -> None:
    """Join the parts of a session that xdist ran, in the process that started it."""
    folder = config.option.beamproof_runs
    session = getattr(config.option, "testrunuid", None) or _session_of(config)
    if folder is None or session is None or hasattr(config, "workerinput"):
        return
    parts = sorted(parts_of(folder, session).glob("*.jsonl"))
    if parts:
        _join(parts, folder)


def _session_of(config: pytest.Config) -> str | None:
    """Return xdist's name of the session, None without xdist."""
    session = config.pluginmanager.getplugin("dsession")
    manager = getattr(session, "nodemanager", None)
    return getattr(manager, "testrunuid", None)


def _join(parts: Sequence[Path], folder: Path) -> None:
    runs = [read_run(path) for path in parts]
    joined = merge(runs, wins=Wins.FIRST, command=runs[0].header.command, at=now_iso())
    name = runs[0].header.run
    path = folder / f"{name}.jsonl"
    write_file(path, joined.named(name).content())
    note_latest(path)
    for part in parts:
        part.unlink()
    with contextlib.suppress(OSError):  # another session's parts are there
        parts[0].parent.rmdir()
        parts[0].parent.parent.rmdir()
