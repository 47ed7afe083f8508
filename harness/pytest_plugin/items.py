"""What pytest sees of claims: a file a skill, an item a cell, and how each reports.

Knows: pytest, findings. Must not know: options, how nodes are had.
"""

from __future__ import annotations

import fcntl
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from _pytest._code.code import ReprFileLocation, TerminalRepr
from _pytest._io import TerminalWriter

from harness.claims.folder import load_skill
from harness.claims.model import Claim
from harness.errors import BeamproofError
from harness.folders import cache_dir
from harness.judge import judge
from harness.judge.finding import Finding, Verdict
from harness.pytest_plugin.cells import Cells, cells_of
from harness.report.terminal.findings import explain
from harness.run.cells import Cell, CellId


class Explained(TerminalRepr):
    """Show a cell's sentences where pytest would show a stack.

    Args:
        text: what the terminal shows of the cell.
        path: the claim file.
        line: of the claim, counted from 0.
    """

    def __init__(self, text: str, path: Path, line: int) -> None:
        self.text = text
        lines = text.splitlines()
        message = lines[2].strip() if len(lines) > 2 else text  # noqa: PLR2004 - cell, claim, reason
        self.reprcrash = ReprFileLocation(str(path), line + 1, message)

    def toterminal(self, tw: TerminalWriter) -> None:
        """Write the sentences as they are."""
        tw.line(self.text)


class ClaimFile(pytest.File):
    """Hold the cells of one skill."""

    def collect(self) -> Iterator[pytest.Item]:
        """Yield an item a cell, also for those that are left out."""
        try:
            skill = load_skill(self.path)
            cells = cells_of(self.config, self.path)
        except BeamproofError as error:
            raise self.CollectError(str(error)) from error
        laid_out = cells.lay_out(skill)
        known = {cell.id: cell for cell in laid_out.cells}
        reasons = {out.cell: out.reason for out in laid_out.left_out}
        # one order whatever each process of a session finds: xdist compares them
        for claim in skill.claims:
            for column in cells.columns:
                name = CellId.of(skill.name, claim.id, column.name)
                cell = known.get(name)
                item: CellItem = CellItem.from_parent(
                    self, name=str(name), cell=cell, claim=claim, cells=cells
                )
                if cell is None:
                    item.add_marker(pytest.mark.skip(reason=reasons[name]))
                yield item


class InconclusiveError(Exception):
    """Say that a cell's evidence decides nothing."""


class RefutedError(Exception):
    """Say that a cell's evidence contradicts its claim."""


class CellItem(pytest.Item):
    """Prove one claim on one release."""

    def __init__(self, *, cell: Cell | None, claim: Claim, cells: Cells, **given: Any) -> None:
        super().__init__(**given)
        self.cell = cell
        self.cells = cells
        self.claim = claim
        self._finding: Finding | None = None
        if cell is not None:
            for name in (*cell.call.needs, *(["timing"] if cell.call.timing else [])):
                self.add_marker(str(name))

    def setup(self) -> None:
        """Observe and judge: an inconclusive cell is an error, and errors come from here."""
        if self.cell is None:
            return
        work = self.cells.work(self.cell)
        with _turn(alone=work.call.timing):
            self._finding = judge.judge(self.claim, self.cells.observe(work))
        for title, text in _sections(self._finding):
            self.add_report_section("call", title, text)
        if self._finding.verdict is Verdict.INCONCLUSIVE:
            raise InconclusiveError(explain(self._finding))
        if self._finding.verdict is Verdict.SKIPPED:
            pytest.skip(self._finding.reason)

    def runtest(self) -> None:
        """Fail where the claim is refuted."""
        if self._finding is None or self._finding.verdict is Verdict.CONFIRMED:
            return
        raise RefutedError(explain(self._finding))

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """Show predicted against found instead of a Python traceback."""
        if isinstance(excinfo.value, InconclusiveError | RefutedError | BeamproofError):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int, str]:
        """Return where the claim stands."""
        return self.path, self.claim.line - 1, self.name


def _sections(finding: Finding) -> Iterator[tuple[str, str]]:
    samples = finding.observation.samples if finding.observation else ()
    if samples:
        evidence = [sample.evidence for sample in samples]
        yield "evidence", json.dumps(evidence[0] if len(evidence) == 1 else evidence, indent=1)
        log = "".join(sample.log for sample in samples)
        if log:
            yield "log", log


@contextmanager
def _turn(*, alone: bool) -> Iterator[None]:
    """Wait for this cell's turn among all pytest processes of this user (`-n`)."""
    with _lock_file().open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX if alone else fcntl.LOCK_SH)
        try:
            yield
        finally:
            fcntl.flock(lock, fcntl.LOCK_UN)


def _lock_file() -> Path:
    folder = cache_dir()
    folder.mkdir(parents=True, exist_ok=True)
    return folder / "timing.lock"
