"""Which cells `--failed` repeats: what the last run did not confirm.

Knows: stored runs and how they are judged. Must not know: how cells are run or shown.
"""

from __future__ import annotations

from pathlib import Path

from harness.claims.folder import load_skills
from harness.errors import NothingSelectedError
from harness.judge.finding import Verdict
from harness.judge.judge import judge_run
from harness.run.cells import CellId
from harness.run.file import read_run
from harness.run.stored import latest_run


def unconfirmed(claims_dir: Path, runs_dir: Path) -> frozenset[CellId]:
    """Return the cells of the last run that are not confirmed.

    Raises:
        NothingSelectedError: the last run confirmed every cell.
    """
    run = read_run(latest_run(runs_dir))
    findings = judge_run(run, load_skills(claims_dir)).findings
    cells = frozenset(
        finding.cell
        for finding in findings
        if finding.verdict is not Verdict.CONFIRMED
        and not (finding.boundary and finding.verdict is Verdict.SKIPPED)  # as it should be
    )
    if not cells:
        raise NothingSelectedError(f"the last run, {run.path}, confirmed every cell")
    return cells
