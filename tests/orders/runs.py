"""Run claims in shuffled orders and each alone, and tell where a verdict depends on that.

Knows: the command line. Must not know: why a verdict differs.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence

from harness.claims.folder import load_skills
from harness.folders import default_claims_dir

Verdicts = dict[str, str]
"""The verdict of each cell."""

_TIMEOUT_S = 3600.0


def names(*, sample: int | None = None, seed: int = 0) -> list[str]:
    """Return `skill/claim` of all claims without timing, or of so many a skill."""
    dice = random.Random(seed)  # noqa: S311 - order, not secrecy
    found: list[str] = []
    for skill in load_skills(default_claims_dir()):
        own = [claim.name for claim in skill.claims if not claim.timing]
        found += own if sample is None else dice.sample(own, min(sample, len(own)))
    return found


def verdicts(claims: Sequence[str], options: Sequence[str]) -> Verdicts:
    """Run claims and return what came out, cell by cell."""
    chosen = [word for name in claims for word in ("--claim", name)]
    with tempfile.TemporaryDirectory() as runs:
        done = subprocess.run(
            [
                *(sys.executable, "-m", "harness", "verify", "--json", "--runs", runs),
                *options,
                *chosen,
            ],
            capture_output=True,
            text=True,
            check=False,
            timeout=_TIMEOUT_S,
            env={**os.environ, "CI": ""},
        )
        try:
            found = json.loads(done.stdout[done.stdout.index("{\n") :])
        except ValueError:
            raise RuntimeError(f"exit {done.returncode}: {done.stdout}{done.stderr}") from None
    return {row["cell"]: row["verdict"] for row in found["findings"]}


def differing(runs: dict[str, Verdicts]) -> Iterator[str]:
    """Yield a line for each cell whose verdict is not the same in all runs."""
    for cell in sorted({cell for found in runs.values() for cell in found}):
        by_run = {how: found.get(cell, "absent") for how, found in runs.items()}
        if len(set(by_run.values())) > 1:
            yield f"{cell}: " + ", ".join(f"{how} {verdict}" for how, verdict in by_run.items())


def in_all_ways(
    claims: Sequence[str], seeds: Sequence[int], options: Sequence[str]
) -> dict[str, Verdicts]:
    """Return the verdicts of each shuffled run on shared nodes, and of one with a node a call."""
    runs = {f"seed {seed}": verdicts(claims, [*options, "--seed", str(seed)]) for seed in seeds}
    return {**runs, "isolated": verdicts(claims, [*options, "--isolate"])}
