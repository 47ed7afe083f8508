"""Which cells `--failed` repeats: what was not confirmed when it was observed last.

Knows: stored runs and how they are judged. Must not know: how cells are run or shown.
"""

from __future__ import annotations

from pathlib import Path

from harness.claims.folder import load_skills
from harness.errors import NothingSelectedError
from harness.judge.judge import judge_run
from harness.judge.view import NEEDS_ATTENTION
from harness.run.cells import CellId
from harness.run.latest import newest_of_each_cell


def unconfirmed(claims_dir: Path, runs_dir: Path) -> frozenset[CellId]:
    """Return the cells whose newest observation refutes them or decides nothing.

    A skipped cell is none of them: running it again changes nothing that it was skipped for.

    Raises:
        NothingSelectedError: there is none.
    """
    run = newest_of_each_cell(runs_dir)
    findings = judge_run(run, load_skills(claims_dir)).findings
    cells = frozenset(finding.cell for finding in findings if finding.verdict in NEEDS_ATTENTION)
    if not cells:
        raise NothingSelectedError(f"no cell in {runs_dir} is refuted or inconclusive")
    return cells
