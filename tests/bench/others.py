"""Run checks in the ways there are, each as a whole command, and time it.

Knows: commands. Must not know: what the figures are compared with.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import docker
from harness.folders import cache_dir
from harness.runtimes import Runtime
from harness.runtimes.debian import tree

SKILL = "beam-memory-management"
_TIMEOUT_S = 600.0

_MEASURED = """
import resource, sys
from harness.cli.main import run
code = run(sys.argv[1:])
print("peak_kib", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
sys.exit(code)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class SkillRun:
    """Hold the figures of one `verify` command: seconds, and the harness's own peak in MB."""

    wall_s: float
    first_s: float
    peak_mb: float


def whole_skill() -> SkillRun:
    """Verify one skill on the trees of OTP 25 and 27, warm."""
    command = [sys.executable, "-c", _MEASURED, "verify", SKILL, "-v", "--otp", "25,27"]
    start = time.monotonic()
    first_s, peak_kib = 0.0, 0
    with (
        tempfile.TemporaryDirectory() as runs,
        subprocess.Popen(
            [*command, "--runtime", "debian", "--runs", runs],
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        ) as process,
    ):
        for line in process.stdout or ():
            first_s = first_s or ("@otp" in line and time.monotonic() - start)
            if line.startswith("peak_kib"):
                peak_kib = int(line.split()[1])
    wall_s = time.monotonic() - start
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    return SkillRun(wall_s=wall_s, first_s=first_s, peak_mb=peak_kib / 1000)


def beamproof(folder: Path, way: str) -> float:
    """Verify the trivial claims in one way; seconds."""
    options = ["--otp", "27", "--runtime", way, "--runs", str(folder / "runs")]
    folders = ["--claims", str(folder / "claims"), "--probes", str(folder / "erlang_probes")]
    return _timed([sys.executable, "-m", "harness", "verify", *options, *folders])


def erl_each(checks: int) -> float:
    """Start one VM a check; seconds."""
    erl = str(_tree().erl)
    return sum(_timed([erl, "-noshell", "-eval", "2 = 1 + 1, halt()."]) for _ in range(checks))


def docker_each(runtime: Runtime, checks: int) -> float:
    """Start one container a check; seconds."""
    client = docker.from_env()
    start = time.monotonic()
    for _ in range(checks):
        client.containers.run(
            runtime.origin,
            ["erl", "-noshell", "-eval", "2 = 1 + 1, halt()."],
            remove=True,
            network_mode="none",
        )
    return time.monotonic() - start


def common_test(folder: Path) -> float:
    """Run the suite of as many cases with Common Test; seconds."""
    logs = folder / "logs"
    logs.mkdir()
    command = [
        str(_tree().erl.with_name("ct_run")),
        "-noinput",
        "-basic_html",
        "-dir",
        str(folder / "suite"),
    ]
    return _timed([*command, "-logdir", str(logs)])


def _tree() -> tree.Tree:
    return tree.install(cache_dir(), 27, progress=print)


def _timed(command: list[str]) -> float:
    start = time.monotonic()
    subprocess.run(
        command,
        check=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        timeout=_TIMEOUT_S,
    )
    return time.monotonic() - start
