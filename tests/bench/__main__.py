"""Measure the harness, and the other ways to run as many checks, in one run; print two tables.

Knows: how to time. Must not know: what a good figure is; nothing here passes or fails.
Trees of OTP 25 and 27 are fetched when they are missing; containers are measured where an engine
answers. Run it on an idle machine.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from pathlib import Path

from rich.console import Console
from rich.table import Table

from harness.collect.node import Node
from harness.collect.probes import ProbeStore
from harness.errors import BeamproofError
from harness.folders import cache_dir
from harness.runtimes import Runtime, RuntimeOptions, resolve
from tests.bench import others, sharing, trivial

READY_ROUNDS = 10
CALL_ROUNDS = 300
SKILL_ROUNDS = 3


def main() -> None:
    """Print the figures of the harness, then the comparison."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--checks", type=int, default=20, help="trivial checks to compare with")
    checks = parser.parse_args().checks
    console = Console(soft_wrap=True)
    with tempfile.TemporaryDirectory() as name:
        probes = trivial.write(Path(name), checks)
        tree = _runtime("debian")
        container = _runtime("docker", console)
        console.print(_figures(tree, container, probes))
        console.print(_comparison(tree, container, Path(name), checks))


def _runtime(way: str, console: Console | None = None) -> Runtime | None:
    """Return OTP 27 in one way; a way that is not to be had is said and left out."""
    try:
        (found,) = resolve(
            [27], way=way, options=RuntimeOptions(cache_dir=cache_dir()), progress=print
        )
    except BeamproofError as error:
        if console is None:
            raise
        console.print(f"no containers here: {error}")
        return None
    if found.runtime is None and console is not None:
        console.print(f"no containers here: {found.reason}")
    return found.runtime


def _figures(tree: Runtime | None, container: Runtime | None, probes: Path) -> Table:
    table = Table(title="the harness, medians", title_justify="left", box=None)
    for column in ("figure", "tree", "container"):
        table.add_column(column)
    both = [runtime for runtime in (tree, container) if runtime is not None]
    ready = [f"{1000 * ready_s(runtime, probes):.0f} ms" for runtime in both]
    table.add_row("node ready", *ready)
    table.add_row("overhead a claim", *(f"{overhead_us(one, probes):.0f} us" for one in both))
    runs = [others.whole_skill() for _ in range(SKILL_ROUNDS)]
    table.add_row(
        "whole skill on 25 and 27", f"{statistics.median(run.wall_s for run in runs):.1f} s"
    )
    table.add_row("first claim after", f"{statistics.median(run.first_s for run in runs):.2f} s")
    both_ways = sharing.measure(others.SKILL)
    table.add_row(
        f"calls of it, {both_ways.cells} apart or {both_ways.calls} shared",
        f"{both_ways.apart_s:.1f} s or {both_ways.shared_s:.1f} s",
    )
    table.add_row("memory of the harness", f"{max(run.peak_mb for run in runs):.0f} MB")
    return table


def ready_s(runtime: Runtime, probes: Path) -> float:
    """Return the median seconds from asking for a node until it answers."""
    store = ProbeStore(probes, cache_dir() / "probes")
    times = []
    for number in range(READY_ROUNDS + 1):
        start = time.monotonic()
        with Node(runtime.launcher, name=f"beamproof-bench-{number}", probes=store):
            times.append(time.monotonic() - start)
    return statistics.median(times[1:])  # the first may have compiled


def overhead_us(runtime: Runtime, probes: Path) -> float:
    """Return the median microseconds of a call beyond what the probe itself took."""
    store = ProbeStore(probes, cache_dir() / "probes")
    with Node(runtime.launcher, name="beamproof-bench-calls", probes=store) as node:
        answers = [
            node.probe(trivial.MODULE, trivial.function(0), {}, timeout_s=10)
            for _ in range(CALL_ROUNDS)
        ]
    return statistics.median(one.elapsed_us - (one.probe_us or 0) for one in answers[10:])


def _comparison(
    tree: Runtime | None, container: Runtime | None, folder: Path, checks: int
) -> Table:
    table = Table(
        title=f"{checks} trivial checks on OTP 27, start included", title_justify="left", box=None
    )
    table.add_column("way")
    table.add_column("seconds", justify="right")
    table.add_column("ms a check", justify="right")
    if tree is not None:
        rows = {
            "beamproof, tree": others.beamproof(folder, "debian"),
            "one erl -noshell -eval a check": others.erl_each(checks),
            "Common Test (ct_run)": others.common_test(folder),
        }
        if container is not None:
            rows["beamproof, container"] = others.beamproof(folder, "docker")
            rows["one docker run a check"] = others.docker_each(container, checks)
        for way, seconds in sorted(rows.items(), key=lambda row: row[1]):
            table.add_row(way, f"{seconds:.2f}", f"{1000 * seconds / checks:.0f}")
    return table


main()
