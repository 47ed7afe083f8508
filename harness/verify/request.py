"""What one `verify` command asks for, beside its runtimes.

Knows: options that were read. Must not know: how they are typed, or what is made of them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from harness.collect.runner import Options
from harness.run.durations import Durations
from harness.run.model import Run
from harness.run.shards import Shard
from harness.system.verbosity import Verbosity
from harness.verify.plan import Selection


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """Hold the options of one invocation.

    Args:
        skills: `None` is all.
        selection: which cells.
        claims_dir: folder of the claim files.
        probes_dir: folder of the probes.
        runs_dir: folder of stored runs.
        plan_only: print the cells and run nothing.
        as_json: print JSON instead of tables.
        verbosity: how much is printed.
        durations: how many of the slowest calls are listed at the end.
        fail_fast: stop at the first cell that is not confirmed.
        resumed: the run that goes on.
        repeat: samples a cell; `None` leaves what the claims say.
        timeout_s: seconds a call; `None` leaves what the claims say.
        options: how cells are run.
        shard: the share of the calls that is run; `None` is all.
        until_stable_s: how long calls are repeated after the run itself; `None` is not at all.
        reuse_s: how old observations of stored runs may be to be taken over; `None` takes none.
        balance: how long calls take, by which shares are dealt out.
    """

    skills: tuple[str, ...] | None
    selection: Selection
    claims_dir: Path
    probes_dir: Path
    runs_dir: Path
    plan_only: bool
    as_json: bool
    verbosity: Verbosity
    durations: int
    fail_fast: bool
    resumed: Run | None
    repeat: int | None
    timeout_s: float | None
    options: Options
    shard: Shard | None = None
    reuse_s: float | None = None
    until_stable_s: float | None = None
    balance: Durations = field(default_factory=Durations)
