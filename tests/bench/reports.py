"""Measure reports at the size they are meant for: 1,000 claims on 6 or 60 releases; print a table.

Knows: how to time. Must not know: what a good figure is; nothing here passes or fails. No VM is
started: the runs are synthetic. Run it on an idle machine.
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

from tests.bench.revisions import beside, environment

ROUNDS = 3

_WRITE = """
import sys
from dataclasses import replace
from pathlib import Path
from tests.support import synthetic_runs
from tests.support.synthetic_runs import LARGE
folder, count = Path(sys.argv[1]), int(sys.argv[2])
shape = LARGE
if count != len(LARGE.releases):
    numbers = tuple(range(22, 22 + count))
    shape = replace(LARGE, releases=numbers, otp={one: f"{one}.3.1" for one in numbers})
files = synthetic_runs.write(folder, shape)
last = shape.releases[-1]
night = replace(shape, seed=8, run="next", otp={**shape.otp, last: f"{last}.3.5"})
(folder / "next.jsonl").write_bytes(synthetic_runs.content(night, files))
"""
"""Write two runs; of many releases, which there are not, by number."""


def main() -> None:
    """Print the best of three rounds of each verb, in a process of its own, and the sizes."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.reports", description=__doc__)
    parser.add_argument("--releases", type=int, default=6, help="how many releases a run has")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="of which the best counts")
    parser.add_argument("--against", metavar="REV", help="a revision to measure beside this one")
    given = parser.parse_args()
    Console().print(table(given.releases, given.rounds, given.against))


def table(releases: int, rounds: int, against: str | None) -> Table:
    """Return seconds and sizes of each verb, of this revision and of another one."""
    made = Table(f"1,000 claims on {releases} releases")
    with tempfile.TemporaryDirectory() as name, beside(against) as sources:
        for version in sources:
            for what in ("seconds", "MB"):
                made.add_column(f"{version}: {what}", justify="right")
        columns = [_figures(Path(name), releases, rounds, own) for own in sources.values()]
    for rows in zip(*columns, strict=True):
        made.add_row(rows[0][0], *(figure for row in rows for figure in row[1:]))
    return made


def _figures(folder: Path, releases: int, rounds: int, sources: Path) -> list[tuple[str, ...]]:
    """Return each verb with its seconds and MB, on runs that the revision itself writes."""
    own = Path(tempfile.mkdtemp(dir=folder))
    _python(["-c", _WRITE, str(own), str(releases)], sources)
    claims = ["--claims", str(own / "claims")]
    run, newer = str(own / "run.jsonl"), str(own / "next.jsonl")
    found = []
    for title, arguments, output in (
        ("report --format html", ["report", run, "--probes", str(own / "probes")], own / "site"),
        ("report --format junit", ["report", run, "--format", "junit"], own / "junit.xml"),
        ("report --format json", ["report", run, "--format", "json"], own / "report.json"),
        ("compare", ["compare", run, newer], own / "compare.txt"),
    ):
        words = ["-m", "harness", *arguments, "-o", str(output), *claims]
        seconds = min(_timed(words, sources) for _ in range(rounds))
        found.append((title, f"{seconds:.2f}", f"{_size(output) / 1e6:.1f}"))
    return found


def _timed(words: list[str], sources: Path) -> float:
    start = time.perf_counter()
    _python(words, sources)
    return time.perf_counter() - start


def _python(words: list[str], sources: Path) -> None:
    """Run Python with the sources of a revision; a comparison that finds what is worse exits 1."""
    done = subprocess.run(
        [sys.executable, *words],
        cwd=sources,
        env=environment(sources),
        check=False,
        capture_output=True,
        text=True,
    )
    if done.returncode not in {0, 1}:
        raise RuntimeError(done.stderr[-1000:])


def _size(path: Path) -> int:
    inside = path.rglob("*") if path.is_dir() else [path]
    return sum(one.stat().st_size for one in inside if one.is_file())


if __name__ == "__main__":
    main()
