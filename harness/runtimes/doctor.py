"""What this machine has for proving claims, what it lacks, and the command that mends it.

Knows: every requirement of every way. Must not know: how it is printed.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from harness import files
from harness.errors import BeamproofError
from harness.runtimes import host, listing
from harness.runtimes import sweep as sweeping
from harness.runtimes.debian import mirror, tree, unpack
from harness.runtimes.docker import engine
from harness.runtimes.model import RuntimeOptions


class State(StrEnum):
    """Say how a requirement stands: met, missing where another way serves too, or missing."""

    OK = "ok"
    OPTIONAL = "optional"
    MISSING = "missing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """Hold one requirement: how it stands, what was found, and the command that mends it."""

    name: str
    state: State
    found: str
    mend: str | None = None


def examine(options: RuntimeOptions) -> tuple[Check, ...]:
    """Return every check, in the order in which they should be mended.

    Raises:
        InputError: a folder named by the user has no VM in it.
    """
    checks: tuple[Callable[[], Check], ...] = (
        lambda: _releases(options),
        lambda: _cache(options.cache_dir),
        lambda: _room(options.cache_dir),
        _engine,
        _packages,
        _patchelf,
        _compiler,
        _installs,
        lambda: _leftovers(options.cache_dir),
    )
    return tuple(check() for check in checks)


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


def _cache(cache_dir: Path) -> Check:
    probe = cache_dir / f".probe-{os.getpid()}"
    try:
        files.write_whole(probe, b"")
        probe.unlink()
    except (BeamproofError, OSError) as error:
        return Check(
            name="cache",
            state=State.MISSING,
            found=str(getattr(error, "message", error)),
            mend="export BEAMPROOF_CACHE=DIR, a folder that you may write",
        )
    return Check(name="cache", state=State.OK, found=str(cache_dir))


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


def _engine() -> Check:
    state = engine.state()
    if state.answers:
        return Check(name="container engine", state=State.OK, found=f"answers at {state.address}")
    return Check(
        name="container engine", state=State.OPTIONAL, found=state.reason, mend=_start_engine(state)
    )


def _start_engine(state: engine.EngineState) -> str:
    if "may not use" in state.reason:
        return 'sudo usermod -aG docker "$USER", then log in again'
    if os.environ.get("DOCKER_HOST"):
        return "correct DOCKER_HOST, or unset it"
    if shutil.which("dockerd") is None:
        return "sudo apt-get install docker.io"
    return "sudo systemctl start docker"


def _packages() -> Check:
    try:
        mirror.find_source()
    except BeamproofError as error:
        return Check(name="packages", state=State.OPTIONAL, found=error.message, mend=error.hint)
    return Check(name="packages", state=State.OK, found="apt knows a Debian mirror and its keyring")


def _patchelf() -> Check:
    try:
        return Check(name="patchelf", state=State.OK, found=unpack.find_patchelf())
    except BeamproofError as error:
        return Check(name="patchelf", state=State.OPTIONAL, found=error.message, mend=error.hint)


def _compiler() -> Check:
    if (compiler := shutil.which("cc")) is not None:
        return Check(name="C compiler", state=State.OK, found=compiler)
    return Check(
        name="C compiler",
        state=State.OPTIONAL,
        found="there is no cc on the PATH, so claims about NIFs are skipped",
        mend="sudo apt-get install gcc libc6-dev",
    )


def _installs() -> Check:
    if broken := host.broken():
        return Check(
            name="host installs",
            state=State.OPTIONAL,
            found="; ".join(broken),
            mend="mend or remove the install; until then it is left out",
        )
    return Check(name="host installs", state=State.OK, found="every erl that was found starts")


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
