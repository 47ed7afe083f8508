"""What this machine has for proving claims, what it lacks, and the command that mends it.

Knows: what every run needs. Must not know: which ways there are and what each of them needs, how
it is printed.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable
from pathlib import Path

from harness.errors import BeamproofError
from harness.runtimes import listing, ways
from harness.runtimes import sweep as sweeping
from harness.runtimes.debian import tree
from harness.runtimes.model import RuntimeOptions
from harness.runtimes.way import Check, State, Stock
from harness.system import files


def examine(options: RuntimeOptions) -> tuple[Check, ...]:
    """Return every check, in the order in which they should be mended.

    Raises:
        InputError: a folder named by the user has no VM in it.
    """
    every = ways.all_ways(options, lambda _line: None)
    return (
        _releases(options),
        _cache(options),
        _room(options.cache_dir),
        *(check for way in every for check in way.checks()),
        _compiler(),
        _leftovers(options.cache_dir),
    )


def is_able(checks: Iterable[Check]) -> bool:
    """Tell whether claims can be proven here."""
    return all(check.state is not State.MISSING for check in checks)


def _releases(options: RuntimeOptions) -> Check:
    listed = [row for row in listing.survey(options) if row.in_range]
    there = [str(row.release) for row in listed if row.available]
    absent = [str(row.release) for row in listed if not row.available]
    if not there:
        return Check(
            name="releases",
            state=State.MISSING,
            found="no OTP release of the range can be had on this machine",
            mend="mend one of: container engine, packages, or name an install with --otp-root DIR",
        )
    found = f"OTP {', '.join(there)} can be had"
    if not absent:
        return Check(name="releases", state=State.OK, found=found)
    return Check(
        name="releases",
        state=State.OPTIONAL,
        found=f"{found}; {', '.join(absent)} cannot",
        mend=" && ".join(f"docker pull erlang:{release}-slim" for release in absent),
    )


def _cache(options: RuntimeOptions) -> Check:
    """Try to write; a cache that is only read serves with what is in it."""
    cache_dir = options.cache_dir
    probe = cache_dir / f".probe-{os.getpid()}"
    try:
        files.write_whole(probe, b"")
        probe.unlink()
    except (BeamproofError, OSError) as error:
        return Check(
            name="cache",
            state=State.OPTIONAL if _has_any(options) else State.MISSING,
            found=str(getattr(error, "message", error)),
            mend="export BEAMPROOF_CACHE=DIR, a folder that you may write",
        )
    return Check(name="cache", state=State.OK, found=str(cache_dir))


def _has_any(options: RuntimeOptions) -> bool:
    return any(offer.stock is Stock.HERE for row in listing.survey(options) for offer in row.offers)


def _room(cache_dir: Path) -> Check:
    there = next((path for path in (cache_dir, *cache_dir.parents) if path.exists()), Path("/"))
    free = shutil.disk_usage(there).free
    found = f"{free >> 20} MiB free"
    if free >= tree.KEEP_FREE_BYTES:
        return Check(name="disk", state=State.OK, found=found)
    return Check(
        name="disk",
        state=State.OPTIONAL,
        found=f"{found}; an install wants {tree.KEEP_FREE_BYTES >> 20} MiB",
        mend="beamproof otp remove NN, or export BEAMPROOF_CACHE=DIR on another disk",
    )


def _compiler() -> Check:
    if (compiler := shutil.which("cc")) is not None:
        return Check(name="C compiler", state=State.OK, found=compiler)
    return Check(
        name="C compiler",
        state=State.OPTIONAL,
        found="there is no cc on the PATH, so claims about NIFs are skipped",
        mend="sudo apt-get install gcc libc6-dev",
    )


def _leftovers(cache_dir: Path) -> Check:
    found = sweeping.find(cache_dir)
    if not found:
        return Check(name="leftovers", state=State.OK, found="none of crashed runs")
    return Check(
        name="leftovers",
        state=State.OPTIONAL,
        found=f"{len(found.containers)} containers, {len(found.processes)} processes,"
        f" {len(found.folders)} folders of crashed runs",
        mend="beamproof sweep",
    )
