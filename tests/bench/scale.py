"""Measure how cost and memory grow with the number of claims; print a table, old beside new.

Knows: how to time a command. Must not know: what a good figure is; nothing here passes or fails.
Every claim makes a call of its own on one VM (a tree of OTP 27): what is measured is everything
from reading the claims to the last line of the report.

    python -m tests.bench.scale --sizes 100,1000,10000 --against HEAD~50
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.bench.revisions import ROOT, beside, environment

SIZES = "100,1000,10000"
PRETENDED = ((100, 1), (1000, 1), (10_000, 1), (1700, 60))
_A_SKILL = 1000
_TIMEOUT_S = 3600.0

_MEASURED = """
import resource, sys
from harness.cli.main import run
code = run(sys.argv[1:])
print("peak_kib", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
sys.exit(code)
"""

_PROBE = """-module({module}).
-export([sum/1]).
-spec sum(map()) -> map().
sum(#{{n := N}}) ->
    #{{sum_count => N + 1}}.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """Hold what a run took: seconds, and the harness's own peak in MB."""

    wall_s: float
    peak_mb: float


def main() -> None:
    """Print seconds, milliseconds a cell and peak memory for each number of claims."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.scale", description=__doc__)
    parser.add_argument("--sizes", default=SIZES, help="numbers of claims")
    parser.add_argument("--against", metavar="REV", help="a revision to measure beside this one")
    given = parser.parse_args()
    console = Console(soft_wrap=True)
    console.print(table([int(one) for one in given.sizes.split(",")], given.against))
    console.print(alone())


def table(sizes: list[int], against: str | None) -> Table:
    """Return the figures of this revision, and of another one measured beside it."""
    made = Table(
        title="cells of one release, each a call of its own", box=None, title_justify="left"
    )
    made.add_column("claims", justify="right")
    with tempfile.TemporaryDirectory() as folder, beside(against) as sources:
        for name in sources:
            for what in ("s", "ms a cell", "MB"):
                made.add_column(f"{name}: {what}", justify="right")
        for size in sizes:
            root = Path(folder) / str(size)
            write(root, size)
            costs = [measured(root, size, own) for own in sources.values()]
            shutil.rmtree(root)
            figures = (
                (f"{cost.wall_s:.1f}", f"{1000 * cost.wall_s / size:.2f}", f"{cost.peak_mb:.0f}")
                for cost in costs
            )
            made.add_row(f"{size:,}", *(figure for three in figures for figure in three))
    return made


def alone() -> Table:
    """Return what the harness itself takes where VMs cost nothing, as they are pretended."""
    made = Table(title="the harness alone, VMs pretended", title_justify="left", box=None)
    for column in ("claims", "releases", "cells", "s", "ms a cell", "MB"):
        made.add_column(column, justify="right")
    for claims, releases in PRETENDED:
        done = subprocess.run(
            [sys.executable, "-m", "tests.bench.cells", str(claims), str(releases)],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        )
        _, code, _, seconds, _, peak = done.stdout.split()[-6:]
        if code != "0":
            raise RuntimeError(done.stdout[-500:])
        cells = claims * releases
        figures = (f"{cells:,}", seconds, f"{1000 * float(seconds) / cells:.2f}", peak)
        made.add_row(f"{claims:,}", f"{releases}", *figures)
    return made


def write(root: Path, size: int, found: Callable[[int], int] = lambda number: number + 1) -> None:
    """Write so many claims with their probes, a thousand a skill; each predicts what is found."""
    claims, probes = root / "claims", root / "erlang_probes"
    claims.mkdir(parents=True)
    probes.mkdir()
    for first in range(0, size, _A_SKILL):
        skill = f"bench-{first // _A_SKILL:03}"
        module = skill.replace("-", "_")
        (probes / f"{module}.erl").write_text(_PROBE.format(module=module))
        numbers = range(first, min(size, first + _A_SKILL))
        text = f'skill = "{skill}"\ndescription = "Sums."\n' + "".join(
            _claim(number, found(number)) for number in numbers
        )
        (claims / f"{skill}.toml").write_text(text)


def _claim(number: int, found: int) -> str:
    return (
        f'\n[[claim]]\nid = "sum-{number}"\nprobe = "sum"\nargs.n = {number}\n'
        f'statement = "{number} and 1 is {number + 1}."\n'
        'sources = ["https://www.erlang.org/doc/apps/erts/erlang.html"]\n'
        f"expect.sum_count = {found}\n"
        f'\n[[claim.rival]]\nstatement = "It is less."\nexpect.sum_count = {found - 1}\n'
    )


def measured(root: Path, size: int, sources: Path) -> Cost:
    """Verify all claims with the harness of a folder of sources."""
    runs = root / "runs"
    shutil.rmtree(runs, ignore_errors=True)
    options = ["--otp", "27", "--runtime", "debian", "--runs", str(runs), "-q"]
    folders = ["--claims", str(root / "claims"), "--probes", str(root / "erlang_probes")]
    start = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", _MEASURED, "verify", *options, *folders],
        cwd=sources,
        env=environment(sources),
        capture_output=True,
        text=True,
        check=False,
        timeout=_TIMEOUT_S,
    )
    wall_s = time.monotonic() - start
    if f"{size} confirmed" not in done.stdout:
        raise RuntimeError(f"{size} claims: {done.stdout[-500:]}{done.stderr[-500:]}")
    peak = next(line for line in done.stdout.splitlines() if line.startswith("peak_kib"))
    return Cost(wall_s=wall_s, peak_mb=int(peak.split()[1]) / 1000)


if __name__ == "__main__":
    main()
