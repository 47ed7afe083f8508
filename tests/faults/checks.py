"""What no fault may do: change a verdict, lose an observation, leave something, mislead.

Each function yields what is not clean, one sentence each.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator

from harness.claims.folder import load_skills
from harness.errors import BeamproofError, ExitCode
from harness.judge.exit import exit_code
from harness.judge.finding import Finding, Verdict
from harness.judge.judge import judge_run
from harness.run.file import read_run
from harness.run.model import Run
from tests.faults.command import ANSWER, Command, name_of

VERDICTS = frozenset({ExitCode.REFUTED, ExitCode.INCONCLUSIVE})
"""What a run of all claims exits with when it reaches its end; half of them are false."""

_LEAVE_S = 5.0
_OLD_S = 3600.0
_MAY_BE = {
    "true": {Verdict.CONFIRMED, Verdict.INCONCLUSIVE},
    "false": {Verdict.REFUTED, Verdict.INCONCLUSIVE},
}


def run_of(command: Command) -> Run | None:
    """Return what is stored of a run, None when not even its header is."""
    if not command.lines() or (file := command.run_file()) is None:
        return None
    return read_run(file)


def findings_of(command: Command, run: Run) -> tuple[Finding, ...]:
    """Return the verdicts that a stored run comes to."""
    return tuple(judge_run(run, load_skills(command.folder / "claims")).findings)


def wrong(command: Command) -> Iterator[str]:
    """Look for evidence and verdicts that are not the true ones, and lines that are damaged."""
    try:
        run = run_of(command)
    except BeamproofError as error:
        yield f"the run file cannot be read: {error.message}"
        return
    if run is None:
        return
    yield from (f"line {one.line} of the run is damaged: {one.reason}" for one in run.damaged)
    for sample in (sample for one in run.observations for sample in one.samples):
        if sample.evidence is not None and sample.evidence != ANSWER:
            yield f"wrong evidence: {sample.evidence}"
    for finding in findings_of(command, run):
        if finding.verdict not in _MAY_BE[finding.claim.id.partition("-")[0]]:
            yield f"wrong verdict: {finding.claim.id} is {finding.verdict}"


def misled(command: Command, code: int, codes: frozenset[int]) -> Iterator[str]:
    """Compare the exit code with what may be, and with what is stored."""
    if code not in codes:
        yield f"exit code {code}, not one of {sorted(codes)}"
    if "Traceback" in (said := command.said()):
        yield f"a traceback: {said[-500:]}"
    if code not in VERDICTS:
        return
    run = run_of(command)
    if run is None or not run.complete or run.missing:
        yield f"exit code {code}, and the stored run is not whole"
    elif (stored := exit_code(findings_of(command, run))) != code:
        yield f"exit code {code}, and what is stored comes to {stored}"


def lost(command: Command, before: bytes) -> Iterator[str]:
    """Look for lines that were in the run file and are there no more."""
    if not command.lines().startswith(before):
        stood = before.count(b"\n")
        yield f"lines of the run file are lost: {stood} stood there"


def left(command: Command, *, by_sweep: bool, within_s: float = _LEAVE_S) -> Iterator[str]:
    """Look for processes and scratch folders, where `by_sweep` only for those that it leaves."""
    deadline = time.monotonic() + within_s
    while (found := _leftovers(command)) and time.monotonic() < deadline:
        time.sleep(0.1)
    if found and by_sweep:
        sweep(command)
        found = _leftovers(command)
    yield from (f"left {what}" for what in found)
    for pid in command.started():
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def _leftovers(command: Command) -> list[str]:
    return [
        *(f"process {pid} ({name_of(pid)})" for pid in command.started()),
        *(path.name for path in (command.folder / "tmp").glob("beamproof-*")),
    ]


def sweep(command: Command) -> None:
    """Sweep as if an hour had passed: what is young may belong to a VM that is being started."""
    for path in (command.folder / "tmp").glob("beamproof-*"):
        os.utime(path, times=(time.time() - _OLD_S,) * 2)
    line = [sys.executable, "-m", "harness", "sweep"]
    subprocess.run(
        line,
        cwd=command.folder,
        env=command.environment(),
        capture_output=True,
        check=True,
        timeout=60,
    )
