"""Write the files of all skills, run them on several releases, and compare the verdicts."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from harness.claims.model import Claim, Skill
from harness.cli.repro import read_sources
from harness.report.repro.escript import escript, why_not
from harness.run.cells import CellId
from harness.system.streams import echo

_AT_ONCE = 2
_TIMEOUT_S = 580.0
_SHARE = 12
"""So many claims a file: shares of a skill end at about the same time on both cores."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """Hold one file on one release."""

    release: int
    erl: Path
    claims: tuple[Claim, ...]
    path: Path


def jobs(
    skills: Sequence[Skill], erls: dict[int, Path], folder: Path, probes: Path, share: int = _SHARE
) -> Iterator[Job]:
    """Yield a file for each share of a skill's claims, on each release."""
    sources = read_sources(probes)
    for skill in skills:
        shown = tuple(claim for claim in skill.claims if why_not(claim) is None)
        for at in range(0, len(shown), share):
            part = shown[at : at + share]
            path = folder / f"{skill.name}-{at}.escript"
            path.write_text(escript(part, sources), encoding="utf-8")
            for release, erl in erls.items():
                yield Job(release=release, erl=erl, claims=part, path=path)


def verdicts(all_jobs: Iterable[Job]) -> dict[CellId, tuple[str, str]]:
    """Run the files, two at a time; return verdict and reason of each cell."""
    found: dict[CellId, tuple[str, str]] = {}
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        for job, told in pool.map(_run, all_jobs):
            for claim in job.claims:
                cell = CellId.of(claim.skill, claim.id, f"otp{job.release}")
                found[cell] = told.get(claim.name, ("missing", "the file said nothing of it"))
    return found


def _run(job: Job) -> tuple[Job, dict[str, tuple[str, str]]]:
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="repro-all-") as folder:
        environment = {"PATH": os.environ["PATH"], "HOME": folder, "TMPDIR": folder}
        done = subprocess.run(
            [job.erl.parent / "escript", job.path, "--json"],
            capture_output=True, text=True, check=False, cwd=folder, env=environment,
            timeout=_TIMEOUT_S,
        )  # fmt: skip
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    took = time.monotonic() - started
    echo(f"{job.path.stem} on {job.release}: {len(lines)} in {took:.1f} s {done.stderr[:2000]}")
    return job, {one["claim"]: (one["verdict"], one["reason"]) for one in lines}
