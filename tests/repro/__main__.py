"""`make repro`: every claim that one file can show, run from such files, against our verdicts."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from harness.claims.folder import load_skills
from harness.folders import cache_dir, default_claims_dir, default_probes_dir, default_runs_dir
from harness.judge.judge import judge_run
from harness.report.repro.escript import why_not
from harness.run.cells import CellId
from harness.run.latest import newest_of_each_cell
from harness.runtimes.debian import tree
from harness.system.streams import echo
from tests.repro.everyone import jobs, verdicts


def main() -> int:
    """Print the cells whose verdict is another one: 1 if there are any, 2 if some have none."""
    parser = argparse.ArgumentParser(prog="python -m tests.repro", description=__doc__)
    parser.add_argument("skills", nargs="*", help="[default: all]")
    parser.add_argument("--otp", default="25,27", help="package trees")
    given = parser.parse_args()
    skills = load_skills(default_claims_dir(), given.skills or None)
    erls = {
        release: tree.install(cache_dir(), release, progress=echo).erl
        for release in map(int, given.otp.split(","))
    }
    ours = {
        CellId(finding.cell): finding.verdict.value
        for finding in judge_run(newest_of_each_cell(default_runs_dir()), skills).findings
    }
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="repro-") as folder:
        theirs = verdicts(jobs(skills, erls, Path(folder), default_probes_dir()))
    unknown = [cell for cell in theirs if cell not in ours]
    differing = [cell for cell in theirs if cell in ours and ours[cell] != theirs[cell][0]]
    for cell in differing:
        verdict, reason = theirs[cell]
        echo(f"{cell}: {ours[cell]}, by its file {verdict}: {reason}")
    without = sum(why_not(claim) is not None for skill in skills for claim in skill.claims)
    counts = ", ".join(
        f"{n} {what}" for what, n in Counter(it for it, _ in theirs.values()).items()
    )
    echo(f"{len(theirs)} cells from files in {time.monotonic() - started:.0f} s: {counts}")
    echo(f"{len(differing)} differ from ours; {without} claims have no file")
    if unknown:
        echo(f"{len(unknown)} cells have no verdict of ours: make verify OTP={given.otp} first")
    return 1 if differing else 2 if unknown else 0


sys.exit(main())
