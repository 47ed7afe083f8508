"""Measure what more lanes give, here and on a cluster's workers; rehearse what there is not.

Knows: how to time a command, the queue of a run. Must not know: what a good figure is. The
rehearsal starts no VM: it takes the durations that are kept with the claims, or those of a run.

    python -m tests.bench.lanes --run .beamproof/runs/NAME.jsonl
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from rich.console import Console
from rich.table import Table

from harness.claims.folder import load_skills
from harness.collect.rehearsal import rehearse
from harness.collect.room import Room
from harness.folders import default_claims_dir
from harness.run.cells import Column
from harness.run.durations import FILE, read_durations
from harness.run.work import Work, shared
from harness.verify import plan
from tests.bench.others import SKILL

COLUMNS = (
    Column(name="otp25", release=25, otp_version="25.2.3"),
    Column(name="otp27", release=27, otp_version="27.3.4.1"),
)
MACHINES = ((1, 1), (1, 2), (8, 1), (8, 2), (64, 1))
"""How many machines, and lanes on each."""

_ROOM = Room(memory_bytes=16 << 30, scratch_bytes=64 << 30)


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.lanes", description=__doc__)
    parser.add_argument("--run", type=Path, help="a stored run whose durations are taken")
    parser.add_argument("--rehearse", action="store_true", help="start no VM")
    given = parser.parse_args()
    console = Console(soft_wrap=True)
    if not given.rehearse:
        console.print(_measured())
    console.print(_rehearsed(given.run or default_claims_dir() / FILE))


def _measured() -> Table:
    table = Table(title=f"{SKILL} on OTP 25 and 27", title_justify="left", box=None)
    for column in ("lanes", "seconds", "speed-up"):
        table.add_column(column, justify="right")
    alone_s = _verify("--jobs", "1")
    for title, options in (
        ("1", ()),
        ("2", ("--jobs", "2")),
        ("--cluster local:1", ("--cluster", "local:1")),
        ("--cluster local:2", ("--cluster", "local:2")),
    ):
        seconds = _verify(*options) if options else alone_s
        table.add_row(title, f"{seconds:.1f}", f"{alone_s / seconds:.2f}")
    return table


def _verify(*options: str) -> float:
    """Verify the skill on trees; seconds of the whole command."""
    with tempfile.TemporaryDirectory() as runs:
        command = [sys.executable, "-m", "harness", "verify", SKILL, "--otp", "25,27", "-q"]
        start = time.monotonic()
        done = subprocess.run(
            [*command, "--runtime", "debian", "--runs", runs, *options],
            check=False,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
        )
        if done.returncode != 0:
            raise RuntimeError(done.stdout + done.stderr)
        return time.monotonic() - start


def _rehearsed(durations: Path) -> Table:
    works, seconds = _works(durations)
    table = Table(
        title=f"rehearsed: {len(works)} calls on OTP 25 and 27, seconds",
        title_justify="left",
        box=None,
    )
    for column in ("machines", "lanes each", "calls", "sum / lanes", "ratio", "of time", "whole"):
        table.add_column(column, justify="right")
    for machines, lanes in MACHINES:
        found = rehearse(works, seconds, hosts=machines, lanes=lanes, room=_ROOM)
        ideal_s = found.works_s / (machines * lanes)
        figures = (found.others_s, ideal_s)
        table.add_row(
            f"{machines}",
            f"{lanes}",
            *(f"{figure:.1f}" for figure in figures),
            f"{found.others_s / ideal_s:.2f}",
            f"{found.timing_s:.1f}",
            f"{found.whole_s:.1f}",
        )
    return table


def _works(durations: Path) -> tuple[list[Work], dict[tuple[str, str], float]]:
    """Return the calls of all skills that the durations know, and how long each takes."""
    known = read_durations(durations).seconds
    skills = load_skills(default_claims_dir())
    every = shared(plan.build(skills, COLUMNS, plan.Selection()).cells)
    works = [work for work in every if work.call.id in known]
    return works, {(work.runtime, work.call.id): known[work.call.id] for work in works}


if __name__ == "__main__":
    main()
