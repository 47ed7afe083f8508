"""Measure reports at the size they are meant for: 1,000 claims on 6 releases; print a table.

Knows: how to time. Must not know: what a good figure is; nothing here passes or fails. No VM is
started: the runs are synthetic. Run it on an idle machine.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.support import synthetic_runs
from tests.support.synthetic_runs import LARGE, PATCHES

ROUNDS = 3


def main() -> None:
    """Print the best of three rounds of each verb, in a process of its own, and the sizes."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        files = synthetic_runs.write(folder, LARGE)
        night = replace(LARGE, seed=8, run="next", otp={**PATCHES, 27: "27.3.5"})
        (folder / "next.jsonl").write_bytes(synthetic_runs.content(night, files))
        options = ["--claims", str(files.claims)]
        run, newer, site = str(files.run), str(folder / "next.jsonl"), folder / "site"
        probes = ["--probes", str(files.probes)]
        table = Table("1,000 claims on 6 releases", "seconds", "MB")
        for title, arguments, output in (
            ("report --format html", ["report", run, *probes], site),
            ("report --format junit", ["report", run, "--format", "junit"], folder / "junit.xml"),
            ("report --format json", ["report", run, "--format", "json"], folder / "report.json"),
            ("compare", ["compare", run, newer], folder / "compare.txt"),
        ):
            seconds = _best([*arguments, "-o", str(output), *options])
            table.add_row(title, f"{seconds:.2f}", f"{_size(output) / 1e6:.1f}")
        Console().print(table)


def _best(arguments: list[str]) -> float:
    return min(_timed(arguments) for _ in range(ROUNDS))


def _timed(arguments: list[str]) -> float:
    start = time.perf_counter()
    subprocess.run([sys.executable, "-m", "harness", *arguments], check=False, capture_output=True)
    return time.perf_counter() - start


def _size(path: Path) -> int:
    inside = path.rglob("*") if path.is_dir() else [path]
    return sum(one.stat().st_size for one in inside if one.is_file())


if __name__ == "__main__":
    main()
